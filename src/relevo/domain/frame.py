"""Clean rows in memory, a column an array: what models learn from and are judged on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
MISSING = -1


@dataclass(frozen=True, slots=True)
class Categorical:
    """Codes into `words`; -1 is missing. Four bytes a row, whatever the words are."""

    codes: NDArray[np.int32]
    words: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: NDArray[Any]) -> Categorical:
        return Categorical(self.codes[rows], self.words)

    def strings(self) -> NDArray[np.object_]:
        """Each row's word; the empty string where it is missing."""
        table = np.array([*self.words, ""], dtype=object)
        return table[self.codes]

    @staticmethod
    def of(values: Sequence[str | None]) -> Categorical:
        words: dict[str, int] = {}
        codes = np.fromiter(
            (MISSING if v is None else words.setdefault(v, len(words)) for v in values),
            np.int32,
            len(values),
        )
        return Categorical(codes, tuple(words))


@dataclass(frozen=True, slots=True)
class Frame:
    """Features by name, with target, identity (64 bits of the row's hash) and batch id a row.

    Numbers are float32 with NaN for missing, as the model sees them when it serves. For classification
    `target` holds class codes into `classes`.
    """

    numbers: dict[str, Floats]
    categories: dict[str, Categorical]
    target: NDArray[np.float64]
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
            stop = start + chunk
            feed: dict[str, NDArray[Any]] = {
                n: v[start:stop, None] for n, v in self.numbers.items()
            }
            for name, values in self.categories.items():
                feed[name] = Categorical(
                    values.codes[start:stop], values.words
                ).strings()[:, None]
            yield feed


def with_classes(frame: Frame, classes: tuple[str, ...]) -> Frame:
    """The frame with its target coded in a model's classes; rows of a class the model does not know are left out."""
    if frame.classes == classes:
        return frame
    place = {word: code for code, word in enumerate(classes)}
    codes = np.array([place.get(word, -1) for word in frame.classes], dtype=np.float64)[
        frame.target.astype(np.int64)
    ]
    known = codes >= 0
    kept = frame.take(known)
    return Frame(
        kept.numbers, kept.categories, codes[known], kept.identity, kept.batch, classes
    )
