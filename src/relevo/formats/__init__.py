"""From the bytes a source answered to typed rows, checked against the contract; nothing is ever dropped on the way.

A row's bad cells are named, never raised. What raises SourceUnavailable is an answer that cannot be read at all: HTML,
half a body, a batch without a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from relevo.domain.arrival import BatchSummary, Format, RawChunk
from relevo.domain.contract import Contract
from relevo.errors import SourceContradiction
from relevo.formats.block import REST, Block, raw_schema, to_chunk
from relevo.formats.csv_body import CsvBody
from relevo.formats.json_body import JsonBody
from relevo.formats.json_window import Window
from relevo.formats.parquet_body import ParquetBody

__all__ = ["REST", "Reading", "raw_schema", "read_rows"]

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

    `number` is needed for CSV and Parquet, which do not carry one; JSON that says another raises SourceContradiction.
    `what` names the answer in errors. The stream is read to its end and not closed.
    """
    return Reading(stream, format, contract, number, rows_per_chunk, what)


class Reading(Iterator[RawChunk]):
    """An iterator of chunks; once it is exhausted, `facts()` says what was read.

    `content_sha256` is for JSON that of the bytes between the brackets of `data`, so the same rows under another number
    or envelope have the same; for CSV and Parquet, which have no envelope, it is that of all the bytes.
    """

    def __init__(
        self,
        stream: BinaryIO,
        format: Format,
        contract: Contract,
        number: int | None,
        rows_per_chunk: int,
        what: str,
    ) -> None:
        self._number = number
        self._what = what
        self._rows = 0
        self._bad_rows = 0
        self._facts: BatchSummary | None = None
        blocks = (
            self._json(stream, contract)
            if format == "json"
            else self._file(stream, format, contract, rows_per_chunk)
        )
        self._chunks = self._chunk(blocks, contract)

    def __next__(self) -> RawChunk:
        return next(self._chunks)

    def facts(self) -> BatchSummary:
        if self._facts is None:
            raise RuntimeError("facts() are known once all chunks have been read")
        return self._facts

    def _chunk(self, blocks: Iterator[Block], contract: Contract) -> Iterator[RawChunk]:
        for block in blocks:
            chunk = to_chunk(block, contract, self._rows)
            self._rows += block.rows
            self._bad_rows += len({cell.position for cell in chunk.bad})
            yield chunk

    def _json(self, stream: BinaryIO, contract: Contract) -> Iterator[Block]:
        window = Window(stream, self._what)
        body = JsonBody(window, contract)
        yield from body
        number = body.number if body.number is not None else self._number
        if number is None:
            raise window.malformed("has no 'batch_number'")
        if self._number not in (None, number):
            raise SourceContradiction(
                f"{self._what} says it is batch {number}, and batch {self._number} was asked for; "
                "if the source does not know batch_number=…, set can_repeat=False in its use case"
            )
        self._finish(number, window.sha256.hexdigest(), window.content.hexdigest())

    def _file(
        self, stream: BinaryIO, format: Format, contract: Contract, rows: int
    ) -> Iterator[Block]:
        if self._number is None:
            raise ValueError(
                f"{self._what}: {format} carries no batch number; give read_rows one"
            )
        body = (
            CsvBody(stream, contract, rows, self._what)
            if format == "csv"
            else ParquetBody(stream, contract, rows, self._what)
        )
        yield from body
        self._finish(self._number, body.sha256, body.sha256)

    def _finish(self, number: int, sha256: str, content_sha256: str) -> None:
        self._facts = BatchSummary(
            number, self._rows, self._bad_rows, sha256, content_sha256
        )
