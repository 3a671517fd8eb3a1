"""From the bytes a source answered to typed rows, checked against the contract; nothing is ever dropped on the way.

A row's bad cells are named, never raised. What raises SourceUnavailable is an answer that cannot
be read at all: HTML, half a body, a batch without a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from relevo.domain.arrival import BatchSummary, Format, RawChunk
from relevo.domain.contract import REST_COLUMN, Contract
from relevo.errors import SourceContradiction, SourceUnavailable
from relevo.formats.block import Block, raw_schema, to_chunk
from relevo.formats.csv_body import CsvBody
from relevo.formats.json_body import JsonBody
from relevo.formats.parquet_body import ParquetBody

__all__ = ["REST_COLUMN", "Reading", "raw_schema", "read_rows"]

ROWS_PER_CHUNK = 20_000


class Body(Protocol):
    """A format's own reader: iterate for blocks of rows, then ask what was read."""

    number: int | None  # the batch number that the body carries

    def __iter__(self) -> Iterator[Block]: ...

    @property
    def sha256(self) -> str:
        """Of all bytes."""

    @property
    def content_sha256(self) -> str:
        """Of the rows' bytes: the same under another number or envelope. All bytes, where there is no envelope."""

    def malformed(self, why: str) -> SourceUnavailable: ...


def read_rows(
    stream: BinaryIO,
    format: Format,
    contract: Contract,
    number: int | None = None,
    *,
    rows_per_chunk: int = ROWS_PER_CHUNK,
    what: str = "the answer",
) -> Reading:
    """Read a batch, holding a few chunks in memory at most.

    `number` is needed for CSV and Parquet, which do not carry one; JSON that says another
    raises SourceContradiction. `what` names the answer in errors. The stream is read to its
    end and not closed.
    """
    if format != "json" and number is None:
        raise ValueError(
            f"{what}: {format} carries no batch number; give read_rows one"
        )
    body: Body
    if format == "json":
        body = JsonBody(stream, contract, what)
    elif format == "csv":
        body = CsvBody(stream, contract, rows_per_chunk, what)
    else:
        body = ParquetBody(stream, contract, rows_per_chunk, what)
    return Reading(body, contract, number, what)


class Reading:
    """Iterate once for chunks; then `facts()` says what was read."""

    def __init__(
        self, body: Body, contract: Contract, number: int | None, what: str
    ) -> None:
        self._body = body
        self._contract = contract
        self._asked = number
        self._what = what
        self._summary: BatchSummary | None = None

    def facts(self) -> BatchSummary:
        if self._summary is None:
            raise RuntimeError("facts() are known once all chunks have been read")
        return self._summary

    def __iter__(self) -> Iterator[RawChunk]:
        rows = bad_rows = 0
        for block in self._body:
            chunk = to_chunk(block, self._contract, rows)
            rows += block.rows
            bad_rows += len({cell.position for cell in chunk.bad})
            yield chunk
        self._summary = BatchSummary(
            number=self._number(),
            rows=rows,
            bad_rows=bad_rows,
            sha256=self._body.sha256,
            content_sha256=self._body.content_sha256,
        )

    def _number(self) -> int:
        carried, asked = self._body.number, self._asked
        if carried is not None and asked not in (None, carried):
            raise SourceContradiction(
                f"{self._what} says it is batch {carried}, and batch {asked} was asked for; "
                "if the source does not know batch_number=…, set can_repeat=False in its use case"
            )
        number = asked if carried is None else carried
        if number is None:
            raise self._body.malformed("has no 'batch_number'")
        return number
