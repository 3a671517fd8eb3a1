"""Some rows of a table of any size, spread evenly over it."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from relevo.errors import SourceError, SourceUnavailable
from relevo.scaffold.table import Table

CELLS = 2_000_000
LEAST_ROWS, MOST_ROWS = 2_000, 50_000  # rows, whatever the number of columns
MOST_RAGGED = 0.01


@dataclass(frozen=True, slots=True)
class TableSample:
    """`rows` is how many the table has; `columns` hold every n-th of them, as they arrived."""

    rows: int
    columns: dict[str, pa.Array]
    ragged: tuple[str, ...]  # the first with another number of fields than the header
    ragged_rows: int

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


class _Thinned:
    """Rows that are thinned by half whenever they become too many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._stride = 1
        self._seen = 0
        self._kept: list[pa.RecordBatch] = []

    def add(self, rows: pa.RecordBatch) -> None:
        first = -self._seen % self._stride
        self._seen += len(rows)
        self._kept.append(_every(rows, self._stride, first))
        if sum(map(len, self._kept)) > 2 * self._most:
            self._kept = [_every(self.rows(), 2)]
            self._stride *= 2

    def rows(self) -> pa.RecordBatch:
        return pa.concat_batches(self._kept)


def _every(rows: pa.RecordBatch, stride: int, first: int = 0) -> pa.RecordBatch:
    return rows.take(pa.array(np.arange(first, len(rows), stride)))


def draw_sample(table: Table) -> TableSample:
    """Reads the table once. SourceError where it has too few rows, or too many that do not fit its header."""
    thinned = _Thinned(max(LEAST_ROWS, min(MOST_ROWS, CELLS // len(table.names))))
    rows, ragged, first_ragged = 0, 0, list[str]()
    try:
        for batch, broken in table.as_arrived():
            thinned.add(batch)
            rows, ragged = rows + len(batch), ragged + len(broken)
            first_ragged += broken[: 3 - len(first_ragged)]
    except SourceUnavailable as error:
        raise SourceError(f"{error}") from None
    if ragged > MOST_RAGGED * rows:
        raise SourceError(_ragged(table, rows, ragged))
    if rows - ragged < 2:
        raise SourceError(
            f"{table.path} has {rows} rows; a use case needs at least 2, and 200 to be of use"
        )
    kept = thinned.rows()
    columns = dict(zip(kept.schema.names, kept.columns, strict=True))
    return TableSample(rows, columns, tuple(first_ragged), ragged)


def _ragged(table: Table, rows: int, ragged: int) -> str:
    """The first line at fault, found by reading again: a row is not a line where cells hold line breaks."""
    with table.path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=table.delimiter)
        width = len(next(reader))
        odd = ((reader.line_num, len(f)) for f in reader if f and len(f) != width)
        line, fields = next(odd, (0, 0))
    return (
        f"{table.path}: line {line} has {fields} fields, the header {width}; so have {ragged:,} of {rows:,} rows; "
        "put quotes around cells that hold the delimiter, or fix the lines"
    )


def estimated_distinct(distinct: int, filled: int, all_filled: int) -> int:
    """How many values a column has in all its rows, from those in a sample, as if all were equally common."""
    if filled >= all_filled or distinct == 0:
        return distinct
    if distinct >= filled * 0.999:
        return all_filled
    low, high = float(distinct), float(distinct) * all_filled
    for _ in range(100):
        middle = math.sqrt(low * high)
        expected = middle * -math.expm1(-filled / middle)
        low, high = (middle, high) if expected < distinct else (low, middle)
    return min(all_filled, round(low * -math.expm1(-all_filled / low)))
