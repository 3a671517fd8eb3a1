"""A table that gives each word of a category a row of numbers; unseen and missing words have rows of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Categorical


@dataclass(frozen=True, slots=True)
class CategoryTable:
    """`values` has a row a word, then the row of unseen words, then that of missing ones."""

    feature: str
    categories: tuple[str, ...]
    values: NDArray[np.floating]

    @property
    def width(self) -> int:
        return int(self.values.shape[1])

    def rows_of(self, words: tuple[str, ...]) -> NDArray[np.intp]:
        """The table's row for each code into other `words`; the last one is for code -1."""
        place = {word: row for row, word in enumerate(self.categories)}
        place[""] = len(self.categories) + 1
        return np.array(
            [
                *(place.get(word, len(self.categories)) for word in words),
                len(self.categories) + 1,
            ],
            dtype=np.intp,
        )

    def look_up(self, column: Categorical) -> NDArray[np.floating]:
        return self.values[self.rows_of(column.categories)[column.codes]]


def seen_words(column: Categorical) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The words that rows hold, and how many rows each; the empty word counts as missing."""
    counts = np.bincount(
        column.codes + np.int32(1), minlength=len(column.categories) + 1
    )[1:]
    kept = [code for code in np.flatnonzero(counts) if column.categories[code]]
    return tuple(column.categories[code] for code in kept), counts[kept]


def one_hot(feature: str, words: tuple[str, ...], has_missing: bool) -> CategoryTable:
    """A column a word, one for missing where that occurs; an unseen word is zeros everywhere."""
    width = len(words) + has_missing
    values = np.zeros((len(words) + 2, max(width, 1)), dtype=np.float32)
    values[: len(words), : len(words)] = np.eye(len(words), dtype=np.float32)
    if has_missing:
        values[-1, -1] = 1
    return CategoryTable(feature, words, values)
