"""What a source sends, and what is known of it before it is a batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa  # the API imports the domain and has no pyarrow


Format = Literal["json", "csv", "parquet"]


@dataclass(frozen=True, slots=True)
class SourceResponse:
    """Bytes on their way in. `number` is set where the source knows it before the bytes are read."""

    format: Format
    chunks: Iterable[bytes]
    number: int | None = None


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
class BatchSummary:
    """What is known of a batch once its bytes have been read to the end."""

    number: int
    rows: int
    bad_rows: int
    sha256: str
    content_sha256: str
