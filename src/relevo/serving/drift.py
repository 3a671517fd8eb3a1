"""How far recent inputs have moved from what the model was trained on."""

from __future__ import annotations

import numpy as np

from relevo.domain.cells import Row
from relevo.domain.frame import Categorical
from relevo.domain.profile import CategoryProfile, psi
from relevo.features.model_inputs import converted
from relevo.serving.model import ServedModel
from relevo.serving.served_case import ServedCase

ENOUGH_ROWS = 100


def measure_drift(case: ServedCase) -> None:
    """PSI a field over the recent rows, once there are enough to tell."""
    model, rows = case.model, list(case.recent.copy())
    case.drift = {} if model is None or len(rows) < ENOUGH_ROWS else _drift(model, rows)


def _drift(model: ServedModel, rows: list[Row]) -> dict[str, float]:
    found = {}
    for column, cells in zip(model.columns, zip(*rows, strict=True), strict=True):
        known = model.profile.columns.get(column.name)
        if (
            known is None
            or isinstance(known, CategoryProfile) is not column.is_categorical
        ):
            continue
        values = (
            Categorical.of([str(cell) if cell else None for cell in cells])
            if column.is_categorical
            else np.array(converted(column.kind.number, cells), np.float32)
        )
        found[column.name] = psi(known, known.count(values))
    return found
