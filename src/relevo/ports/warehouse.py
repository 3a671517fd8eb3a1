"""Where rows are kept, and the record of what happened to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from relevo.domain.arrival import BadCell, BatchSummary, RawChunk
from relevo.domain.batch import Attempt, Batch, BatchState, LoadResult, Outcome
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


class AttemptStore(Protocol):
    """Requests to a source, each on record from before it is made."""

    def open(self, case: str, source: str) -> Attempt: ...

    def close(
        self,
        attempt: Attempt,
        outcome: Outcome,
        *,
        format: str = "",
        number: int | None = None,
        sha256: str = "",
        detail: str = "",
    ) -> Attempt:
        """What is left empty keeps what it was."""

    def of(self, case: str, source: str, *outcomes: Outcome) -> list[Attempt]:
        """In order of starting; all outcomes where none is named."""

    def accept_gap(self, case: str, source: str, number: int, reason: str) -> None:
        """A person lets the loop pass over a batch that is lost; its unanswered attempts become GAP."""

    def accepted_gaps(self, case: str, source: str) -> dict[int, str]:
        """Numbers of lost batches, with the reasons that people gave."""


class BatchStore(Protocol):
    """Batches, their quarantined cells, and how they are loaded."""

    def load(
        self,
        case: UseCase,
        attempt: Attempt,
        chunks: Iterator[RawChunk],
        summarize: Callable[[], BatchSummary],
        *,
        due: int,
    ) -> LoadResult:
        """One transaction: RAW and quarantine rows, the batch, and the attempt's outcome LOADED.

        `summarize` is called after the last chunk. A batch with a number above `due` is Ahead, and nothing of it is stored.
        A batch of the same case, source and number is Known where its content is the same, else SourceContradiction is raised.
        More bad rows than the case's policy allows: the batch is loaded, and its state is STOPPED.
        """

    def get(self, batch_id: int) -> Batch: ...

    def find(self, case: str, source: str, number: int) -> Batch | None: ...

    def of(self, case: str, source: str | None = None) -> list[Batch]:
        """In order of loading."""

    def last(self, case: str, source: str) -> Batch | None: ...

    def twin(self, batch: Batch) -> Batch | None:
        """An earlier batch of the case with the same rows, where there are any rows."""

    def rows_until(self, case: str, batch_id: int) -> int:
        """RAW rows of the case's batches up to this one."""

    def set_state(self, batch: Batch, state: BatchState, reason: str) -> Batch: ...

    def bad_cells(self, batch: Batch, limit: int = 100) -> list[BadCell]: ...

    def bad_cell_counts(self, batch: Batch) -> list[tuple[str, str, int]]:
        """Column, reason, cells; most first."""


class RowStore(Protocol):
    """RAW and CLEAN rows of a case, as Arrow."""

    def good(self, case: UseCase, batch: Batch) -> Iterator[pa.RecordBatch]:
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
        splits: Sequence[Split],
        max_rows: int | None = None,
    ) -> Frame:
        """CLEAN rows with a known target. With `max_rows`, about that many, those of the lowest identities."""

    def count_clean(
        self, case: UseCase, batch_ids: Sequence[int]
    ) -> dict[Split, int]: ...


class Record(Protocol):
    """What was decided, trained, ruled and moved.

    A decision, training or verdict that is added again is answered as it was stored.
    """

    def add_decision(self, decision: Decision) -> Decision: ...

    def decisions(self, case: str, batch_id: int | None = None) -> list[Decision]: ...

    def decision(self, decision_id: int) -> Decision: ...

    def add_training(self, training: Training) -> Training: ...

    def trainings(
        self, case: str, decision_id: int | None = None
    ) -> list[Training]: ...

    def last_trained_batch(self, case: str) -> int | None:
        """The newest batch id that a training was recorded for."""

    def add_verdict(self, verdict: Verdict) -> Verdict: ...

    def verdicts(self, case: str, decision_id: int | None = None) -> list[Verdict]: ...

    def open_move(self, move: Move) -> Move: ...

    def finish_move(self, move: Move) -> Move: ...

    def move(self, move_id: int) -> Move: ...

    def moves(self, case: str) -> list[Move]: ...

    def alias_lock(self, case: str) -> AbstractContextManager[None]:
        """While open, nobody else registers a version of the case or moves an alias, and no successor takes its lease over.

        LeaseLost where one already has; a person, who holds no lease, only waits.
        """

    def add_request(self, case: str, reason: str) -> TrainingRequest: ...

    def open_requests(self, case: str) -> list[TrainingRequest]: ...


class Warehouse(Protocol):
    """Rows, and the record of all that happened to them. Writes are transactions: all or nothing."""

    @property
    def attempts(self) -> AttemptStore: ...

    @property
    def batches(self) -> BatchStore: ...

    @property
    def rows(self) -> RowStore: ...

    @property
    def record(self) -> Record: ...

    def migrate(self) -> None:
        """Bring the fixed tables to this version's shape; safe to call at each start."""

    def prepare_case(self, case: UseCase) -> None:
        """Make the case's RAW and CLEAN tables, and add columns that its contract has gained."""

    def lease(self, case: str, holder: str) -> AbstractContextManager[Lease]:
        """Hold the case for `holder`: renewed while open, released at the end.

        Taken at once where it is free, expired, held by the same holder, or by a process of this machine that is dead; else
        LeaseHeld. A holder that takes over fences the one before: its next write raises LeaseLost.
        """
