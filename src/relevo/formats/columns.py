"""A column of a batch, typed and checked against its contract.

Whole columns at once where all cells fit; cell by cell only where one does not.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from relevo.domain.cells import IS_MISSING, Misfit, printable
from relevo.domain.contract import Column, Rule
from relevo.domain.kinds import INT64, NotWhole

Values: TypeAlias = "Sequence[object] | pa.Array"
# why a whole column cannot be typed at once; its cells are then read one by one
NOT_AT_ONCE = (
    pa.ArrowException,
    NotWhole,
    UnicodeEncodeError,
    OverflowError,
    ValueError,
    TypeError,
)


@dataclass(slots=True)
class TypedColumn:
    array: pa.Array
    # by index, the original that the type cannot hold
    misfits: dict[int, object] = field(default_factory=dict)
    # index, value as text, reason
    bad: list[tuple[int, str, str]] = field(default_factory=list)


def type_column(column: Column, values: Values, *, spelled: bool) -> TypedColumn:
    """The values in the contract's type. One that does not fit is null, and kept in `misfits`."""
    try:
        typed = TypedColumn(_whole(column, values, spelled))
    except NOT_AT_ONCE:
        typed = _cell_by_cell(column, values, spelled)
    typed.bad += _breaking(column, typed)
    return typed


def _whole(column: Column, values: Values, spelled: bool) -> pa.Array:
    array = values
    if not isinstance(array, pa.Array):
        array = pa.array(values)
    # Arrow cuts what is too long for one array
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), column.kind.raw_type)
    return column.kind.read_array(array, spelled)


def _cell_by_cell(column: Column, values: Values, spelled: bool) -> TypedColumn:
    cells: list[Any] = []
    misfits: dict[int, object] = {}
    bad: list[tuple[int, str, str]] = []
    for index, value in enumerate(_python_values(values)):
        try:
            cells.append(column.kind.read(value, spelled=spelled))
        except Misfit as misfit:
            cells.append(None)
            misfits[index] = value
            bad.append((index, printable(value), str(misfit)))
    return TypedColumn(pa.array(cells, column.kind.raw_type), misfits, bad)


def _python_values(values: Values) -> Sequence[object]:
    """Instants are cut to microseconds; one outside the years Python knows comes as text."""
    if not isinstance(values, pa.Array):
        return values
    if pa.types.is_timestamp(values.type) and values.type.unit == "ns":
        values = values.cast(pa.timestamp("us", values.type.tz), safe=False)
    return [_python_value(value) for value in values]


def _python_value(value: pa.Scalar) -> object:
    try:
        return value.as_py()
    except (ValueError, OverflowError):
        return str(value.value)


def _breaking(column: Column, typed: TypedColumn) -> list[tuple[int, str, str]]:
    """The cells that fit the type and break the contract: missing, out of range, not admitted."""
    array = typed.array
    bad = []
    if array.null_count and not column.nullable:
        nulls = pc.indices_nonzero(pc.is_null(array)).to_pylist()
        bad += [
            (index, "", IS_MISSING) for index in nulls if index not in typed.misfits
        ]
    for rule, mask in _broken_rules(column, array):
        for index in pc.indices_nonzero(mask).to_pylist():
            bad.append((index, printable(array[index].as_py()), column.reason(rule)))
    return bad


def _broken_rules(column: Column, array: pa.Array) -> Iterator[tuple[Rule, pa.Array]]:
    """`Column.broken_rule` of a whole column."""
    if array.null_count == len(array):
        return
    if column.low is not None:
        yield "low", pc.less(array, _bound(array, column.low, math.ceil))
    if column.high is not None:
        yield "high", pc.greater(array, _bound(array, column.high, math.floor))
    if column.values is not None:
        admitted = pc.is_in(array, pa.array((*column.values, None), pa.string()))
        yield "values", pc.invert(admitted)


def _bound(array: pa.Array, bound: float, to_whole: Callable[[float], int]) -> Any:
    # a float cannot tell whole numbers above 2^53 apart, and Arrow refuses to compare them
    if pa.types.is_integer(array.type):
        return max(-INT64, min(INT64 - 1, to_whole(bound)))
    return float(bound)
