"""Rows that came as a file or from the command line, as a frame for the model: features alone, no target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from relevo.domain.arrival import BadCell, Format
from relevo.domain.contract import Contract
from relevo.domain.frame import Categorical, Floats, Frame
from relevo.domain.use_case import UseCase
from relevo.formats import read_rows


def read_features(
    stream: BinaryIO, format: Format, case: UseCase
) -> Iterator[tuple[Frame, list[BadCell]]]:
    """Frames of features without a target, with the cells that break the contract."""
    # the rows to predict have no target yet, or an old one
    target = replace(case.contract[case.contract.target], nullable=True)
    columns = (*(case.contract[name] for name in case.features), target)
    contract = Contract(columns, target.name, (case.features[0],))
    for chunk in read_rows(stream, format, contract, 0):
        yield _frame(case, chunk.rows), chunk.bad


def _frame(case: UseCase, rows: pa.RecordBatch) -> Frame:
    numbers: dict[str, Floats] = {}
    categories: dict[str, Categorical] = {}
    for name in case.features:
        column = case.contract[name]
        clean = column.kind.canonical_array(rows[name], column)
        if column.is_categorical:
            categories[name] = Categorical.of(clean.to_pylist())
        else:
            numbers[name] = column.kind.inputs(clean)
    return Frame(
        numbers,
        categories,
        target=np.full(len(rows), np.nan),
        identity=np.zeros(len(rows), np.int64),
        batch=np.zeros(len(rows), np.int32),
    )
