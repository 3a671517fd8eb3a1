"""Rows on their way from a format's own shape to typed columns."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import pyarrow as pa

from relevo.domain.arrival import BadCell, RawChunk
from relevo.domain.cells import printable
from relevo.domain.contract import REST_COLUMN, Contract
from relevo.formats.columns import Values, type_column

LINE = "_line"  # the text of a row that has no columns
INFINITIES = (math.inf, -math.inf)


@dataclass(slots=True)
class Block:
    """Some rows, a column at a time."""

    rows: int
    columns: dict[str, Values]
    spelled: bool = False  # the format has no types, all values are text
    # by index, fields that have no column
    extras: dict[int, dict[str, object]] = field(default_factory=dict)
    # by index, why a row cannot be read into columns; its text is in its extras
    broken: dict[int, str] = field(default_factory=dict)


def note_extras(
    extras: dict[int, dict[str, object]], name: str, values: Sequence[object]
) -> None:
    """The values of a field that has no column, by row."""
    for index, value in enumerate(values):
        if value is not None:
            extras.setdefault(index, {})[name] = value


def raw_schema(contract: Contract) -> pa.Schema:
    """The columns of a RawChunk's rows."""
    columns = [(column.name, column.kind.raw_type) for column in contract]
    return pa.schema([*columns, (REST_COLUMN, pa.string())])


def to_chunk(block: Block, contract: Contract, first_position: int) -> RawChunk:
    rest = block.extras
    bad = [
        BadCell(first_position + index, REST_COLUMN, printable(rest[index][LINE]), why)
        for index, why in block.broken.items()
    ]
    arrays: list[pa.Array] = []
    for column in contract:
        values = block.columns.get(column.name, pa.nulls(block.rows))
        typed = type_column(column, values, spelled=block.spelled)
        arrays.append(typed.array)
        for index, original in typed.misfits.items():
            rest.setdefault(index, {})[column.name] = original
        bad += [
            BadCell(first_position + index, column.name, value, reason)
            for index, value, reason in typed.bad
            if index not in block.broken
        ]
    arrays.append(_rest_column(rest, block.rows))
    rows = pa.record_batch(arrays, schema=raw_schema(contract))
    return RawChunk(first_position, rows, bad)


def _rest_column(rest: dict[int, dict[str, object]], rows: int) -> pa.Array:
    if not rest:
        return pa.nulls(rows, pa.string())
    texts = {index: _to_json(fields) for index, fields in rest.items()}
    return pa.array(map(texts.get, range(rows)), pa.string())


def _to_json(fields: dict[str, object]) -> str:
    """Infinity has no JSON and becomes its name; what JSON has no type for becomes its text."""
    infinite = {
        name: str(value) for name, value in fields.items() if value in INFINITIES
    }
    plain = fields | infinite
    try:
        return msgspec.json.encode(plain, enc_hook=str).decode()
    except (UnicodeEncodeError, TypeError):
        return json.dumps(plain, default=str)
