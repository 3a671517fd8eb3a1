"""What one field of a request may be: the contract's rules, and the form in which the model takes the value."""

from __future__ import annotations

from dataclasses import astuple

from relevo.domain.cells import IS_MISSING, Cell, Misfit, breaches, read_cell, spell
from relevo.domain.contract import Column, Kind
from relevo.domain.release import Field

LARGEST = 3.4028234663852886e38  # of a float32, which is what models take
SHOWN_VALUES = 200


def column_of(field: Field) -> Column:
    return Column(*astuple(field))


def checked(column: Column, value: object) -> Cell:
    """The value as the model knows it: a code by its name, a word without stray blanks. Misfit says what is wrong."""
    cell = read_cell(column, value, spelled=False)
    if cell is None:
        if not column.nullable:
            raise Misfit(IS_MISSING)
        return None
    if broken := _broken_rule(column, cell):
        raise Misfit(breaches(column)[broken])
    return _as_known(column, cell)


def _broken_rule(column: Column, cell: Cell) -> str | None:
    if isinstance(cell, (int, float)):
        if column.low is not None and cell < column.low:
            return "low"
        if column.high is not None and cell > column.high:
            return "high"
    return "values" if column.values is not None and cell not in column.values else None


def _as_known(column: Column, cell: Cell) -> Cell:
    if column.kind is Kind.CODE and isinstance(cell, float):
        return code_name(cell, column.digits)
    if isinstance(cell, str):
        return cell.strip() or None
    if column.kind is Kind.NUMBER and isinstance(cell, float):
        return max(-LARGEST, min(LARGEST, cell))
    return cell


def code_name(value: float, digits: int | None) -> str:
    """601.0 of five digits is "00601"."""
    return str(int(value)).zfill(digits or 0)


def allowed(column: Column) -> str:
    """In words, for a person whose value was refused."""
    what = (
        f"one of {_listed(column.values)}"
        if column.values is not None
        else _KINDS[column.kind]
    )
    if column.kind is Kind.CODE and column.digits:
        what = f"a code of at most {column.digits} digits"
    elif column.low is not None and column.high is not None:
        what += f" from {spell(column.low)} to {spell(column.high)}"
    elif column.low is not None:
        what += f" of at least {spell(column.low)}"
    elif column.high is not None:
        what += f" of at most {spell(column.high)}"
    return f"{what}, or null" if column.nullable else what


_KINDS = {
    Kind.NUMBER: "a number",
    Kind.INTEGER: "a whole number",
    Kind.BOOLEAN: "true or false",
    Kind.DATE: "a date in ISO 8601",
    Kind.CATEGORY: "a word",
    Kind.CODE: "a code in digits",
    Kind.TEXT: "text",
}


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(values[:SHOWN_VALUES]) + (
        ", …" if len(values) > SHOWN_VALUES else ""
    )
