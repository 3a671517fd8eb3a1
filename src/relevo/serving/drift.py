"""How far recent inputs have moved from what the model was trained on."""

from __future__ import annotations

from relevo.domain.profile import psi
from relevo.features.model_inputs import column_values
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
            values = column_values(column, cells)
            trained = model.profile.columns.get(column.name)
            if trained is not None and trained.fits(values):
                drift[column.name] = psi(trained, trained.count(values))
    case.drift = drift
