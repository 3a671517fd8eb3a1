"""Rows as a float32 matrix: numbers as they are (NaN for missing), words by table; exactly so in ONNX too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Categorical, Floats, Frame
from relevo.learning.category_table import CategoryTable, one_hot, seen_words
from relevo.learning.encoding_signals import EncodingSignals
from relevo.learning.folds import fold_of
from relevo.learning.running_stats import finite
from relevo.learning.target_encoding import FOLDS, TargetEncoding
from relevo.learning.target_scale import TargetScale

ONE_HOT_WORDS = 12
CHUNK = 32_768
FOLD_SALT = 101


@dataclass(frozen=True, slots=True)
class Encoder:
    """What training left: one column a number, then a table's columns for each category."""

    numbers: tuple[str, ...]
    tables: tuple[CategoryTable, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature that each column of the matrix comes from."""
        return (
            *self.numbers,
            *(table.feature for table in self.tables for _ in range(table.width)),
        )

    def chunks(self, frame: Frame, rows: int = CHUNK) -> Iterator[Floats]:
        places = [
            table.rows_of(frame.categories[table.feature].categories)
            for table in self.tables
        ]
        for start in range(0, len(frame), rows):
            stop = min(start + rows, len(frame))
            out = np.empty((stop - start, len(self.columns)), dtype=np.float32)
            column = _put_numbers(out, frame, self.numbers, start, stop)
            for table, place in zip(self.tables, places, strict=True):
                codes = frame.categories[table.feature].codes[start:stop]
                out[:, column : column + table.width] = table.values[place[codes]]
                column += table.width
            yield out

    def matrix(self, frame: Frame) -> Floats:
        """All rows at once: for small frames."""
        return np.concatenate(
            [np.empty((0, len(self.columns)), np.float32), *self.chunks(frame)]
        )


@dataclass(frozen=True, slots=True)
class Fit:
    """An encoder, and for its own training rows the tables that know nothing of a row's own fold.

    A row's own target never reaches its encoding, so a word that few rows share teaches nothing by heart.
    """

    encoder: Encoder
    others: tuple[
        NDArray[np.float32] | None, ...
    ]  # a table: [folds, rows, width]; None where no target is in it

    def chunks(self, frame: Frame, rows: int = CHUNK) -> Iterator[Floats]:
        """The training rows, encoded out of fold."""
        places = [
            table.rows_of(frame.categories[table.feature].categories)
            for table in self.encoder.tables
        ]
        for start, whole in zip(
            range(0, len(frame), rows), self.encoder.chunks(frame, rows), strict=True
        ):
            column, stop = len(self.encoder.numbers), start + len(whole)
            folds = fold_of(frame.identity[start:stop], FOLDS, FOLD_SALT)
            for table, place, other in zip(
                self.encoder.tables, places, self.others, strict=True
            ):
                if other is not None:
                    codes = frame.categories[table.feature].codes[start:stop]
                    whole[:, column : column + table.width] = other[folds, place[codes]]
                column += table.width
            yield whole

    def matrix(self, frame: Frame) -> Floats:
        return np.concatenate(list(self.chunks(frame)))


def fit_encoder(frame: Frame, target_scale: TargetScale) -> Fit:
    """Few words become a column each; many words the means of what is known of their rows, target first."""
    seen = {name: seen_words(column)[0] for name, column in frame.categories.items()}
    many = [name for name, words in seen.items() if len(words) > ONE_HOT_WORDS]
    means = (
        _means(frame, target_scale, {name: seen[name] for name in many}) if many else {}
    )
    tables: list[CategoryTable] = []
    others: list[NDArray[np.float32] | None] = []
    for name, words in seen.items():
        if name in means:
            tables.append(CategoryTable(name, words, means[name].table()))
            others.append(means[name].tables_without_fold())
        else:
            tables.append(one_hot(name, words, _has_missing(frame.categories[name])))
            others.append(None)
    return Fit(Encoder(tuple(frame.numbers), tuple(tables)), tuple(others))


def _means(
    frame: Frame, target_scale: TargetScale, words: dict[str, tuple[str, ...]]
) -> dict[str, TargetEncoding]:
    signals = EncodingSignals.of(frame, target_scale, CHUNK)
    means = {
        name: TargetEncoding.empty(len(words[name]), signals.width) for name in words
    }
    places = {
        name: CategoryTable(name, words[name], np.empty((0, 0))).rows_of(
            frame.categories[name].categories
        )
        for name in words
    }
    for start in range(0, len(frame), CHUNK):
        rows = slice(start, start + CHUNK)
        values = signals.values(frame, target_scale, rows)
        folds = fold_of(frame.identity[rows], FOLDS, FOLD_SALT)
        for name in words:
            means[name].add(
                folds, places[name][frame.categories[name].codes[rows]], values
            )
    return means


def _put_numbers(
    out: Floats, frame: Frame, names: tuple[str, ...], start: int, stop: int
) -> int:
    for column, name in enumerate(names):
        out[:, column] = finite(frame.numbers[name][start:stop])
    return len(names)


def _has_missing(column: Categorical) -> bool:
    blank = {code for code, word in enumerate(column.categories) if not word}
    return bool(
        (column.codes < 0).any() or any((column.codes == code).any() for code in blank)
    )
