"""What one field of a request may be: the contract's rules, and the form in which the model
takes the value.
"""

from __future__ import annotations

from relevo.domain.cells import IS_MISSING, Cell, Misfit
from relevo.domain.contract import Column


def checked_cell(column: Column, value: object) -> Cell:
    """The value as the model knows it: a code by its name, a category without stray blanks.

    Misfit says what is wrong.
    """
    cell = column.kind.read(value, spelled=False)
    if cell is None:
        if not column.nullable:
            raise Misfit(IS_MISSING)
        return None
    if rule := column.broken_rule(cell):
        raise Misfit(column.reason(rule))
    return column.kind.canonical(cell, column)
