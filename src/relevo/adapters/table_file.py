"""One CSV or Parquet file, from which any rows can be taken as a file of the same format."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from relevo.adapters.blocks import BLOCK_SIZE, blocks_of
from relevo.domain.arrival import FORMATS, Format
from relevo.errors import SourceError, SourceUnavailable

RowNumbers = NDArray[np.int64]
_DELIMITERS = ",;\t|"


class TableFile(Protocol):
    format: Format
    rows: int
    values: list[object]  # of the column it was opened with

    def take(self, rows: RowNumbers) -> Iterator[bytes]:
        """A file of these rows, in this order; the same bytes each time."""


def open_table_file(path: Path, column: str | None) -> TableFile:
    """Read what taking rows needs: of CSV where each row lies, of Parquet the table."""
    opened: dict[str, Callable[[Path, str | None], TableFile]] = {
        "csv": CsvFile,
        "parquet": ParquetFile,
    }
    try:
        return opened[FORMATS[path.suffix.lower()]](path, column)
    except (pa.ArrowException, csv.Error) as error:
        raise SourceError(
            f"{path} cannot be read: {error}; is it whole, and named for its format?"
        ) from error


def read_file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from blocks_of(file)


class CsvFile:
    """Rows are handed on byte for byte, after the header's bytes; blank lines are left out."""

    format: Format = "csv"

    def __init__(self, path: Path, column: str | None) -> None:
        self._path = path
        self.values: list[object] = []
        starts, ends = [], []
        # in Latin-1 a character is a byte, so that positions in the text are those in the file
        with path.open(encoding="latin-1", newline="") as text:
            records = _records(text, _delimiter(path))
            _, self._header_end, header = next(records, (0, 0, []))
            position = _position(list(map(_utf8, header)), column, path)
            for start, end, fields in records:
                starts.append(start)
                ends.append(end)
                if position is not None:  # a short row has none
                    self.values += fields[position : position + 1] or [None]
        self.rows = len(starts)
        self._starts = np.array(starts, np.int64)
        self._ends = np.array(ends, np.int64)

    def take(self, rows: RowNumbers) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            yield _line(file.read(self._header_end))
            for start, end in self._runs(rows):
                position = file.seek(start)
                while position < end:
                    block = file.read(min(BLOCK_SIZE, end - position))
                    if not block:
                        raise SourceUnavailable(
                            f"{self._path} became shorter while it was read",
                            maybe_answered=False,
                        )
                    position += len(block)
                    if position == end:
                        block = _line(block)
                    yield block

    def _runs(self, rows: RowNumbers) -> Iterator[tuple[int, int]]:
        """Where the rows lie; rows that follow one another in the file are one stretch of it."""
        starts, ends = self._starts[rows], self._ends[rows]
        if not len(starts):
            return
        breaks = np.flatnonzero(starts[1:] != ends[:-1])
        firsts = starts[np.append(0, breaks + 1)]
        lasts = ends[np.append(breaks, len(ends) - 1)]
        yield from zip(firsts.tolist(), lasts.tolist(), strict=True)


class ParquetFile:
    """Taken rows are written by this version of pyarrow: another may give other bytes for the same rows."""

    format: Format = "parquet"

    def __init__(self, path: Path, column: str | None) -> None:
        self._table = pq.read_table(path)
        _position(self._table.schema.names, column, path)
        self.rows = len(self._table)
        self.values: list[object] = []
        if column is not None:
            values = self._table[column]
            if pa.types.is_timestamp(values.type):  # Python knows no nanoseconds
                values = values.cast(pa.timestamp("us", values.type.tz), safe=False)
            self.values = values.to_pylist()

    def take(self, rows: RowNumbers) -> Iterator[bytes]:
        file = io.BytesIO()
        pq.write_table(self._table.take(pa.array(rows)), file)
        yield file.getvalue()


def _records(text: TextIO, delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """Each record's first byte, the byte behind it, and its fields."""
    position = 0

    def lines() -> Iterator[str]:
        nonlocal position
        for line in text:
            position += len(line)
            yield line

    start = 0
    for fields in csv.reader(lines(), delimiter=delimiter):
        if fields:
            yield start, position, fields
        start = position


def _delimiter(path: Path) -> str:
    """The one that cuts the header into most fields."""
    with path.open(encoding="latin-1", newline="") as text:
        line = text.readline()

    def fields(delimiter: str) -> int:
        return len(next(csv.reader([line], delimiter=delimiter), []))

    return max(_DELIMITERS, key=fields)


def _utf8(name: str) -> str:
    return name.encode("latin-1").decode("utf-8-sig", "replace").strip()


def _position(names: list[str], column: str | None, path: Path) -> int | None:
    if column is None:
        return None
    if column not in names:
        raise SourceError(
            f"{path} has no column {column!r}; set `by` to one of {', '.join(names)}"
        )
    return names.index(column)


def _line(text: bytes) -> bytes:
    if text.endswith((b"\n", b"\r")):
        return text
    return text + b"\n"
