"""How the rows of a batch lie beside those that a model learnt from, column by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from relevo.app import Loop
from relevo.domain.arrival import BadCell
from relevo.domain.batch import Batch
from relevo.domain.identity import Split
from relevo.domain.profile import ColumnProfile, NumberProfile, profile_of, psi
from relevo_ui.reading.releases import ReleaseFolder

MOST_ROWS = 50_000
MOST_WORDS = 12


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """Shares of rows a bin, in order; a bin is a range of numbers or a word."""

    name: str
    psi: float
    bins: tuple[str, ...]
    reference: tuple[float, ...]
    batch: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Quarantine:
    counts: tuple[tuple[str, str, int], ...]  # column, reason, cells
    cells: tuple[BadCell, ...]


def read_drift(
    loop: Loop, batch: Batch, folder: ReleaseFolder
) -> tuple[ColumnDrift, ...]:
    """Most drifted first; nothing of a batch without clean rows."""
    rows = loop.warehouse.rows.frame(
        loop.case, [batch.id], list(Split), max_rows=MOST_ROWS
    )
    if not len(rows):
        return ()
    newer = profile_of(rows, folder.profile.target, reference=folder.profile).columns
    found = [
        _column(name, known, newer[name])
        for name, known in folder.profile.columns.items()
        if name in newer and type(newer[name]) is type(known)
    ]
    return tuple(sorted(found, key=lambda one: -one.psi))


def read_quarantine(loop: Loop, batch: Batch) -> Quarantine:
    return Quarantine(
        tuple(loop.warehouse.batches.bad_cell_counts(batch)),
        tuple(loop.warehouse.batches.bad_cells(batch)),
    )


def _column(name: str, known: ColumnProfile, newer: ColumnProfile) -> ColumnDrift:
    bins, old, new = _bins(known), np.array(known.cells), np.array(newer.cells)
    kept = [place for place in range(len(bins)) if old[place] or new[place]]
    shares = [cells / max(1, cells.sum()) for cells in (old, new)]
    if not isinstance(known, NumberProfile):
        kept = _commonest(kept, old)
    return ColumnDrift(
        name,
        psi(known, newer.cells),
        tuple(bins[place] for place in kept),
        tuple(float(shares[0][place]) for place in kept),
        tuple(float(shares[1][place]) for place in kept),
    )


def _commonest(kept: Sequence[int], counts: np.ndarray) -> list[int]:
    return sorted(kept, key=lambda place: -counts[place])[:MOST_WORDS]


def _bins(column: ColumnProfile) -> list[str]:
    if isinstance(column, NumberProfile):
        edges = [_short(edge) for edge in column.edges]
        between = (
            edges[:-1]
            if _a_bin_a_value(column)
            else [f"{low} to {high}" for low, high in pairwise(edges)]
        )
        ends = (
            ([f"below {edges[0]}"], [f"above {edges[-1]}"]) if edges else (["any"], [])
        )
        return [*ends[0], *between, *ends[1], "missing"]
    return [*column.categories, "other words", "missing"]


def _a_bin_a_value(column: NumberProfile) -> bool:
    """A column of few values has a bin for each, the last one no wider than itself."""
    return len(column.edges) > 1 and column.edges[-1] <= np.nextafter(
        column.edges[-2], np.inf
    )


def _short(value: float) -> str:
    if abs(value) >= 1_000_000:
        return f"{value / 1_000_000:.3g}M"
    return f"{value / 1_000:.3g}k" if abs(value) >= 10_000 else f"{value:.4g}"
