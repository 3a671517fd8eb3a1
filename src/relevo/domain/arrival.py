"""What a source sends, from its bytes to typed rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    import pyarrow as pa  # the API imports the domain and has no pyarrow


Format = Literal["json", "csv", "parquet"]
FORMATS: dict[str, Format] = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}


@dataclass(frozen=True, slots=True)
class SourceResponse:
    """Bytes on their way in, and their number where the source knows it before they are read."""

    format: Format
    chunks: Iterable[bytes]
    number: int | None = None


@dataclass(frozen=True, slots=True)
class LandedAnswer:
    """An answer in the landing store. Its key holds all of it, should the process be killed next."""

    prefix: str
    number: int | None
    format: Format

    @property
    def key(self) -> str:
        parts = [self.prefix, self.number, self.format]
        return ".".join(str(part) for part in parts if part is not None)

    @staticmethod
    def parse(prefix: str, key: str) -> LandedAnswer:
        *numbers, format = key.removeprefix(f"{prefix}.").split(".")
        number = next(map(int, numbers), None)
        return LandedAnswer(prefix, number, cast(Format, format))


@dataclass(frozen=True, slots=True)
class BadCell:
    position: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class RawChunk:
    """Rows as they arrived, in order, and the cells among them that break the contract.

    `rows` has the contract's columns, typed, and `_rest`: JSON of what fits no type or column.
    """

    first_position: int
    rows: pa.RecordBatch
    bad: list[BadCell]


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """A batch whose bytes have been read to the end."""

    number: int
    rows: int
    bad_rows: int
    sha256: str
    content_sha256: str
