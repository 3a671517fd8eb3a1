"""Clean rows in memory, a column an array: what models learn from and are judged on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Float64s = NDArray[np.float64]
MISSING = -1


@dataclass(frozen=True, slots=True)
class Categorical:
    """Codes into `categories`; -1 is missing. Four bytes a row, however long a category is."""

    codes: NDArray[np.int32]
    categories: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: NDArray[Any] | slice) -> Categorical:
        return Categorical(self.codes[rows], self.categories)

    def counts(self) -> NDArray[np.int64]:
        """Rows of each category, then those where it is missing."""
        size = len(self.categories)
        counts = np.bincount(self.codes + 1, minlength=size + 1).astype(np.int64)
        return np.roll(counts, -1)

    def strings(self) -> NDArray[np.object_]:
        """Each row's category; the empty string where it is missing."""
        table = np.array([*self.categories, ""], dtype=object)
        return table[self.codes]

    @staticmethod
    def of(values: Sequence[str | None]) -> Categorical:
        names = [value for value in dict.fromkeys(values) if value is not None]
        code_of: dict[str | None, int] = {name: code for code, name in enumerate(names)}
        code_of[None] = MISSING
        codes = np.fromiter(map(code_of.__getitem__, values), np.int32, len(values))
        return Categorical(codes, tuple(names))


@dataclass(frozen=True, slots=True)
class Frame:
    """Features by name, with target, identity (64 bits of the row's hash) and batch id a row.

    Numbers are float32 with NaN for missing, as the model sees them when it serves. For classification
    `target` holds class codes into `classes`; -1 is a class that these do not hold.
    """

    numbers: dict[str, Floats]
    categories: dict[str, Categorical]
    target: Float64s
    identity: NDArray[np.int64]
    batch: NDArray[np.int32]
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.target)

    def take(self, rows: NDArray[Any]) -> Frame:
        """The rows of a mask or of positions, as a copy."""
        return Frame(
            {name: values[rows] for name, values in self.numbers.items()},
            {name: values.take(rows) for name, values in self.categories.items()},
            self.target[rows],
            self.identity[rows],
            self.batch[rows],
            self.classes,
        )

    def inputs(self, chunk: int = 16_384) -> Iterator[dict[str, NDArray[Any]]]:
        """What an ONNX session is fed, a chunk at a time: a [n, 1] array a feature."""
        for start in range(0, len(self), chunk):
            rows = slice(start, start + chunk)
            columns: dict[str, NDArray[Any]] = {
                name: values[rows] for name, values in self.numbers.items()
            }
            for name, values in self.categories.items():
                columns[name] = values.take(rows).strings()
            yield {name: column[:, None] for name, column in columns.items()}


def with_classes(frame: Frame, classes: tuple[str, ...]) -> Frame:
    """The frame with its target coded in a model's classes; -1 where the model does not know a row's class."""
    if frame.classes == classes:
        return frame
    code_of = {name: code for code, name in enumerate(classes)}
    names = [code_of.get(name, MISSING) for name in frame.classes]
    recoded = np.array([*names, MISSING])  # the last, where code -1 leads
    codes = recoded[frame.target.astype(np.int64)].astype(np.float64)
    return replace(frame, target=codes, classes=classes)


def learnable(frame: Frame) -> Frame:
    """The rows whose class a model can learn."""
    if not frame.classes:
        return frame
    return frame.take(frame.target != MISSING)
