"""One CSV or Parquet file, from which any rows can be taken as a file of the same format."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from relevo.domain.arrival import FORMATS, Format
from relevo.errors import SourceError, SourceUnavailable

Rows = NDArray[np.int64]

_DELIMITERS = ",;\t|"
_BLOCK = 1024 * 1024


class TableFile(Protocol):
    format: Format
    rows: int
    values: list[object]  # of the column it was opened with

    def take(self, rows: Rows) -> Iterator[bytes]:
        """A file of these rows, in this order; the same bytes each time."""


def open_table(path: Path, column: str | None) -> TableFile:
    """Read what taking rows needs: of CSV where each row lies, of Parquet the table."""
    try:
        return (
            CsvFile(path, column)
            if FORMATS[path.suffix.lower()] == "csv"
            else ParquetFile(path, column)
        )
    except (pa.ArrowException, csv.Error) as error:
        raise SourceError(
            f"{path} cannot be read: {error}; is it whole, and named for its format?"
        ) from error


def read_file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


class CsvFile:
    """Rows are handed on byte for byte, after the header's bytes; blank lines are left out."""

    format: Format = "csv"

    def __init__(self, path: Path, column: str | None) -> None:
        self._path = path
        self.values: list[object] = []
        starts, ends = [], []
        with path.open(encoding="latin-1", newline="") as text:  # a character a byte
            records = _records(text, _delimiter(path))
            _, header_end, header = next(records, (0, 0, []))
            names = [
                name.encode("latin-1").decode("utf-8-sig", "replace").strip()
                for name in header
            ]
            place = _place(names, column, path)
            for start, end, fields in records:
                starts.append(start)
                ends.append(end)
                if place is not None:
                    self.values.append(fields[place] if place < len(fields) else None)
        self.rows = len(starts)
        self._starts, self._ends = np.array(starts, np.int64), np.array(ends, np.int64)
        self._header_end = header_end

    def take(self, rows: Rows) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            yield _line(file.read(self._header_end))
            for start, end in self._runs(rows):
                file.seek(start)
                while start < end:
                    block = file.read(min(_BLOCK, end - start))
                    if not block:
                        raise SourceUnavailable(
                            f"{self._path} became shorter while it was read",
                            maybe_answered=False,
                        )
                    start += len(block)
                    yield block if start < end else _line(block)

    def _runs(self, rows: Rows) -> Iterator[tuple[int, int]]:
        """Where the rows lie; rows that follow one another in the file are one stretch of it."""
        starts, ends = self._starts[rows], self._ends[rows]
        breaks = np.flatnonzero(starts[1:] != ends[:-1]) + 1
        for part_starts, part_ends in zip(
            np.split(starts, breaks), np.split(ends, breaks), strict=True
        ):
            if len(part_starts):
                yield int(part_starts[0]), int(part_ends[-1])


class ParquetFile:
    """Taken rows are written by this version of pyarrow: another may give other bytes for the same rows."""

    format: Format = "parquet"

    def __init__(self, path: Path, column: str | None) -> None:
        self._table = pq.read_table(path)
        _place(self._table.schema.names, column, path)
        self.rows = len(self._table)
        self.values: list[object] = []
        if column is not None:
            values = self._table[column]
            instants = pa.types.is_timestamp(values.type)
            self.values = (
                values.cast(pa.timestamp("us", values.type.tz), safe=False).to_pylist()
                if instants
                else values.to_pylist()
            )

    def take(self, rows: Rows) -> Iterator[bytes]:
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
    with path.open(encoding="latin-1", newline="") as text:
        line = text.readline()
    return max(
        _DELIMITERS,
        key=lambda delimiter: len(next(csv.reader([line], delimiter=delimiter), [])),
    )


def _place(names: list[str], column: str | None, path: Path) -> int | None:
    if column is None:
        return None
    if column not in names:
        raise SourceError(
            f"{path} has no column {column!r}; set `by` to one of {', '.join(names)}"
        )
    return names.index(column)


def _line(text: bytes) -> bytes:
    return text if text.endswith((b"\n", b"\r")) else text + b"\n"
