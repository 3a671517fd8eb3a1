"""Rows as the arrays that a graph takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relevo.domain.contract import Column, Kind
from relevo.serving.checking import as_number
from relevo.serving.reading import Row


class Feeder:
    """A [n, 1] array a field: float32 where NaN is missing, words where "" is. All numbers are made at once, and all words."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._width = len(columns)
        self._numbers = [place for place, column in enumerate(columns) if not column.is_categorical]
        self._words = [place for place, column in enumerate(columns) if column.is_categorical]
        self._number_names = [columns[place].name for place in self._numbers]
        self._word_names = [columns[place].name for place in self._words]
        self._dates = [nth for nth, place in enumerate(self._numbers) if columns[place].kind is Kind.DATE]

    def __call__(self, rows: Sequence[Row]) -> dict[str, NDArray[Any]]:
        """NumPy itself makes None NaN, and true 1."""
        cells: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * self._width
        numbers = [cells[place] for place in self._numbers]
        for nth in self._dates:
            numbers[nth] = [as_number(cell) for cell in numbers[nth]]
        words = [[cell or "" for cell in cells[place]] for place in self._words]
        feed: dict[str, NDArray[Any]] = {}
        if numbers:
            table = np.array(numbers, np.float32).reshape(len(numbers), len(rows), 1)
            feed.update(zip(self._number_names, table, strict=True))
        if words:
            table = np.array(words, object).reshape(len(words), len(rows), 1)
            feed.update(zip(self._word_names, table, strict=True))
        return feed
