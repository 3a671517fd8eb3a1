"""What the loop needs from outside. Adapters implement these; only bootstrap knows which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NotRequired, Protocol, TypedDict

from relevo.domain.batch import Attempt, Batch, BatchState, Outcome
from relevo.domain.evidence import Decision, Move, Request, Training, Verdict
from relevo.domain.frame import Frame
from relevo.domain.identity import Side
from relevo.domain.use_case import Task, UseCase

if TYPE_CHECKING:
    import pyarrow as pa  # what serves models knows ports, and has no pyarrow

Format = Literal["json", "csv", "parquet"]


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes on their way in. `number` is set where the source knows it before the bytes are read."""

    format: Format
    chunks: Iterable[bytes]
    number: int | None = None


class BatchSource(Protocol):
    """Where batches come from. Raises SourceUnavailable for what may be retried, SourceError for what may not."""

    name: str  # part of a batch's key: the same rows from another source are other batches
    can_repeat: bool
    can_restart: bool

    def next(self, after: int | None) -> AbstractContextManager[Answer | None]:
        """The next batch; None at the end of data. A source with no cursor answers the one after `after`."""

    def repeat(self, number: int) -> AbstractContextManager[Answer | None]:
        """A batch again, moving no cursor; None where the source has not answered it yet."""

    def restart(self) -> None:
        """Put the source's cursor back to its first batch."""


class ObjectStore(Protocol):
    """Bytes under a key. What is put is there whole or not at all, and survives the process."""

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """Store under `key`, durable on return; the number of bytes."""

    def open(self, key: str) -> AbstractContextManager[BinaryIO]: ...

    def exists(self, key: str) -> bool: ...

    def list(self, prefix: str) -> list[str]: ...

    def delete(self, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class BadCell:
    position: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class RawChunk:
    """Rows as they arrived, in order. `rows` has the contract's columns, typed, and `_rest`: JSON of what
    does not fit a column's type or has no column. `bad` names the cells that break the contract."""

    first_position: int
    rows: pa.RecordBatch
    bad: list[BadCell]


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """What is known of a batch once its bytes have been read to the end."""

    number: int
    rows: int
    bad_rows: int
    sha256: str
    content_sha256: str


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

    def trainings(self, case: str, decision_id: int | None = None) -> list[Training]: ...

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

    def add_request(self, case: str, reason: str) -> Request: ...

    def open_requests(self, case: str) -> list[Request]: ...


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
    def load(self, case: UseCase, attempt: Attempt, chunks: Iterator[RawChunk], facts: FactsAtEnd) -> Batch:
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

    def set_batch_state(self, batch: Batch, state: BatchState, reason: str) -> Batch: ...

    def bad_cells(self, batch: Batch, limit: int = 100) -> list[BadCell]: ...

    def bad_cell_counts(self, batch: Batch) -> list[tuple[str, str, int]]:
        """Column, reason, cells; most first."""

    # rows
    def good_rows(self, case: UseCase, batch: Batch) -> Iterator[pa.RecordBatch]:
        """RAW rows of the batch that are not in quarantine: `position` and the contract's columns, streamed."""

    def write_clean(self, case: UseCase, batch: Batch, chunks: Iterator[pa.RecordBatch]) -> int:
        """Replace the batch's CLEAN rows in one transaction; rows written.

        Columns: batch_id, position, identity, side, then the contract's columns but text.
        """

    def frame(
        self,
        case: UseCase,
        batch_ids: Sequence[int],
        sides: Sequence[Side],
        max_rows: int | None = None,
    ) -> Frame:
        """CLEAN rows with a known target. With `max_rows`, about that many, those of the lowest identities."""

    def count_clean(self, case: UseCase, batch_ids: Sequence[int]) -> dict[Side, int]: ...

    def accept_gap(self, case: str, source: str, number: int, reason: str) -> None:
        """A person lets the loop pass over a batch that is lost; its unanswered attempts become GAP."""

    def accepted_gaps(self, case: str, source: str) -> dict[int, str]: ...


class FactsAtEnd(Protocol):
    def __call__(self) -> BatchFacts: ...


@dataclass(frozen=True, slots=True)
class Version:
    """A registered model version as the registry knows it."""

    number: str
    run_id: str
    created_at: datetime
    tags: dict[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What one training leaves in the registry beside its files."""

    experiment: str
    name: str
    parameters: dict[str, Any]
    metrics: dict[str, float]
    tags: dict[str, str]


class Aliases(Protocol):
    """What leads to a case's versions: all that handing the baton over needs of a registry."""

    def version(self, case: str, number: str) -> Version: ...

    def alias(self, case: str, alias: str) -> str | None: ...

    def set_alias(self, case: str, alias: str, number: str) -> None: ...

    def tag(self, case: str, number: str, tags: dict[str, str]) -> None: ...


class ModelRegistry(Aliases, Protocol):
    def register(self, case: str, run: RunRecord, folder: Path, decision_key: str) -> Version:
        """Log the run and its release folder, and register it. Tagged with the decision; complete or absent."""

    def find(self, case: str, decision_key: str) -> Version | None:
        """The complete version that was registered for a decision."""

    def versions(self, case: str) -> list[Version]:
        """Newest first."""

    def fetch(self, case: str, number: str) -> Path:
        """The version's release folder on this machine, downloaded once and checked against its digest."""


class ReloadHint(Protocol):
    def __call__(self, case: str) -> None:
        """Tell the APIs to look now. They would find out by themselves: a failure is logged and fails nothing."""


@dataclass(frozen=True, slots=True)
class LiveError:
    """How far off answers were whose truth is known by now. Of `rows` none, nothing is known."""

    rows: int
    mean_absolute: float | None = None  # regression
    mean_absolute_percentage: float | None = None  # regression, of one, over truths that are not 0
    accuracy: float | None = None  # classification


class Label(TypedDict):
    truth: str
    at: str


class LoggedPrediction(TypedDict):
    """One answer, as its line in the log says it; what the database knows has its newest label too."""

    receipt: str
    case: str
    environment: str
    at: str  # RFC 3339, UTC
    version: str | None
    input: Any
    output: float | None
    output_text: str | None
    status: int
    error: str
    latency_ms: float | None
    label: NotRequired[Label | None]


@dataclass(frozen=True, slots=True)
class Minute:
    """What was answered in the minute that begins at `at`."""

    at: datetime
    predictions: int
    failed: int
    mean_ms: float | None
    longest_ms: float | None


class PredictionStore(Protocol):
    """Logged predictions and their late labels. StoreUnavailable while it is away; nothing here waits for it."""

    def ship(self, lines: bytes) -> int:
        """Store JSON lines whose receipts are not there yet, all or none; how many were new.

        LinesRefused where the lines themselves cannot be stored.
        """

    def find(self, receipt: str) -> LoggedPrediction | None: ...

    def label(self, labels: Sequence[tuple[str, str]]) -> None:
        """Receipts and what turned out to be true. The newest of a receipt counts; earlier ones are kept.

        A label may come before its prediction does.
        """

    def live_error(self, case: str, environment: str, since: datetime, task: Task) -> LiveError: ...

    def recent(self, case: str, environment: str, limit: int) -> list[LoggedPrediction]:
        """Newest first."""

    def minutes(self, case: str, environment: str, since: datetime) -> list[Minute]:
        """Oldest first; none for a minute without predictions."""


class Clock(Protocol):
    def now(self) -> datetime: ...
