"""Bring in the next batch, exactly once, from a source that may forget what it answered.

A committed attempt precedes each request, and what is answered is stored before it is looked at. So at each start it is
known which requests may have moved the source's cursor without an answer reaching us, and what may be lost is found again
(the source repeats it, or starts over) or reported. Batches are loaded in order of their number.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import cast

from relevo.domain.arrival import Format, SourceResponse
from relevo.domain.batch import Ahead, Attempt, Batch, BatchState, Outcome
from relevo.domain.use_case import UseCase
from relevo.errors import BatchStopped, GapFound, SourceError, SourceUnavailable
from relevo.formats import read_rows
from relevo.loop.progress import is_finished
from relevo.ports.source import BatchSource
from relevo.ports.store import ObjectStore
from relevo.ports.warehouse import Warehouse

log = logging.getLogger(__name__)

Wait = Callable[[int], None]  # sleeps before try n


@dataclass(slots=True)
class Patience:
    """How often a source that may be retried is asked within one step."""

    tries: int
    wait: Wait
    used: int = 0

    def spend(self, error: SourceUnavailable) -> None:
        self.used += 1
        if self.used >= self.tries:
            raise error
        log.warning("%s; try %d of %d follows", error, self.used + 1, self.tries)
        self.wait(self.used)


def ingest(
    case: UseCase,
    source: BatchSource,
    warehouse: Warehouse,
    landing: ObjectStore,
    tries: int,
    wait: Wait,
) -> Batch | None:
    """The next batch to work on; None when the source has no more.

    A batch that a killed chain left half-way comes first. Raises GapFound or BatchStopped where a person must decide.
    """
    last = warehouse.batches.last(case.name, source.name)
    if last is None or is_finished(last, warehouse.record):
        step = _Ingest(case, source, warehouse, landing, Patience(tries, wait))
        step.settle()
        last = step.next_batch()
    if last is not None and last.state is BatchState.STOPPED:
        raise BatchStopped(_why_stopped(case, last, warehouse))
    return last


def _why_stopped(case: UseCase, batch: Batch, warehouse: Warehouse) -> str:
    worst = "; ".join(
        f"{column!r} {reason} ({cells:,} cells)"
        for column, reason, cells in warehouse.batches.bad_cell_counts(batch)[:3]
    )
    return (
        f"batch {batch.number} of {case.name}: {batch.bad_rows:,} of {batch.rows:,} rows break the contract "
        f"(limit {case.policy.bad_rows_share:.0%}): {worst}; let its good rows pass with `relevo accept {case.name} "
        f"{batch.number} --reason …`, keep it out with `relevo reject`, or widen the contract"
    )


@dataclass(slots=True)
class _Ingest:
    case: UseCase
    source: BatchSource
    warehouse: Warehouse
    landing: ObjectStore
    patience: Patience
    started_over: bool = False
    last_known: int | None = None

    def settle(self) -> None:
        """What a killed predecessor left open: its answer is in the landing store, or it never came."""
        for attempt in self._attempts(Outcome.OPEN):
            if stored := self.landing.list(attempt.object_key + "."):
                self._landed(attempt, stored[0])
            else:
                self.warehouse.attempts.close(
                    attempt,
                    Outcome.UNANSWERED,
                    detail="the process ended before an answer landed",
                )

    def next_batch(self) -> Batch | None:
        while True:
            due = self._due()
            landed = self._attempts(Outcome.LANDED)
            ready = next(
                (a for a in landed if a.number is None or a.number <= due), None
            )
            if ready is not None:
                if (batch := self._load(ready, due)) is not None:
                    return batch
            elif landed and not (self.source.can_repeat or self.started_over):
                self._start_over(due, "a later batch came instead")
            elif not self._receive(due, ahead=bool(landed)):
                if not landed and not self._attempts(Outcome.UNANSWERED):
                    return None
                self._end_in_doubt(due, ahead=bool(landed))

    def _due(self) -> int:
        """The number that comes next: one after the last loaded, less those a person gave up."""
        last = self.warehouse.batches.last(self.case.name, self.source.name)
        due = 0 if last is None else last.number + 1
        given_up = self.warehouse.attempts.accepted_gaps(
            self.case.name, self.source.name
        )
        while due in given_up:
            due += 1
        return due

    def _receive(self, due: int, ahead: bool) -> bool:
        """Ask until something has landed: True; False at the end of data."""
        while True:
            try:
                if self.source.can_repeat and (
                    ahead or self._attempts(Outcome.UNANSWERED)
                ):
                    if self._ask(self.source.repeat(due), Outcome.REFUSED):
                        return True
                    self._clear_suspicion()
                return self._ask(
                    self.source.next(due - 1 if due else None), Outcome.END
                )
            except SourceUnavailable as error:
                self.patience.spend(error)

    def _ask(
        self, request: AbstractContextManager[SourceResponse | None], nothing: Outcome
    ) -> bool:
        """One request, on record before it leaves: True where its answer has landed."""
        attempt = self.warehouse.attempts.open(self.case.name, self.source.name)
        try:
            with request as answer:
                if answer is None:
                    self.warehouse.attempts.close(attempt, nothing)
                    return False
                key = _stored_key(attempt, answer)
                self.landing.put(key, answer.chunks)
        except SourceError as error:
            lost = isinstance(error, SourceUnavailable) and error.maybe_answered
            outcome = Outcome.UNANSWERED if lost else Outcome.REFUSED
            self.warehouse.attempts.close(attempt, outcome, detail=str(error))
            raise
        self._landed(attempt, key)
        return True

    def _landed(self, attempt: Attempt, key: str) -> None:
        number, format = _parts(key.removeprefix(attempt.object_key))
        self.warehouse.attempts.close(
            attempt, Outcome.LANDED, format=format, number=number
        )

    def _load(self, attempt: Attempt, due: int) -> Batch | None:
        """The landed answer as a batch; None where it is ahead of its turn, known already, or no batch at all."""
        format = cast(Format, attempt.format)
        with self.landing.open(
            self.landing.list(attempt.object_key + ".")[0]
        ) as stream:
            reading = read_rows(stream, format, self.case.contract, attempt.number)
            try:
                result = self.warehouse.batches.load(
                    self.case, attempt, iter(reading), reading.facts, due=due
                )
            except SourceUnavailable as error:
                self.warehouse.attempts.close(
                    attempt, Outcome.UNANSWERED, format=format, detail=str(error)
                )
                self.patience.spend(error)
                return None
        if isinstance(result, Ahead):
            self.warehouse.attempts.close(
                attempt, Outcome.LANDED, format=format, number=result.number
            )
            return None
        if result.batch.number == due:
            self._clear_suspicion()
            return result.batch
        self._known_again(result.batch)
        return None

    def _known_again(self, batch: Batch) -> None:
        """A source may repeat itself once; one that never moves on would keep us here for ever."""
        if self.last_known == batch.number:
            stuck = f"{self.source.name} answers batch {batch.number} of {self.case.name} again and again"
            self.patience.spend(
                SourceUnavailable(
                    f"{stuck}: its cursor does not move; repair it",
                    maybe_answered=False,
                )
            )
        self.last_known = batch.number

    def _end_in_doubt(self, due: int, *, ahead: bool) -> None:
        """The source has ended, and a request before it got no answer: the last batch may be what is missing."""
        if not self.started_over:
            self._start_over(due, "the source then had no more")
        elif ahead:
            raise GapFound(self._gap(due, "the source, started over, does not have it"))
        else:
            self._clear_suspicion()

    def _start_over(self, due: int, what_came: str) -> None:
        """Put the cursor back where a setting allows it: known batches are compared, what is missing comes again."""
        if not self.source.can_restart:
            raise GapFound(self._gap(due, what_came))
        log.warning(
            "batch %d of %s may be lost (%s); starting %s over",
            due,
            self.case.name,
            what_came,
            self.source.name,
        )
        self.source.restart()
        self.started_over = True

    def _gap(self, due: int, what_came: str) -> str:
        return (
            f"batch {due} of {self.case.name} may be lost: {self.source.name} was asked, no answer arrived, and {what_came}; "
            f"allow the loop to start the source over (may_restart=True in its use_case.py), restore the batch at the source, "
            f"or go on without it: relevo accept {self.case.name} {due} --reason …"
        )

    def _clear_suspicion(self) -> None:
        for attempt in self._attempts(Outcome.UNANSWERED):
            self.warehouse.attempts.close(
                attempt, Outcome.HARMLESS, format=attempt.format, detail=attempt.detail
            )

    def _attempts(self, outcome: Outcome) -> list[Attempt]:
        return self.warehouse.attempts.of(self.case.name, self.source.name, outcome)


def _stored_key(attempt: Attempt, answer: SourceResponse) -> str:
    """The key says what the bytes are, so that a successor of a killed process can read them."""
    number = "" if answer.number is None else f"{answer.number}."
    return f"{attempt.object_key}.{number}{answer.format}"


def _parts(suffix: str) -> tuple[int | None, str]:
    *number, format = suffix.strip(".").split(".")
    return (int(number[0]) if number else None), format
