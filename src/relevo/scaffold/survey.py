"""All rows of a table, read as the loop will read them: kinds that do not hold are put right, ranges are measured."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from relevo.domain.arrival import RawChunk
from relevo.domain.contract import Column
from relevo.domain.kinds import Kind
from relevo.errors import SourceError, SourceUnavailable
from relevo.formats import REST_COLUMN
from relevo.scaffold.table import Table

MICROSECONDS_A_DAY = 86_400_000_000
MOST_BAD = 0.05
PASSES = 4


@dataclass(slots=True)
class Extent:
    """Of one column in all rows. `bad` counts what its kind cannot hold, by reason; `days` those of a date."""

    filled: int = 0
    low: float | None = None
    high: float | None = None
    bad: Counter[str] = field(default_factory=Counter)
    example: str = ""
    days: Counter[int] = field(default_factory=Counter)
    in_order: bool = True


@dataclass(slots=True)
class Survey:
    columns: tuple[Column, ...]
    rows: int
    bad_rows: int
    extents: dict[str, Extent]
    places: dict[
        str, list[int]
    ]  # of the target's classes: the rows by which each has come 1, 2, 4, 8, … times
    changed: dict[str, str]


def survey(table: Table, columns: tuple[Column, ...], target: str | None) -> Survey:
    """Read everything, up to a few times. `target`: the column whose classes are looked at, in a classification."""
    changed: dict[str, str] = {}
    for _ in range(PASSES):
        found = _read(table, columns, target)
        remedies = {
            c.name: r for c in columns if (r := _remedy(c, found.extents[c.name]))
        }
        if not remedies:
            break
        changed |= {
            name: f"{found.extents[name].example!r} is among its cells"
            for name in remedies
        }
        columns = tuple(remedies.get(column.name, column) for column in columns)
    found.changed = changed
    return found


def _read(table: Table, columns: tuple[Column, ...], target: str | None) -> Survey:
    found = Survey(columns, 0, 0, {column.name: Extent() for column in columns}, {}, {})
    seen: Counter[str] = Counter()
    try:
        for chunk in table.rows(table.contract(columns)):
            found.rows += len(chunk.rows)
            found.bad_rows += len({cell.position for cell in chunk.bad})
            _count_bad(found, chunk)
            for column in columns:
                _measure(found.extents[column.name], column, chunk.rows[column.name])
            if target is not None:
                _note_places(found.places, seen, chunk, target)
    except SourceUnavailable as error:
        raise SourceError(str(error)) from None
    return found


def _count_bad(found: Survey, chunk: RawChunk) -> None:
    for cell in chunk.bad:
        if cell.column != REST_COLUMN:
            extent = found.extents[cell.column]
            extent.bad[cell.reason] += 1
            extent.example = extent.example or cell.value


def _measure(extent: Extent, column: Column, values: pa.Array) -> None:
    extent.filled += len(values) - values.null_count
    if len(values) == values.null_count or column.kind in (
        Kind.CATEGORY,
        Kind.TEXT,
        Kind.BOOLEAN,
    ):
        return
    if column.kind is Kind.DATE:
        known = values.drop_null().cast(pa.int64()).to_numpy()
        days, counts = np.unique(known // MICROSECONDS_A_DAY, return_counts=True)
        extent.days.update(dict(zip(days.tolist(), counts.tolist(), strict=True)))
        start = extent.high if extent.high is not None else float(known[0])
        extent.in_order &= bool(start <= known[0] and (np.diff(known) >= 0).all())
        extent.high = float(known[-1])
        return
    limits = pc.min_max(values)
    low, high = float(limits["min"].as_py()), float(limits["max"].as_py())
    extent.low = low if extent.low is None else min(low, extent.low)
    extent.high = high if extent.high is None else max(high, extent.high)


def _note_places(
    places: dict[str, list[int]], seen: Counter[str], chunk: RawChunk, target: str
) -> None:
    index = chunk.rows.schema.get_field_index(target)
    for place, word in enumerate(
        chunk.rows.column(index).to_pylist(), chunk.first_position
    ):
        if word is not None:
            seen[word] += 1
            if seen[word] & (seen[word] - 1) == 0:
                places.setdefault(word, []).append(place)


def _remedy(column: Column, extent: Extent) -> Column | None:
    """A kind that holds what this one does not; None where all is well, or what is bad is rare and surely wrong."""
    bad = sum(extent.bad.values())
    if not bad:
        return None
    if column.kind is Kind.INTEGER and extent.bad.keys() <= {
        "is not a whole number",
        "is too large for a whole number",
    }:
        return replace(column, kind=Kind.NUMBER)
    rare = bad <= MOST_BAD * (bad + extent.filled)
    if column.kind in (Kind.BOOLEAN, Kind.CODE) or (
        column.kind in (Kind.NUMBER, Kind.INTEGER, Kind.DATE) and not rare
    ):
        return replace(column, kind=Kind.CATEGORY, digits=None)
    return (
        replace(column, kind=Kind.TEXT)
        if column.kind is Kind.CATEGORY and not rare
        else None
    )
