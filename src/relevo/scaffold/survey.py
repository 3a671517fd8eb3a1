"""All rows of a table, read as the loop will read them: kinds that do not hold are put right, ranges are measured."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from relevo.domain.arrival import RawChunk
from relevo.domain.contract import Column
from relevo.domain.kinds import MICROSECONDS_PER_DAY, Kind
from relevo.errors import SourceError, SourceUnavailable
from relevo.formats import REST_COLUMN
from relevo.scaffold.table import Table

MOST_BAD = 0.05
PASSES = 4
NO_WHOLE_NUMBER = {"is not a whole number", "is too large for a whole number"}


@dataclass(slots=True)
class Extent:
    """Of one column in all rows. `bad` counts what its kind cannot hold, by reason; `days` those of a date."""

    filled: int = 0
    bounds: list[float] = field(default_factory=list)
    bad: Counter[str] = field(default_factory=Counter)
    example: str = ""
    days: Counter[int] = field(default_factory=Counter)
    last_date: float = -np.inf
    in_order: bool = True

    @property
    def low(self) -> float | None:
        return min(self.bounds, default=None)

    @property
    def high(self) -> float | None:
        return max(self.bounds, default=None)


@dataclass(slots=True)
class Survey:
    """`class_rows`: of the target's classes, the rows by which each has come 1, 2, 4, 8, … times."""

    columns: tuple[Column, ...]
    rows: int = 0
    bad_rows: int = 0
    extents: dict[str, Extent] = field(default_factory=dict)
    class_rows: dict[str, list[int]] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)


def survey(table: Table, columns: tuple[Column, ...], target: str | None) -> Survey:
    """Read everything, up to a few times. `target`: the column whose classes are looked at, in a classification."""
    changed: dict[str, str] = {}
    for _ in range(PASSES):
        result = _read(table, columns, target)
        mended = tuple(_mend(column, result.extents[column.name]) for column in columns)
        for before, after in zip(columns, mended, strict=True):
            if before != after:
                example = result.extents[before.name].example
                changed[before.name] = f"{example!r} is among its cells"
        if mended == columns:
            break
        columns = mended
    result.changed = changed
    return result


def _read(table: Table, columns: tuple[Column, ...], target: str | None) -> Survey:
    result = Survey(columns, extents={column.name: Extent() for column in columns})
    seen: Counter[str] = Counter()
    try:
        for chunk in table.rows(table.contract(columns)):
            result.rows += len(chunk.rows)
            result.bad_rows += len({cell.position for cell in chunk.bad})
            _count_bad(result, chunk)
            for column in columns:
                values = chunk.rows[column.name]
                _measure(result.extents[column.name], column.kind, values)
            if target is not None:
                _note_classes(result.class_rows, seen, chunk, target)
    except SourceUnavailable as error:
        raise SourceError(str(error)) from None
    return result


def _count_bad(result: Survey, chunk: RawChunk) -> None:
    for cell in chunk.bad:
        if cell.column != REST_COLUMN:
            extent = result.extents[cell.column]
            extent.bad[cell.reason] += 1
            extent.example = extent.example or cell.value


def _measure(extent: Extent, kind: Kind, values: pa.Array) -> None:
    values = values.drop_null()
    extent.filled += len(values)
    if not len(values) or kind in (Kind.CATEGORY, Kind.TEXT, Kind.BOOLEAN):
        return
    if kind is not Kind.DATE:
        limits = pc.min_max(values).as_py()
        extent.bounds += [float(limits["min"]), float(limits["max"])]
        return
    instants = values.cast(pa.int64()).to_numpy()
    days, counts = np.unique(instants // MICROSECONDS_PER_DAY, return_counts=True)
    extent.days.update(dict(zip(days.tolist(), counts.tolist(), strict=True)))
    steps = np.diff(instants.astype(np.float64), prepend=extent.last_date)
    extent.in_order &= bool((steps >= 0).all())
    extent.last_date = float(instants[-1])


def _note_classes(
    rows: dict[str, list[int]], seen: Counter[str], chunk: RawChunk, target: str
) -> None:
    classes = chunk.rows[target].to_pylist()
    for row, name in enumerate(classes, chunk.first_position):
        if name is not None:
            seen[name] += 1
            if seen[name] & (seen[name] - 1) == 0:
                rows.setdefault(name, []).append(row)


def _mend(column: Column, extent: Extent) -> Column:
    """A kind that holds what this one does not, unless what is bad is rare and surely wrong."""
    bad = sum(extent.bad.values())
    if not bad:
        return column
    if column.kind is Kind.INTEGER and extent.bad.keys() <= NO_WHOLE_NUMBER:
        return replace(column, kind=Kind.NUMBER)
    if column.kind not in (Kind.BOOLEAN, Kind.CODE):
        if bad <= MOST_BAD * (bad + extent.filled) or column.kind is Kind.TEXT:
            return column
        if column.kind is Kind.CATEGORY:
            return replace(column, kind=Kind.TEXT)
    return replace(column, kind=Kind.CATEGORY, digits=None)
