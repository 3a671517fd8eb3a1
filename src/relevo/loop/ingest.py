"""Bring in the next batch, exactly once, from a source that may forget what it answered.

A committed attempt precedes each request, and an answer is stored before it is read.
So each start knows which requests may have moved the source's cursor without an answer.
A batch that may be lost is requested again (the source repeats it, or starts over) or reported.
Batches are loaded in order of their number.
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import stamina

from relevo.domain.arrival import LandedAnswer, SourceResponse
from relevo.domain.batch import Ahead, Attempt, Batch, BatchState, LoadResult, Outcome
from relevo.domain.use_case import UseCase
from relevo.domain.wording import percent
from relevo.errors import BatchStopped, GapFound, SourceError, SourceUnavailable
from relevo.formats import read_rows
from relevo.loop.progress import is_finished, next_number
from relevo.ports.source import BatchSource
from relevo.ports.store import ObjectStore
from relevo.ports.warehouse import Warehouse

log = logging.getLogger(__name__)

WORST_COLUMNS = 3  # more would bury the remedy at the sentence's end
# the first wait is for a source that restarts, the last for one that is overloaded
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0


def ingest(
    case: UseCase,
    source: BatchSource,
    warehouse: Warehouse,
    landing: ObjectStore,
    tries: int,
) -> Batch | None:
    """The next batch to process; None when the source has no more.

    A batch that a killed process left unfinished comes first. Raises GapFound or BatchStopped
    where a person must decide.
    """
    batch = warehouse.batches.last(case.name, source.name)
    if batch is None or is_finished(batch, warehouse.record):
        batch = _next_batch(_Arrivals(case, source, warehouse, landing), tries)
    if batch is not None and batch.state is BatchState.STOPPED:
        raise BatchStopped(_why_stopped(case, batch, warehouse))
    return batch


def _next_batch(arrivals: _Arrivals, tries: int) -> Batch | None:
    """Each try leaves its attempt on record, so a retry simply goes on."""
    arrivals.settle()
    for attempt in stamina.retry_context(
        on=SourceUnavailable,
        attempts=tries,
        timeout=None,  # a large answer may take minutes, and tries are counted
        wait_initial=FIRST_WAIT,
        wait_max=LONGEST_WAIT,
    ):
        with attempt:
            try:
                return arrivals.next_batch()
            except SourceUnavailable as error:
                log.warning("%s (try %d of %d)", error, attempt.num, tries)
                raise
    raise AssertionError("a retry context ends by an answer or an error")


def _why_stopped(case: UseCase, batch: Batch, warehouse: Warehouse) -> str:
    counts = warehouse.batches.bad_cell_counts(batch)[:WORST_COLUMNS]
    worst = "; ".join(
        f"{column!r} {reason} ({cells:,} cells)" for column, reason, cells in counts
    )
    return (
        f"batch {batch.number} of {case.name}: {batch.bad_rows:,} of {batch.rows:,} rows "
        f"break the contract (limit {percent(case.policy.bad_rows_share)}): {worst}; "
        f"let its good rows pass with `relevo accept {case.name} {batch.number} --reason …`, "
        "keep it out with `relevo reject`, or widen the contract"
    )


@dataclass(slots=True)
class _Arrivals:
    """What a source has answered, and what it still has to."""

    case: UseCase
    source: BatchSource
    warehouse: Warehouse
    landing: ObjectStore
    started_over: bool = False
    # the number of a loaded batch that the source has sent again
    repeated: int | None = None

    def settle(self) -> None:
        """Close what a killed process left open: its answer has landed, or it never came."""
        for attempt in self._attempts(Outcome.OPEN):
            if self.landing.list(attempt.object_key + "."):
                self._close_landed(attempt, self._answer_to(attempt))
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
            # without a number it may be the next batch: only reading it shows its number
            ready = [a for a in landed if a.number is None or a.number <= due]
            if ready:
                if batch := self._load(ready[0], due):
                    return batch
            elif landed and not (self.source.can_repeat or self.started_over):
                self._start_over(due, "a later batch came instead")
            elif not self._receive(due, ahead=bool(landed)):
                if not landed and not self._attempts(Outcome.UNANSWERED):
                    return None
                self._end_in_doubt(due, ahead=bool(landed))

    def _due(self) -> int:
        """The number after the last loaded, and after those that a person gave up."""
        due = next_number(self.warehouse.batches, self.case.name, self.source.name)
        given_up = self.warehouse.attempts.accepted_gaps(
            self.case.name, self.source.name
        )
        while due in given_up:
            due += 1
        return due

    def _receive(self, due: int, ahead: bool) -> bool:
        """Request a batch: True where it has landed, False at the end of data."""
        in_doubt = ahead or self._attempts(Outcome.UNANSWERED)
        if self.source.can_repeat and in_doubt:
            # by its number first: `next` would move the cursor past what may be lost
            if self._request(self.source.repeat(due), Outcome.REFUSED):
                return True
            self._clear_suspicion()
        last = None
        if due:
            last = due - 1
        return self._request(self.source.next(last), Outcome.END)

    def _request(
        self, request: AbstractContextManager[SourceResponse | None], nothing: Outcome
    ) -> bool:
        """One request, on record before it leaves: True where its answer has landed."""
        attempt = self.warehouse.attempts.open(self.case.name, self.source.name)
        try:
            with request as response:
                if response is None:
                    self.warehouse.attempts.close(attempt, nothing)
                    return False
                answer = LandedAnswer(
                    attempt.object_key, response.number, response.format
                )
                self.landing.put(answer.key, response.chunks)
        except SourceError as error:
            outcome = Outcome.REFUSED
            if error.maybe_answered:
                outcome = Outcome.UNANSWERED
            self.warehouse.attempts.close(attempt, outcome, detail=str(error))
            raise
        self._close_landed(attempt, answer)
        return True

    def _answer_to(self, attempt: Attempt) -> LandedAnswer:
        [key, *_] = self.landing.list(attempt.object_key + ".")
        return LandedAnswer.parse(attempt.object_key, key)

    def _close_landed(self, attempt: Attempt, answer: LandedAnswer) -> None:
        self.warehouse.attempts.close(
            attempt, Outcome.LANDED, format=answer.format, number=answer.number
        )

    def _load(self, attempt: Attempt, due: int) -> Batch | None:
        """The landed answer as a batch; None where it is ahead of its turn or loaded already."""
        answer = self._answer_to(attempt)
        try:
            result = self._read(attempt, answer, due)
        except SourceUnavailable as error:
            # what landed is no batch, such as half a body: it counts as never answered
            self.warehouse.attempts.close(
                attempt, Outcome.UNANSWERED, format=answer.format, detail=str(error)
            )
            raise
        if isinstance(result, Ahead):
            self._close_landed(attempt, replace(answer, number=result.number))
            return None
        if result.batch.number == due:
            self._clear_suspicion()
            return result.batch
        self._tolerate_once(result.batch)
        return None

    def _read(self, attempt: Attempt, answer: LandedAnswer, due: int) -> LoadResult:
        with self.landing.open(answer.key) as stream:
            rows = read_rows(stream, answer.format, self.case.contract, attempt.number)
            return self.warehouse.batches.load(
                self.case, attempt, iter(rows), rows.facts, due=due
            )

    def _tolerate_once(self, batch: Batch) -> None:
        """A source may repeat a batch once; one whose cursor never moves would be read for ever."""
        if self.repeated == batch.number:
            raise SourceUnavailable(
                f"{self.source.name} answers batch {batch.number} of {self.case.name} "
                "again and again: its cursor does not move; repair it",
                maybe_answered=False,
            )
        self.repeated = batch.number

    def _end_in_doubt(self, due: int, *, ahead: bool) -> None:
        """The source has ended, and a request had no answer: that may have been the last batch."""
        if not self.started_over:
            self._start_over(due, "the source then had no more")
        elif ahead:
            raise GapFound(self._gap(due, "the source, started over, does not have it"))
        else:
            self._clear_suspicion()

    def _start_over(self, due: int, what_came: str) -> None:
        """Put the cursor back: loaded batches are compared, and a lost one comes again."""
        if not self.source.can_restart:
            raise GapFound(self._gap(due, what_came))
        log.warning("%s; starting the source over", self._gap(due, what_came))
        self.source.restart()
        self.started_over = True

    def _gap(self, due: int, what_came: str) -> str:
        return (
            f"batch {due} of {self.case.name} may be lost: {self.source.name} was asked, "
            f"no answer arrived, and {what_came}; allow the loop to start the source over "
            "(may_restart=True in its use_case.py), restore the batch at the source, "
            f"or go on without it: relevo accept {self.case.name} {due} --reason …"
        )

    def _clear_suspicion(self) -> None:
        """The batch that came next proves that nothing was lost."""
        for attempt in self._attempts(Outcome.UNANSWERED):
            self.warehouse.attempts.close(attempt, Outcome.HARMLESS)

    def _attempts(self, outcome: Outcome) -> list[Attempt]:
        return self.warehouse.attempts.of(self.case.name, self.source.name, outcome)
