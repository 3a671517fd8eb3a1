"""From the bytes of a source to typed rows, checked against the contract. Nothing is dropped.

Bad cells of a row are listed, never raised. What raises SourceUnavailable is an answer that cannot
be read at all: HTML, half a body, a batch without a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from relevo.domain.arrival import BatchSummary, Format, RawChunk
from relevo.domain.contract import REST_COLUMN, Contract
from relevo.errors import SourceContradiction
from relevo.formats.block import raw_schema, to_chunk
from relevo.formats.body import BatchBody, HashedStream
from relevo.formats.csv_body import CsvBody
from relevo.formats.json_body import JsonBody
from relevo.formats.parquet_body import ParquetBody

__all__ = ["REST_COLUMN", "Reading", "raw_schema", "read_rows"]

BODIES: dict[Format, type[BatchBody]] = {
    "json": JsonBody,
    "csv": CsvBody,
    "parquet": ParquetBody,
}
# a few MB of Python objects for a table of twenty columns
ROWS_PER_CHUNK = 20_000


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

    `number` is needed for CSV and Parquet, which do not carry one; JSON with another number
    raises SourceContradiction. `what` names the answer in errors. The stream is read to its
    end and not closed.
    """
    if format != "json" and number is None:
        raise ValueError(
            f"{what}: {format} carries no batch number; give read_rows one"
        )
    body = BODIES[format](HashedStream(stream, what), contract, rows_per_chunk)
    return Reading(body, contract, number)


@dataclass(slots=True)
class Reading:
    """Iterate once for chunks; then `facts()` summarizes what was read."""

    _body: BatchBody
    _contract: Contract
    _expected: int | None
    _summary: BatchSummary | None = None

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
        # JSON may name its number behind its rows, and a digest ends with the last byte
        self._summary = BatchSummary(
            number=self._number(),
            rows=rows,
            bad_rows=bad_rows,
            sha256=self._body.stream.sha256,
            content_sha256=self._body.content_sha256,
        )

    def _number(self) -> int:
        carried, expected = self._body.number, self._expected
        if carried is None:
            carried = expected
        if carried is None:
            raise self._body.stream.malformed("has no 'batch_number'")
        if expected not in (None, carried):
            raise SourceContradiction(
                f"{self._body.stream.what} says it is batch {carried}, and batch {expected} was asked for; "
                "if the source does not know batch_number=…, set can_repeat=False in its use case"
            )
        return carried
