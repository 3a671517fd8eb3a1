"""Rows as a database can hold them: typed, and without the few characters and moments that one refuses."""

from __future__ import annotations

import json
import re
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from relevo.adapters.sql.case_tables import CaseTable
from relevo.domain.arrival import BadCell
from relevo.domain.contract import REST_COLUMN

SHOWN = "\ufffd"  # stands for what cannot be stored
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
MOST_CHARACTERS = 200
EARLIEST, LATEST = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)


def raw_rows(
    table: CaseTable, batch_id: int, first_position: int, rows: pa.RecordBatch
) -> pa.RecordBatch:
    """RAW rows of a chunk. A cell that cannot be stored as it is keeps its original in `_rest`."""
    count = len(rows)
    present = {name: rows.column(index) for index, name in enumerate(rows.schema.names)}
    kept: dict[int, dict[str, str]] = {}
    columns = [
        pa.array(np.full(count, batch_id, np.int32)),
        pa.array(np.arange(count, dtype=np.int32) + first_position),
    ]
    columns += [
        _stored(present.get(name), count, table.schema.field(name).type, name, kept)
        for name in table.columns
    ]
    rest = _stored(present.get(REST_COLUMN), count, pa.string(), REST_COLUMN, {})
    columns.append(_with_originals(rest, kept) if kept else rest)
    return pa.RecordBatch.from_arrays(columns, names=table.names)


def clean_rows(table: CaseTable, rows: pa.RecordBatch) -> pa.RecordBatch:
    """CLEAN rows, which come in the table's order."""
    if len(rows.columns) != len(table.schema):
        raise ValueError(
            f"clean rows of {table.name} have columns {rows.schema.names}, not {table.schema.names}"
        )
    columns = [
        _stored(values, len(rows), field.type, field.name, {})
        for values, field in zip(rows.columns, table.schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=table.names)


def cell_rows(batch_id: int, bad: list[BadCell]) -> pa.RecordBatch:
    """Quarantined cells; a value is there to be recognised, not to be kept."""
    return pa.RecordBatch.from_pydict(
        {
            "batch_id": pa.array(np.full(len(bad), batch_id, np.int32)),
            "position": pa.array([cell.position for cell in bad], pa.int32()),
            "column": pa.array([printable(cell.column) for cell in bad], pa.string()),
            "value": pa.array([printable(cell.value) for cell in bad], pa.string()),
            "reason": pa.array([printable(cell.reason) for cell in bad], pa.string()),
        }
    )


def printable(text: str) -> str:
    return UNSTORABLE.sub(SHOWN, text[:MOST_CHARACTERS])


def _stored(
    values: pa.Array | None,
    count: int,
    wanted: pa.DataType,
    name: str,
    kept: dict[int, dict[str, str]],
) -> pa.Array:
    """The column in its stored type; the originals of what had to be changed go to `kept`, by row."""
    if values is None:
        return pa.nulls(count, wanted)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_string(wanted):
        return _text(values.cast(wanted), name, kept)
    if pa.types.is_timestamp(wanted):
        return _moments(values.cast(wanted, safe=False), name, kept)
    if values.type != wanted:
        values = values.cast(wanted)
    if pa.types.is_floating(
        wanted
    ):  # not a number is a number that is missing: SQLite knows no other
        return (
            pc.if_else(pc.is_nan(values), pa.scalar(None, wanted), values)
            if _any_nan(values)
            else values
        )
    return values


def _any_nan(values: pa.Array) -> bool:
    return bool(pc.any(pc.is_nan(values)).as_py())


def _text(values: pa.Array, name: str, kept: dict[int, dict[str, str]]) -> pa.Array:
    if not _has_nul(values) and _is_unicode(values):
        return values
    stored: list[str | None] = []
    for row, value in enumerate(values.cast(pa.binary()).to_pylist()):
        if value is None:
            stored.append(None)
            continue
        text = value.decode("utf-8", "surrogateescape")
        stored.append(UNSTORABLE.sub(SHOWN, text))
        if text != stored[-1]:
            kept.setdefault(row, {})[name] = text
    return pa.array(stored, pa.string())


def _has_nul(values: pa.Array) -> bool:
    _, offsets, characters = values.buffers()
    if characters is None or not len(values):
        return False
    ends = np.frombuffer(offsets, np.int32)
    used = np.frombuffer(characters, np.uint8)[
        ends[values.offset] : ends[values.offset + len(values)]
    ]
    return not used.all()


def _is_unicode(values: pa.Array) -> bool:
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _moments(values: pa.Array, name: str, kept: dict[int, dict[str, str]]) -> pa.Array:
    """Dates between the years 1 and 9999."""
    wanted = pa.timestamp("us")
    inside = pc.and_(
        pc.greater_equal(values, pa.scalar(EARLIEST, wanted)),
        pc.less_equal(values, pa.scalar(LATEST, wanted)),
    )
    if bool(pc.all(inside).as_py()):
        return values
    for row in np.flatnonzero(
        pc.invert(inside).fill_null(False).to_numpy(zero_copy_only=False)
    ).tolist():
        kept.setdefault(row, {})[name] = f"{values[row].value} microseconds since 1970"
    return pc.if_else(inside, values, pa.scalar(None, wanted))


def _with_originals(rest: pa.Array, kept: dict[int, dict[str, str]]) -> pa.Array:
    merged = rest.to_pylist()
    for row, originals in kept.items():
        merged[row] = json.dumps(
            {**(json.loads(merged[row]) if merged[row] else {}), **originals}
        )
    return pa.array(merged, pa.string())
