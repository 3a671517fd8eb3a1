"""How far recent inputs have moved from what the model was trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from relevo.domain.cells import Cell
from relevo.domain.contract import Column
from relevo.domain.frame import Categorical, Floats
from relevo.domain.profile import psi
from relevo.features.model_inputs import converted
from relevo.serving.served_case import ServedCase

ENOUGH_RECENT = 100  # rows: with fewer, empty bins alone look like drift


def measure_drift(case: ServedCase) -> None:
    """PSI per field over the recent rows, once there are enough to tell."""
    model = case.model
    rows = list(case.recent.copy())  # requests go on adding to the other
    drift: dict[str, float] = {}
    if model is not None and len(rows) >= ENOUGH_RECENT:
        by_column = zip(model.columns, zip(*rows, strict=True), strict=True)
        for column, cells in by_column:
            values = _values(column, cells)
            trained = model.profile.columns.get(column.name)
            if trained is not None and trained.fits(values):
                drift[column.name] = psi(trained, trained.count(values))
    case.drift = drift


def _values(column: Column, cells: Sequence[Cell]) -> Categorical | Floats:
    if column.is_categorical:
        return Categorical.of([str(cell) if cell else None for cell in cells])
    return np.array(converted(column.kind.number, cells), np.float32)
