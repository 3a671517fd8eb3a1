"""The columns of a batch beside those that a model was trained on."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from relevo.app import Loop
from relevo.domain.batch import Batch
from relevo.domain.identity import Split
from relevo.domain.profile import (
    CategoryProfile,
    ColumnProfile,
    NumberProfile,
    profile_of,
    psi,
)
from relevo.domain.wording import compact
from relevo_ui.reading.releases import StoredRelease

MOST_DRIFT_ROWS = 50_000
MOST_CATEGORIES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """Shares of rows per bin, in order; a bin is a range of numbers or a category."""

    name: str
    psi: float
    bins: tuple[str, ...]
    reference: tuple[float, ...]
    batch: tuple[float, ...]


def read_drift(
    loop: Loop, batch: Batch, release: StoredRelease
) -> tuple[ColumnDrift, ...]:
    """Most drifted first; nothing of a batch without clean rows."""
    rows = loop.warehouse.rows.frame(
        loop.case, [batch.id], list(Split), max_rows=MOST_DRIFT_ROWS
    )
    if not len(rows):
        return ()
    reference = release.profile
    newer = profile_of(rows, reference.target, reference=reference).columns
    drifts = [
        _column_drift(name, column, newer[name])
        for name, column in reference.columns.items()
        if isinstance(newer.get(name), type(column))
    ]
    return tuple(sorted(drifts, key=lambda drift: -drift.psi))


def _column_drift(
    name: str, reference: ColumnProfile, newer: ColumnProfile
) -> ColumnDrift:
    bins = _bins(reference)
    cells = np.array([reference.cells, newer.cells])
    shares = cells / np.maximum(1, cells.sum(axis=1, keepdims=True))
    used = np.flatnonzero(cells.any(axis=0))
    if isinstance(reference, CategoryProfile):
        commonest = np.argsort(-cells[0, used], kind="stable")
        used = used[commonest[:MOST_CATEGORIES]]
    return ColumnDrift(
        name=name,
        psi=psi(reference, newer.cells),
        bins=tuple(bins[index] for index in used),
        reference=tuple(shares[0, used].tolist()),
        batch=tuple(shares[1, used].tolist()),
    )


def _bins(column: ColumnProfile) -> list[str]:
    if isinstance(column, CategoryProfile):
        return [*column.categories, "other categories", "missing"]
    edges = [compact(edge) for edge in column.edges]
    if not edges:
        return ["any", "missing"]
    between = [f"{low} to {high}" for low, high in pairwise(edges)]
    if _has_a_bin_per_value(column):
        between = edges[:-1]
    return [f"below {edges[0]}", *between, f"above {edges[-1]}", "missing"]


def _has_a_bin_per_value(column: NumberProfile) -> bool:
    """A column of few values has a bin for each, the last one no wider than itself."""
    *_, last_value, end = (-np.inf, *column.edges)
    return bool(end <= np.nextafter(last_value, np.inf))
