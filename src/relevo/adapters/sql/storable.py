"""Rows as a database can hold them: typed, and without the few characters and moments that one refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from relevo.adapters.sql.case_tables import CaseTable
from relevo.adapters.sql.storable_text import storable
from relevo.domain.arrival import BadCell
from relevo.domain.contract import REST_COLUMN

MOST_CHARACTERS = 200  # of a quarantined cell
MOMENT = pa.timestamp("us")
Originals = dict[int, str]  # by row, of cells that cannot be stored as they are


def raw_rows(
    table: CaseTable, batch_id: int, first_position: int, rows: pa.RecordBatch
) -> pa.RecordBatch:
    """RAW rows of a chunk. A cell that cannot be stored as it is keeps its original in `_rest`."""
    count = len(rows)
    arrays = {
        "batch_id": pa.array(np.full(count, batch_id, np.int32)),
        "position": pa.array(np.arange(count, dtype=np.int32) + first_position),
    }
    arrays |= zip(rows.schema.names, rows.columns, strict=True)
    columns: list[pa.Array] = []
    changed: dict[int, dict[str, str]] = {}
    for field in table.schema:
        if field.name not in arrays:
            columns.append(pa.nulls(count, field.type))
            continue
        stored, originals = _stored(arrays[field.name], field.type)
        columns.append(stored)
        if field.name != REST_COLUMN:
            for row, original in originals.items():
                changed.setdefault(row, {})[field.name] = original
    if changed:  # `_rest` is the last column
        columns[-1] = _with_originals(columns[-1], changed)
    return pa.RecordBatch.from_arrays(columns, names=table.names)


def clean_rows(table: CaseTable, rows: pa.RecordBatch) -> pa.RecordBatch:
    """CLEAN rows, which come in the table's order."""
    if len(rows.columns) != len(table.schema):
        raise ValueError(
            f"clean rows of {table.name} have columns {rows.schema.names}, not {table.schema.names}"
        )
    columns = [
        _stored(values, field.type)[0]
        for values, field in zip(rows.columns, table.schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=table.names)


def cell_rows(batch_id: int, bad: list[BadCell]) -> pa.RecordBatch:
    """Quarantined cells; a value is there to be recognised, not to be kept."""
    columns = {
        "batch_id": pa.array([batch_id] * len(bad), pa.int32()),
        "position": pa.array([cell.position for cell in bad], pa.int32()),
    }
    for name in ("column", "value", "reason"):
        texts = [storable(getattr(cell, name)[:MOST_CHARACTERS]) for cell in bad]
        columns[name] = pa.array(texts, pa.string())
    return pa.RecordBatch.from_pydict(columns)


def _stored(values: pa.Array, kind: pa.DataType) -> tuple[pa.Array, Originals]:
    """The column in its stored type, and the originals of what had to be changed."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if values.type != kind:
        # a moment beyond what Arrow's microseconds reach wraps around, and is then found to lie outside
        values = values.cast(kind, safe=not pa.types.is_timestamp(kind))
    return _STORABLE.get(kind, _as_it_is)(values)


def _as_it_is(values: pa.Array) -> tuple[pa.Array, Originals]:
    return values, {}


def _numbers(values: pa.Array) -> tuple[pa.Array, Originals]:
    """Not a number is a number that is missing: SQLite knows no other."""
    nan = pc.is_nan(values)
    if pc.any(nan).as_py():
        values = pc.if_else(nan, pa.scalar(None, values.type), values)
    return values, {}


def _texts(values: pa.Array) -> tuple[pa.Array, Originals]:
    if _is_storable(values):
        return values, {}
    originals: Originals = {}
    texts: list[str | None] = []
    for row, content in enumerate(values.cast(pa.binary()).to_pylist()):
        if content is None:
            texts.append(None)
            continue
        original = content.decode("utf-8", "surrogateescape")
        texts.append(storable(original))
        if original != texts[-1]:
            originals[row] = original
    return pa.array(texts, pa.string()), originals


def _is_storable(values: pa.Array) -> bool:
    """Looks at all characters at once: nearly always there is nothing to change."""
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:  # no Unicode
        return False
    _, offsets, characters = values.buffers()
    if characters is None or not len(values):
        return True
    ends = np.frombuffer(offsets, np.int32)
    start, end = ends[values.offset], ends[values.offset + len(values)]
    return bool(np.frombuffer(characters, np.uint8)[start:end].all())


def _moments(values: pa.Array) -> tuple[pa.Array, Originals]:
    # Python's years, 1 to 9999: PostgreSQL stores more, which could not be read back
    inside = pc.and_(
        pc.greater_equal(values, pa.scalar(datetime.min, MOMENT)),
        pc.less_equal(values, pa.scalar(datetime.max, MOMENT)),
    )
    if pc.all(inside).as_py():
        return values, {}
    outside = pc.invert(inside).fill_null(False).to_numpy(zero_copy_only=False)
    originals = {
        row: f"{values[row].value} microseconds since 1970"
        for row in np.flatnonzero(outside).tolist()
    }
    return pc.if_else(inside, values, pa.scalar(None, MOMENT)), originals


_STORABLE: dict[pa.DataType, Callable[[pa.Array], tuple[pa.Array, Originals]]] = {
    pa.string(): _texts,
    MOMENT: _moments,
    pa.float64(): _numbers,
}


def _with_originals(rest: pa.Array, changed: dict[int, dict[str, str]]) -> pa.Array:
    texts = rest.to_pylist()
    for row, originals in changed.items():
        texts[row] = json.dumps(json.loads(texts[row] or "{}") | originals)
    return pa.array(texts, pa.string())
