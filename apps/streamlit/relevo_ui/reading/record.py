"""The record of a use case, as one story: each batch with what was decided, trained, ruled and moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from relevo.app import Loop
from relevo.domain.batch import Batch, BatchState
from relevo.domain.evidence import Action, Decision, Move, Ruling, Training, Verdict
from relevo.domain.metrics import Metric, headline
from relevo.domain.use_case import UseCase

Outcome = Literal["trained", "skipped", "stopped", "waiting"]
Result = Literal["promoted", "kept out", ""]


def measure_of(case: UseCase) -> Metric:
    """The one error that people of this task talk about."""
    return headline(case.task, case.log_target)


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch and one decision on it; a batch that a person asked about has more than one."""

    batch: Batch
    decision: Decision | None = None
    training: Training | None = None
    verdict: Verdict | None = None
    champion: str | None = None  # when the decision was made

    @property
    def key(self) -> str:
        return (
            f"{self.batch.number}.{self.decision.request_id or 0}"
            if self.decision
            else f"{self.batch.number}.0"
        )

    @property
    def outcome(self) -> Outcome:
        if self.decision is None:
            return "stopped" if self.batch.state is BatchState.STOPPED else "waiting"
        return "trained" if self.decision.action is Action.TRAIN else "skipped"

    @property
    def result(self) -> Result:
        if self.verdict is None:
            return ""
        return "promoted" if self.verdict.ruling is Ruling.PROMOTE else "kept out"

    @property
    def reason(self) -> str:
        if self.decision:
            return self.decision.sentence
        if self.batch.state is BatchState.STOPPED:
            return f"{self.batch.bad_share:.0%} of its rows break the contract; a person must accept or reject it"
        return "not decided on yet"

    @property
    def error_on_batch(self) -> float | None:
        """The champion's error on the batch, as its decision measured it."""
        found = (
            [one.value for one in self.decision.evidence if one.name == "error"]
            if self.decision
            else []
        )
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class History:
    """All that is on record, oldest first."""

    batches: tuple[Batch, ...]
    entries: tuple[Entry, ...]
    trainings: tuple[Training, ...]
    moves: tuple[Move, ...]

    @property
    def champion(self) -> str | None:
        return self.moves[-1].version if self.moves else None

    @property
    def challenger(self) -> str | None:
        return self.trainings[-1].version if self.trainings else None

    @property
    def rows(self) -> int:
        return sum(batch.rows for batch in self.batches)

    def training(self, version: str | None) -> Training | None:
        return next((one for one in self.trainings if one.version == version), None)

    def entry_of(self, version: str) -> Entry | None:
        return next(
            (
                one
                for one in self.entries
                if one.training and one.training.version == version
            ),
            None,
        )

    def batch_numbers(self, training: Training) -> list[int]:
        numbers = {batch.id: batch.number for batch in self.batches}
        return sorted(numbers[id] for id in training.batches if id in numbers)


def read_history(loop: Loop) -> History:
    name, warehouse = loop.case.name, loop.warehouse
    moves = tuple(move for move in warehouse.record.moves(name) if move.done_at)
    trainings = {one.decision_id: one for one in warehouse.record.trainings(name)}
    verdicts = {one.decision_id: one for one in warehouse.record.verdicts(name)}
    decided: dict[int, list[Decision | None]] = {}
    for decision in warehouse.record.decisions(name):
        decided.setdefault(decision.batch_id, []).append(decision)
    batches = tuple(warehouse.batches.of(name))
    entries = tuple(
        Entry(
            batch,
            one,
            trainings.get(one.id),
            verdicts.get(one.id),
            _champion_at(one, moves),
        )
        if one
        else Entry(batch)
        for batch in batches
        for one in decided.get(batch.id) or [None]
    )
    return History(batches, entries, tuple(trainings.values()), moves)


def _champion_at(decision: Decision, moves: tuple[Move, ...]) -> str | None:
    before = [
        move.version
        for move in moves
        if move.done_at and move.done_at < decision.decided_at
    ]
    return before[-1] if before else None
