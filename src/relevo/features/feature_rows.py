"""Feature rows that came from a person, as the model sees them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from relevo.domain.arrival import BadCell, Format
from relevo.domain.contract import Contract, Kind
from relevo.domain.frame import Categorical, Floats, Frame
from relevo.domain.use_case import UseCase
from relevo.features.clean import cleaned
from relevo.formats import read_rows

MICROSECONDS_A_DAY = 86_400_000_000


def read_features(
    stream: BinaryIO, format: Format, case: UseCase
) -> Iterator[tuple[Frame, list[BadCell]]]:
    """Frames of features without a target, with the cells that break the contract."""
    target = replace(case.contract[case.contract.target], nullable=True)
    columns = (*(case.contract[name] for name in case.features), target)
    contract = Contract(columns, target.name, (case.features[0],))
    for chunk in read_rows(stream, format, contract, 0):
        yield _frame(case, chunk.rows), chunk.bad


def _frame(case: UseCase, rows: pa.RecordBatch) -> Frame:
    count = len(rows)
    return Frame(
        {name: _floats(rows[name], case.contract[name].kind) for name in case.numbers},
        {name: _words(case, name, rows[name]) for name in case.categories},
        np.full(count, np.nan),
        np.zeros(count, np.int64),
        np.zeros(count, np.int32),
    )


def _floats(values: pa.Array, kind: Kind) -> Floats:
    if kind is Kind.DATE:
        days = (
            values.cast(pa.int64()).to_numpy(zero_copy_only=False) / MICROSECONDS_A_DAY
        )
        return np.asarray(days, np.float32)
    return np.asarray(
        values.cast(pa.float32(), safe=False).to_numpy(zero_copy_only=False), np.float32
    )


def _words(case: UseCase, name: str, values: pa.Array) -> Categorical:
    column = case.contract[name]
    return Categorical.of(cleaned(values, column.kind, column.digits).to_pylist())
