"""The record of a use case, batch by batch: what was decided, trained, ruled and published."""

from dataclasses import dataclass

from relevo.app import Loop
from relevo.domain.batch import Batch, BatchState
from relevo.domain.evidence import Action, Decision, Move, Ruling, Training, Verdict
from relevo.domain.identity import Split
from relevo.domain.metrics import ERROR_RATE, METRICS, MSE, Metric
from relevo.domain.wording import percent

OUTCOMES_OF_ACTION = {Action.TRAIN: "trained", Action.SKIP: "skipped"}
RESULTS_OF_RULING = {Ruling.PROMOTE: "promoted", Ruling.KEEP: "rejected"}


def measured(metrics: dict[str, float], split: Split | None = None) -> list[Metric]:
    """Those that are shown: not MSE, which is RMSE again, nor what accuracy says already."""
    values = {metric: metric.of(metrics, split) for metric in METRICS.values()}
    del values[MSE], values[ERROR_RATE]
    return [metric for metric, value in values.items() if value is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """A batch and one decision on it; a training request makes another decision on the same batch."""

    batch: Batch
    decision: Decision | None = None
    training: Training | None = None
    verdict: Verdict | None = None
    champion: str | None = None  # when the decision was made

    @property
    def key(self) -> str:
        request_id = self.decision and self.decision.request_id
        return f"{self.batch.number}.{request_id or 0}"

    @property
    def outcome(self) -> str:
        if self.decision:
            return OUTCOMES_OF_ACTION[self.decision.action]
        if self.batch.state is BatchState.STOPPED:
            return "stopped"
        return "waiting"

    @property
    def result(self) -> str:
        if self.verdict:
            return RESULTS_OF_RULING[self.verdict.ruling]
        if self.training:
            return "in contest"
        return ""

    @property
    def version(self) -> str:
        """Of the challenger; empty where none was trained."""
        if self.training is None:
            return ""
        return self.training.version

    @property
    def version_result(self) -> str:
        """`version 3 promoted`; empty where nothing was trained."""
        if self.training is None:
            return ""
        return f"version {self.version} {self.result}"

    @property
    def reason(self) -> str:
        if self.decision:
            return self.decision.sentence
        if self.batch.state is BatchState.STOPPED:
            return f"{percent(self.batch.bad_share)} of its rows break the contract; a person must accept or reject it"
        return "not decided yet"

    @property
    def error_on_batch(self) -> float | None:
        """The champion's error on the batch, as its decision measured it."""
        if self.decision is None:
            return None
        errors = (each.value for each in self.decision.evidence if each.name == "error")
        return next(errors, None)

    def error_on_holdout(self, metric: Metric) -> float | None:
        """The challenger's, after its training."""
        if self.training is None:
            return None
        return metric.of(self.training.metrics, Split.TEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that is on record, oldest first."""

    batches: tuple[Batch, ...]
    entries: tuple[HistoryEntry, ...]
    moves: tuple[Move, ...]

    @property
    def champion(self) -> str | None:
        return next((move.version for move in reversed(self.moves)), None)

    @property
    def versions(self) -> list[str]:
        """Newest first."""
        return [entry.version for entry in reversed(self.entries) if entry.training]

    @property
    def rows(self) -> int:
        return sum(batch.rows for batch in self.batches)

    def entry_of(self, version: str | None) -> HistoryEntry | None:
        """The entry in which the version was trained."""
        trained = (entry for entry in self.entries if entry.training)
        return next((entry for entry in trained if entry.version == version), None)

    def batch_numbers(self, training: Training) -> tuple[int, ...]:
        own = (batch for batch in self.batches if batch.id in training.batches)
        return tuple(batch.number for batch in own)


def read_case_history(loop: Loop) -> History:
    name, record = loop.case.name, loop.warehouse.record
    moves = tuple(move for move in record.moves(name) if move.done_at)
    trainings = {each.decision_id: each for each in record.trainings(name)}
    verdicts = {each.decision_id: each for each in record.verdicts(name)}
    batches, entries = [], []
    for batch, decisions in loop.history():
        batches.append(batch)
        if not decisions:
            entries.append(HistoryEntry(batch=batch))
        entries += [
            HistoryEntry(
                batch=batch,
                decision=decision,
                training=trainings.get(decision.stored_id),
                verdict=verdicts.get(decision.stored_id),
                champion=_champion_at(decision, moves),
            )
            for decision in decisions
        ]
    return History(batches=tuple(batches), entries=tuple(entries), moves=moves)


def _champion_at(decision: Decision, moves: tuple[Move, ...]) -> str | None:
    before = [
        move.version
        for move in moves
        if move.done_at and move.done_at < decision.decided_at
    ]
    return next(reversed(before), None)
