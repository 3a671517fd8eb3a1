"""Rows on their way from a format's own shape to typed columns."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
import pyarrow as pa

from relevo.domain.arrival import BadCell, RawChunk
from relevo.domain.cells import printable
from relevo.domain.contract import REST_COLUMN, Contract
from relevo.formats.columns import TypedColumn, Values, type_column

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

    def note_extras(self, name: str, values: Sequence[object]) -> None:
        """The values of a field that has no column."""
        for index, value in enumerate(values):
            if value is not None:
                self.extras.setdefault(index, {})[name] = value


def raw_schema(contract: Contract) -> pa.Schema:
    """The columns of a RawChunk's rows."""
    columns = [(column.name, column.kind.raw_type) for column in contract]
    return pa.schema([*columns, (REST_COLUMN, pa.string())])


def to_chunk(block: Block, contract: Contract, first_position: int) -> RawChunk:
    typed: dict[str, TypedColumn] = {}
    for column in contract:
        values = block.columns.get(column.name, pa.nulls(block.rows))
        typed[column.name] = type_column(column, values, spelled=block.spelled)
    arrays = [column.array for column in typed.values()]
    rows = pa.record_batch(
        [*arrays, _rest_column(block, typed)], schema=raw_schema(contract)
    )
    return RawChunk(
        first_position, rows, list(_bad_cells(block, typed, first_position))
    )


def _bad_cells(
    block: Block, typed: dict[str, TypedColumn], first_position: int
) -> Iterator[BadCell]:
    for index, reason in block.broken.items():
        text = printable(block.extras[index][LINE])
        yield BadCell(first_position + index, REST_COLUMN, text, reason)
    for name, column in typed.items():
        for index, value, reason in column.bad:
            # a broken row has no cells, and is bad once
            if index not in block.broken:
                yield BadCell(first_position + index, name, value, reason)


def _rest_column(block: Block, typed: dict[str, TypedColumn]) -> pa.Array:
    rest = block.extras
    for name, column in typed.items():
        for index, original in column.misfits.items():
            rest.setdefault(index, {})[name] = original
    if not rest:
        return pa.nulls(block.rows, pa.string())
    texts = {index: _to_json(fields) for index, fields in rest.items()}
    return pa.array(map(texts.get, range(block.rows)), pa.string())


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
