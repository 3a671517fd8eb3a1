"""Rows as the arrays that a model's graph takes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relevo.domain.cells import Cell, Row
from relevo.domain.contract import Column
from relevo.domain.frame import Categorical, Floats


class ModelInputs:
    """One [n, 1] array per field: float32 where NaN is missing, text where "" is.

    All numbers are made by one call of NumPy, and all text: it makes None NaN, and true 1.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        numbers = [i for i, column in enumerate(columns) if not column.is_categorical]
        categories = [i for i, column in enumerate(columns) if column.is_categorical]
        self._numbers = numbers
        self._categories = categories
        self._names = [columns[index].name for index in (*numbers, *categories)]
        # NumPy reads the other kinds by itself, which is faster than a call per cell
        self._converted = {
            nth: columns[index].kind.number
            for nth, index in enumerate(numbers)
            if not columns[index].kind.is_settled_by_type
        }

    def __call__(self, rows: Sequence[Row]) -> dict[str, NDArray[Any]]:
        arrays = [*self._number_arrays(rows), *self._category_arrays(rows)]
        return dict(zip(self._names, arrays, strict=True))

    def _number_arrays(self, rows: Sequence[Row]) -> NDArray[np.float32]:
        count = len(rows)
        cells: list[Any] = [row[index] for index in self._numbers for row in rows]
        for nth, number in self._converted.items():
            column = slice(nth * count, (nth + 1) * count)
            cells[column] = _converted(number, cells[column])
        return np.array(cells, np.float32).reshape(len(self._numbers), count, 1)

    def _category_arrays(self, rows: Sequence[Row]) -> NDArray[np.object_]:
        texts = [row[index] or "" for index in self._categories for row in rows]
        return np.array(texts, object).reshape(len(self._categories), len(rows), 1)


def column_values(column: Column, cells: Sequence[Cell]) -> Categorical | Floats:
    """A column of rows as the frame of a training has it."""
    if column.is_categorical:
        return Categorical.of([str(cell) if cell else None for cell in cells])
    return np.array(_converted(column.kind.number, cells), np.float32)


def _converted(
    number: Callable[[Any], float], cells: Sequence[Cell]
) -> list[float | None]:
    return [None if cell is None else number(cell) for cell in cells]
