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
from relevo.scaffold.sample import TableSample, estimated_distinct
from relevo.scaffold.survey import Extent, Survey

SampleValues = NDArray[np.float64]


@dataclass(slots=True, eq=False, kw_only=True)
class ColumnFacts:
    """`values` are the sample's, NaN where missing; those of words are codes. `out` says why it is no feature."""

    column: Column
    rows: int
    filled: int
    distinct: int
    values: SampleValues
    is_words: bool
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
    def is_feature(self) -> bool:
        return not self.out

    @property
    def known(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.values)

    def codes(self) -> NDArray[np.int64]:
        """Each row's value as a number from 0, the missing being one more value."""
        values = np.nan_to_num(self.values, nan=np.inf)
        return np.unique(values, return_inverse=True)[1].astype(np.int64)


def gather(
    survey: Survey, sample: TableSample, guesses: Mapping[str, Guess], *, spelled: bool
) -> dict[str, ColumnFacts]:
    facts = {}
    for column in survey.columns:
        extent = survey.extents[column.name]
        values, is_words = _numbers(column, sample.columns[column.name], spelled)
        known = values[~np.isnan(values)]
        notes = guesses[column.name].note, survey.changed.get(column.name)
        facts[column.name] = ColumnFacts(
            column=column,
            rows=survey.rows,
            filled=extent.filled,
            distinct=estimated_distinct(
                len(np.unique(known)), len(known), extent.filled
            ),
            values=values,
            is_words=is_words,
            extent=extent,
            note="; ".join(filter(None, notes)),
        )
    return facts


def _numbers(
    column: Column, values: pa.Array, spelled: bool
) -> tuple[SampleValues, bool]:
    if spelled and column.kind is not Kind.TEXT:
        missing = pc.is_in(values, pa.array(sorted(MISSING_WORDS), values.type))
        values = pc.if_else(missing, pa.scalar(None, values.type), values)
    array = type_column(column, values, spelled=spelled).array
    if not pa.types.is_string(array.type):
        return column.kind.numbers(array), False
    codes = pc.utf8_trim_whitespace(array).dictionary_encode().indices
    return codes.cast(pa.float64()).to_numpy(zero_copy_only=False), True
