"""A column of a batch, typed and checked against its contract.

Whole columns at once where all cells fit; cell by cell, by the rules of `domain.cells`, only where one does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from relevo.domain.arrow import ARROW_TYPES
from relevo.domain.cells import IS_MISSING, Misfit, breaches, printable, read_cell
from relevo.domain.contract import Column, Kind

Values: TypeAlias = "Sequence[object] | pa.Array"


@dataclass(slots=True)
class TypedColumn:
    """`misfits`: index to the original that the type cannot hold. `bad`: (index, value as text, reason)."""

    array: pa.Array
    misfits: dict[int, object] = field(default_factory=dict)
    bad: list[tuple[int, str, str]] = field(default_factory=list)


def type_column(column: Column, values: Values, *, spelled: bool) -> TypedColumn:
    """The values as the contract's type. A value that does not fit is null in the array and kept in `misfits`."""
    try:
        typed = TypedColumn(_whole(column, values, spelled))
    except (
        pa.ArrowException,
        _NotWhole,
        UnicodeEncodeError,
        OverflowError,
        ValueError,
        TypeError,
    ):
        typed = _cell_by_cell(column, values, spelled)
    typed.bad += _breaking(column, typed)
    return typed


class _NotWhole(Exception):
    """Some cell needs to be looked at on its own."""


def _whole(column: Column, values: Values, spelled: bool) -> pa.Array:
    array = values if isinstance(values, pa.Array) else pa.array(values)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), ARROW_TYPES[column.kind])
    return _WHOLE[column.kind](array, spelled)


def _whole_number(array: pa.Array, spelled: bool) -> pa.Array:
    _require(_is_numeric(array) or (spelled and pa.types.is_string(array.type)))
    numbers = array.cast(pa.float64())
    limits = pc.min_max(numbers)
    low, high = limits["min"].as_py(), limits["max"].as_py()
    _require(low is None or (low > float("-inf") and high < float("inf")))
    if pc.any(pc.is_nan(numbers)).as_py():
        _require(not pa.types.is_string(array.type))
        numbers = pc.if_else(pc.is_nan(numbers), None, numbers)
    return numbers


def _whole_code(array: pa.Array, _spelled: bool) -> pa.Array:
    numbers = _whole_number(array, spelled=True)
    numbers.cast(pa.int64())
    return numbers


def _whole_integer(array: pa.Array, spelled: bool) -> pa.Array:
    if spelled and pa.types.is_string(array.type):
        _require(
            not pc.any(pc.match_substring(array, "x", ignore_case=True)).as_py()
        )  # Arrow would read hexadecimal
        return array.cast(pa.int64())
    if pa.types.is_integer(array.type):
        return array.cast(pa.int64())
    return _whole_number(array, spelled=False).cast(pa.int64())


def _whole_boolean(array: pa.Array, _spelled: bool) -> pa.Array:
    if pa.types.is_boolean(array.type):
        return array
    numbers = _whole_number(array, spelled=False)
    _require(pc.all(pc.is_in(numbers, pa.array([0.0, 1.0, None]))).as_py())
    return pc.equal(numbers, 1.0)


def _whole_date(array: pa.Array, _spelled: bool) -> pa.Array:
    if pa.types.is_timestamp(array.type):
        dates = array.cast(pa.timestamp("us"), safe=array.type.unit != "ns")
    else:
        _require(pa.types.is_string(array.type) or pa.types.is_date(array.type))
        dates = array.cast(pa.timestamp("us"))
    if dates.null_count < len(dates):
        limits = pc.min_max(dates)
        _require(
            limits["min"].as_py() >= datetime.min
            and limits["max"].as_py() <= datetime.max
        )
    return dates


def _whole_text(array: pa.Array, _spelled: bool) -> pa.Array:
    _require(pa.types.is_string(array.type) or pa.types.is_large_string(array.type))
    texts = array.cast(pa.string())
    _require(not pc.any(pc.match_substring(texts, "\x00")).as_py())
    return texts


def _whole_category(array: pa.Array, spelled: bool) -> pa.Array:
    texts = _whole_text(array, spelled)
    empty = pc.equal(texts, "")
    return pc.if_else(empty, None, texts) if pc.any(empty).as_py() else texts


_WHOLE: dict[Kind, Callable[[pa.Array, bool], pa.Array]] = {
    Kind.NUMBER: _whole_number,
    Kind.INTEGER: _whole_integer,
    Kind.BOOLEAN: _whole_boolean,
    Kind.DATE: _whole_date,
    Kind.CATEGORY: _whole_category,
    Kind.CODE: _whole_code,
    Kind.TEXT: _whole_text,
}


def _require(whole: bool | None) -> None:
    if not whole:
        raise _NotWhole


def _is_numeric(array: pa.Array) -> bool:
    kinds = pa.types
    return bool(
        kinds.is_integer(array.type)
        or kinds.is_floating(array.type)
        or kinds.is_decimal(array.type)
    )


def _cell_by_cell(column: Column, values: Values, spelled: bool) -> TypedColumn:
    cells: list[Any] = []
    misfits: dict[int, object] = {}
    bad: list[tuple[int, str, str]] = []
    for index, value in enumerate(_python_values(values)):
        try:
            cells.append(read_cell(column, value, spelled=spelled))
        except Misfit as misfit:
            cells.append(None)
            misfits[index] = value
            bad.append((index, printable(value), str(misfit)))
    return TypedColumn(pa.array(cells, ARROW_TYPES[column.kind]), misfits, bad)


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
    array, found = typed.array, []
    if array.null_count and not column.nullable:
        nulls = pc.indices_nonzero(pc.is_null(array)).to_pylist()
        found += [
            (index, "", IS_MISSING) for index in nulls if index not in typed.misfits
        ]
    for name, mask in _broken_rules(column, array):
        if pc.any(mask).as_py():
            reason = breaches(column)[name]
            found += [
                (index, printable(array[index].as_py()), reason)
                for index in pc.indices_nonzero(mask).to_pylist()
            ]
    return found


def _bound(array: pa.Array, bound: float, whole: Callable[[float], int]) -> pa.Scalar:
    """Whole numbers are compared with whole ones: a float cannot tell those above 2^53 apart, and Arrow refuses to."""
    if not pa.types.is_integer(array.type):
        return pa.scalar(bound, pa.float64())
    return pa.scalar(max(-(2**63), min(2**63 - 1, whole(bound))), pa.int64())


def _broken_rules(column: Column, array: pa.Array) -> list[tuple[str, pa.Array]]:
    rules = []
    if array.null_count < len(array):
        if column.low is not None:
            rules.append(("low", pc.less(array, _bound(array, column.low, math.ceil))))
        if column.high is not None:
            rules.append(
                ("high", pc.greater(array, _bound(array, column.high, math.floor)))
            )
        if column.values is not None:
            known = pc.is_in(array, pa.array(column.values, pa.string()))
            rules.append(("values", pc.and_not(pc.is_valid(array), known)))
    return rules
