"""Rows of a file or of the command line as a frame for the model: features, and no target."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from relevo.domain.arrival import BadCell, Format
from relevo.domain.contract import Column, Contract
from relevo.domain.frame import Categorical, Frame
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
    values = {name: _values(case.contract[name], rows[name]) for name in case.features}
    return Frame(
        numbers={name: values[name] for name in case.numbers},
        categories={name: values[name] for name in case.categories},
        target=np.full(len(rows), np.nan),
        identity=np.zeros(len(rows), np.int64),
        batch=np.zeros(len(rows), np.int32),
    )


def _values(column: Column, raw: pa.Array) -> Any:
    clean = column.kind.canonical_array(raw, column)
    if column.is_categorical:
        return Categorical.of(clean.to_pylist())
    return column.kind.inputs(clean)
