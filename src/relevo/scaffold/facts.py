"""What is known of one column: its kind and extent in all rows, its values in the sample, and what it is used for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from relevo.domain.contract import Column
from relevo.domain.kinds import MISSING_WORDS, Kind
from relevo.formats.columns import type_column
from relevo.scaffold.kinds import Guess
from relevo.scaffold.sample import Sample, estimated_distinct
from relevo.scaffold.survey import MICROSECONDS_A_DAY, Extent, Survey

Floats = NDArray[np.float64]


@dataclass(slots=True, eq=False)
class Facts:
    """`values`: the sample's, as numbers (NaN is missing) or as codes of words (-1 is). `out`: why it is no feature."""

    column: Column
    rows: int
    filled: int
    distinct: int
    values: NDArray[np.float64] | NDArray[np.int64]
    extent: Extent
    note: str = ""
    out: str = ""

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def kind(self) -> Kind:
        return self.column.kind

    @property
    def missing(self) -> int:
        return self.rows - self.filled

    @property
    def is_words(self) -> bool:
        return self.values.dtype.kind == "i"

    @property
    def is_feature(self) -> bool:
        return not self.out

    def codes(self) -> NDArray[np.int64]:
        """Each row's value as a number from 0, the missing being one more value."""
        values = (
            np.nan_to_num(self.values, nan=np.inf) if not self.is_words else self.values
        )
        return np.unique(values, return_inverse=True)[1].astype(np.int64)


def gather(
    survey: Survey, sample: Sample, guesses: Mapping[str, Guess], *, spelled: bool
) -> dict[str, Facts]:
    return {
        column.name: _facts(column, survey, sample, guesses[column.name].note, spelled)
        for column in survey.columns
    }


def _facts(
    column: Column, survey: Survey, sample: Sample, note: str, spelled: bool
) -> Facts:
    extent = survey.extents[column.name]
    values = _typed(column, sample.columns[column.name], spelled)
    filled = len(values) - int(
        np.isnan(values).sum() if values.dtype.kind == "f" else (values < 0).sum()
    )
    known = (
        values[~np.isnan(values)] if values.dtype.kind == "f" else values[values >= 0]
    )
    distinct = estimated_distinct(len(np.unique(known)), filled, extent.filled)
    if changed := survey.changed.get(column.name):
        note = f"{note}; {changed}".removeprefix("; ")
    return Facts(column, survey.rows, extent.filled, distinct, values, extent, note)


def _typed(
    column: Column, values: pa.Array, spelled: bool
) -> NDArray[np.float64] | NDArray[np.int64]:
    if spelled and column.kind is not Kind.TEXT:
        missing = pc.is_in(values, pa.array(sorted(MISSING_WORDS), values.type))
        values = pc.if_else(missing, pa.scalar(None, values.type), values)
    array = type_column(column, values, spelled=spelled).array
    if pa.types.is_string(array.type):
        words = pc.utf8_trim_whitespace(array).dictionary_encode()
        codes: NDArray[np.int64] = (
            words.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        )
        return codes
    if column.kind is Kind.DATE:
        array = pc.divide(
            array.cast(pa.int64()).cast(pa.float64(), safe=False),
            float(MICROSECONDS_A_DAY),
        )
    numbers: Floats = array.cast(pa.float64(), safe=False).to_numpy(
        zero_copy_only=False
    )
    return numbers
