"""Rows as the arrays that a graph takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relevo.domain.cells import Cell, Row
from relevo.domain.contract import Column, Kind

EPOCH = datetime(1970, 1, 1)
SECONDS_A_DAY = 86_400


class ModelInputs:
    """A [n, 1] array a field: float32 where NaN is missing, words where "" is. All numbers are made at once, and all words."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._numbers = [
            place for place, column in enumerate(columns) if not column.is_categorical
        ]
        self._words = [
            place for place, column in enumerate(columns) if column.is_categorical
        ]
        self._number_names = [columns[place].name for place in self._numbers]
        self._word_names = [columns[place].name for place in self._words]
        self._dates = [
            nth
            for nth, place in enumerate(self._numbers)
            if columns[place].kind is Kind.DATE
        ]

    def __call__(self, rows: Sequence[Row]) -> dict[str, NDArray[Any]]:
        """NumPy itself makes None NaN, and true 1."""
        count = len(rows)
        numbers: list[Any] = [row[place] for place in self._numbers for row in rows]
        for nth in self._dates:
            column = slice(nth * count, (nth + 1) * count)
            numbers[column] = [as_number(cell) for cell in numbers[column]]
        words = [row[place] or "" for place in self._words for row in rows]
        by_field = np.array(numbers, np.float32).reshape(len(self._numbers), count, 1)
        feed: dict[str, NDArray[Any]] = dict(
            zip(self._number_names, by_field, strict=True)
        )
        feed.update(
            zip(
                self._word_names,
                np.array(words, object).reshape(len(self._words), count, 1),
                strict=True,
            )
        )
        return feed


def as_number(cell: Cell) -> float | None:
    """What a model takes for the cell of a column that is no category."""
    if isinstance(cell, datetime):
        when = cell.astimezone(UTC).replace(tzinfo=None) if cell.tzinfo else cell
        return (when - EPOCH).total_seconds() / SECONDS_A_DAY
    return None if cell is None or isinstance(cell, str) else float(cell)
