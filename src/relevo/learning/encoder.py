"""Rows as a float32 matrix: numbers as they are (NaN for missing), categories by table; exactly so in ONNX too."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from relevo.domain.frame import Floats, Frame
from relevo.learning.category_table import (
    CategoryTable,
    one_hot,
    row_by_code,
    seen_categories,
)
from relevo.learning.encoding_signals import EncodingSignals
from relevo.learning.folds import fold_of
from relevo.learning.running_stats import finite
from relevo.learning.target_encoding import FOLDS, TargetEncoding
from relevo.learning.target_scale import TargetScale

MOST_ONE_HOT = 12  # a column for each of more categories would be mostly zeros
CHUNK = 32_768  # rows: a few MB, where the matrix of a million would be hundreds
FOLD_SALT = 101


@dataclass(frozen=True, slots=True)
class Encoder:
    """What training left: one column a number, then a table's columns for each category."""

    numbers: tuple[str, ...]
    tables: tuple[CategoryTable, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature that each column of the matrix comes from."""
        columns = list(self.numbers)
        for table in self.tables:
            columns += [table.feature] * table.width
        return tuple(columns)

    def chunks(
        self,
        frame: Frame,
        rows: int = CHUNK,
        without_fold: Mapping[str, Floats] = MappingProxyType({}),
    ) -> Iterator[Floats]:
        """The matrix, some rows at a time; `without_fold` is that of a TrainingEncoder."""
        # once, not per chunk: it looks at every category
        row_of = {
            table.feature: row_by_code(
                table.categories, frame.categories[table.feature]
            )
            for table in self.tables
        }
        for start in range(0, len(frame), rows):
            part = slice(start, start + rows)
            folds = fold_of(frame.identity[part], FOLDS, FOLD_SALT)
            # filled in place: blocks to be joined would take the memory twice
            matrix = np.empty((len(folds), len(self.columns)), dtype=np.float32)
            for column, name in enumerate(self.numbers):
                matrix[:, column] = finite(frame.numbers[name][part])
            first = len(self.numbers)
            for table in self.tables:
                name, block = table.feature, matrix[:, first : first + table.width]
                first += table.width
                row = row_of[name][frame.categories[name].codes[part]]
                if name in without_fold:
                    block[:] = without_fold[name][folds, row]
                else:
                    block[:] = table.values[row]
            yield matrix


@dataclass(frozen=True, slots=True)
class TrainingEncoder:
    """An encoder, and for its own training rows the tables that know nothing of a row's own fold.

    A row's own target never reaches its encoding, so a category that few rows share teaches nothing by heart.
    """

    encoder: Encoder
    # [folds, rows, width] by feature; none for a table that has no target in it
    without_fold: dict[str, Floats]

    def chunks(self, frame: Frame, rows: int = CHUNK) -> Iterator[Floats]:
        """The training rows, encoded out of fold."""
        return self.encoder.chunks(frame, rows, self.without_fold)

    def matrix(self, frame: Frame) -> Floats:
        return np.concatenate(list(self.chunks(frame)))


def fit_encoder(frame: Frame, target_scale: TargetScale) -> TrainingEncoder:
    """Few categories become a column each; many the means of what is known of their rows, target first."""
    many = {}
    for name, column in frame.categories.items():
        categories = seen_categories(column)
        if len(categories) > MOST_ONE_HOT:
            many[name] = categories
    encodings = _encodings(frame, target_scale, many)
    tables, without_fold = [], {}
    for name, column in frame.categories.items():
        if name in encodings:
            encoding = encodings[name]
            tables.append(CategoryTable(name, many[name], encoding.table()))
            without_fold[name] = encoding.tables_without_fold()
        else:
            tables.append(one_hot(name, column))
    return TrainingEncoder(Encoder(tuple(frame.numbers), tuple(tables)), without_fold)


def _encodings(
    frame: Frame, target_scale: TargetScale, seen: dict[str, tuple[str, ...]]
) -> dict[str, TargetEncoding]:
    if not seen:
        return {}
    signals = EncodingSignals.of(frame, target_scale, CHUNK)
    encodings = {
        name: TargetEncoding.empty(len(categories), signals.width)
        for name, categories in seen.items()
    }
    row_of = {
        name: row_by_code(categories, frame.categories[name])
        for name, categories in seen.items()
    }
    for start in range(0, len(frame), CHUNK):
        part = slice(start, start + CHUNK)
        values = signals.values(frame, target_scale, part)
        folds = fold_of(frame.identity[part], FOLDS, FOLD_SALT)
        for name, encoding in encodings.items():
            rows = row_of[name][frame.categories[name].codes[part]]
            encoding.add(folds, rows, values)
    return encodings
