"""A table that gives each value of a category a row of numbers; unseen and missing ones have rows of their own."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Categorical


@dataclass(frozen=True, slots=True)
class CategoryTable:
    """`values` has a row a category, then the row of unseen ones, then that of missing ones."""

    feature: str
    categories: tuple[str, ...]
    values: NDArray[np.floating]

    @property
    def width(self) -> int:
        return int(self.values.shape[1])

    def look_up(self, column: Categorical) -> NDArray[np.floating]:
        return self.values[row_by_code(self.categories, column)[column.codes]]


def row_by_code(categories: tuple[str, ...], column: Categorical) -> NDArray[np.intp]:
    """For each code of a column its row in a table of `categories`; the last one is for code -1."""
    unseen = len(categories)
    missing = unseen + 1
    row_of = {name: row for row, name in enumerate(categories)}
    row_of[""] = missing
    rows = [row_of.get(name, unseen) for name in column.categories]
    return np.array([*rows, missing], dtype=np.intp)


def seen_categories(column: Categorical) -> tuple[str, ...]:
    """Those that rows hold; the empty one counts as missing."""
    codes = np.flatnonzero(column.counts()[:-1])
    return tuple(filter(None, (column.categories[code] for code in codes)))


def one_hot(feature: str, column: Categorical) -> CategoryTable:
    """A column a category, one for missing where that occurs; an unseen one is zeros everywhere."""
    categories = seen_categories(column)
    size = len(categories)
    missing = size + 1
    rows = row_by_code(categories, column)
    has_missing = bool(column.counts()[rows == missing].any())
    values = np.zeros((size + 2, max(size + has_missing, 1)), dtype=np.float32)
    values[:size, :size] = np.eye(size, dtype=np.float32)
    if has_missing:
        values[missing, size] = 1
    return CategoryTable(feature, categories, values)
