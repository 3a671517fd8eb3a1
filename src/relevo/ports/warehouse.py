"""Where rows are kept, and the record of what happened to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from relevo.domain.arrival import BadCell, BatchSummary, RawChunk
from relevo.domain.batch import Attempt, Batch, BatchState, Outcome
from relevo.domain.evidence import Decision, Move, Training, TrainingRequest, Verdict
from relevo.domain.frame import Frame
from relevo.domain.identity import Split
from relevo.domain.use_case import UseCase

if TYPE_CHECKING:
    import pyarrow as pa  # the API imports the ports and has no pyarrow


class Lease(Protocol):
    """The right to work on a case. Every write of the warehouse that was given it checks it."""

    holder: str

    def check(self) -> None:
        """Raises LeaseLost where a successor has taken over."""

    def release(self) -> None: ...


class Record(Protocol):
    """What was decided, trained, ruled and moved. Each `record_…` answers the stored object, and the one already there where
    it is called again."""

    def record_decision(self, decision: Decision) -> Decision: ...

    def decisions(self, case: str, batch_id: int | None = None) -> list[Decision]: ...

    def decision(self, decision_id: int) -> Decision: ...

    def record_training(self, training: Training) -> Training: ...

    def trainings(
        self, case: str, decision_id: int | None = None
    ) -> list[Training]: ...

    def record_verdict(self, verdict: Verdict) -> Verdict: ...

    def verdicts(self, case: str, decision_id: int | None = None) -> list[Verdict]: ...

    def open_move(self, move: Move) -> Move: ...

    def finish_move(self, move: Move) -> Move: ...

    def move(self, move_id: int) -> Move: ...

    def moves(self, case: str) -> list[Move]: ...

    def moving(self, case: str) -> AbstractContextManager[None]:
        """While open, nobody else registers a version of the case or moves an alias, and no successor takes its lease over.

        LeaseLost where one already has; a person, who holds no lease, only waits for his turn.
        """

    def add_request(self, case: str, reason: str) -> TrainingRequest: ...

    def open_requests(self, case: str) -> list[TrainingRequest]: ...


class Warehouse(Record, Protocol):
    """Rows, and the record of all that happened to them. Writes are transactions: all or nothing."""

    def migrate(self) -> None:
        """Bring the fixed tables to this version's shape; safe to call at each start."""

    def prepare_case(self, case: UseCase) -> None:
        """Make the case's RAW and CLEAN tables, and add columns that its contract has gained."""

    def lease(self, case: str, holder: str) -> AbstractContextManager[Lease]:
        """Hold the case for `holder`: renewed while open, released at the end.

        Taken at once where it is free, expired, held by the same holder, or by a process of this machine that is dead; else
        LeaseHeld. A holder that takes over fences the one before: its next write raises LeaseLost.
        """

    # attempts
    def open_attempt(self, case: str, source: str) -> Attempt: ...

    def close_attempt(
        self,
        attempt: Attempt,
        outcome: Outcome,
        *,
        format: str = "",
        number: int | None = None,
        sha256: str = "",
        detail: str = "",
    ) -> Attempt: ...

    def attempts(self, case: str, source: str, *outcomes: Outcome) -> list[Attempt]:
        """In order of starting; all outcomes where none is named."""

    # batches
    def load(
        self,
        case: UseCase,
        attempt: Attempt,
        chunks: Iterator[RawChunk],
        facts: SummaryAtEnd,
    ) -> Batch:
        """One transaction: RAW and quarantine rows, the batch, and the attempt's outcome LOADED.

        `facts` is called after the last chunk. A batch of the same case, source and number: IntegrityError never escapes,
        SourceContradiction does where its content differs; where it is the same, the known batch is answered.
        """

    def batch(self, batch_id: int) -> Batch: ...

    def find_batch(self, case: str, source: str, number: int) -> Batch | None: ...

    def batches(self, case: str, source: str | None = None) -> list[Batch]:
        """In order of loading."""

    def last_batch(self, case: str, source: str) -> Batch | None: ...

    def twin(self, batch: Batch) -> Batch | None:
        """An earlier batch of the case with the same rows, where there are any rows."""

    def last_training_batch(self, case: str) -> int | None:
        """The newest batch id that a training was recorded for."""

    def rows_until(self, case: str, batch_id: int) -> int:
        """RAW rows of the case's batches up to this one."""

    def set_batch_state(
        self, batch: Batch, state: BatchState, reason: str
    ) -> Batch: ...

    def bad_cells(self, batch: Batch, limit: int = 100) -> list[BadCell]: ...

    def bad_cell_counts(self, batch: Batch) -> list[tuple[str, str, int]]:
        """Column, reason, cells; most first."""

    # rows
    def good_rows(self, case: UseCase, batch: Batch) -> Iterator[pa.RecordBatch]:
        """RAW rows of the batch that are not in quarantine: `position` and the contract's columns, streamed."""

    def write_clean(
        self, case: UseCase, batch: Batch, chunks: Iterator[pa.RecordBatch]
    ) -> int:
        """Replace the batch's CLEAN rows in one transaction; rows written.

        Columns: batch_id, position, identity, side, then the contract's columns but text.
        """

    def frame(
        self,
        case: UseCase,
        batch_ids: Sequence[int],
        sides: Sequence[Split],
        max_rows: int | None = None,
    ) -> Frame:
        """CLEAN rows with a known target. With `max_rows`, about that many, those of the lowest identities."""

    def count_clean(
        self, case: UseCase, batch_ids: Sequence[int]
    ) -> dict[Split, int]: ...

    def accept_gap(self, case: str, source: str, number: int, reason: str) -> None:
        """A person lets the loop pass over a batch that is lost; its unanswered attempts become GAP."""

    def accepted_gaps(self, case: str, source: str) -> dict[int, str]: ...


class SummaryAtEnd(Protocol):
    def __call__(self) -> BatchSummary: ...
