"""The reference profile: what the columns looked like in training, and how far newer rows have moved from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from relevo.domain.frame import Categorical, Frame

TOP_CATEGORIES = 30
MOST_REMEMBERED = 50_000
# Among many categories, those that merely came up once more than others would look like drift when they no longer do.
COMMON_ROWS, COMMON_SHARE = 10, 0.01
Counts = NDArray[np.int64]
ColumnValues = NDArray[Any] | Categorical


class NumberProfile(msgspec.Struct, frozen=True):
    """Counts between `edges`; the first and last lie outside what the reference held. Infinities fall there."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int
    low: float | None = None
    high: float | None = None
    mean: float | None = None

    @staticmethod
    def of(values: NDArray[Any], bins: int) -> NumberProfile:
        ordered = _in_order(values)
        edges = _edges(ordered[np.isfinite(ordered)], bins)
        return _number_profile(tuple(edges.tolist()), ordered, len(values))

    @property
    def cells(self) -> tuple[int, ...]:
        return (*self.counts, self.missing)

    def fits(self, values: ColumnValues) -> bool:
        return not isinstance(values, Categorical)

    def count(self, values: ColumnValues) -> Counts:
        """Cells of other rows on this column's bins, the missing last."""
        return _count(self.edges, _in_order(values), len(values))

    def recount(self, values: ColumnValues) -> NumberProfile:
        """The profile of other rows on this one's bins."""
        return _number_profile(self.edges, _in_order(values), len(values))


# the names as releases have stored them from the first
class CategoryProfile(
    msgspec.Struct, frozen=True, rename={"categories": "words", "seen": "known"}
):
    """Counts of the commonest `categories`, then of all others. `seen` holds every one, unless they are too many."""

    categories: tuple[str, ...]
    counts: tuple[int, ...]
    missing: int
    seen: tuple[str, ...]
    complete: bool  # False: `seen` was cut, so that an unknown category says nothing

    @staticmethod
    def of(values: Categorical) -> CategoryProfile:
        *counts, missing = values.counts().tolist()
        order = np.argsort(-np.array(counts, dtype=np.int64), kind="stable")
        seen = [values.categories[code] for code in order if counts[code]]
        least = 1.0
        if len(seen) > TOP_CATEGORIES:
            least = max(COMMON_ROWS, COMMON_SHARE * sum(counts))
        top = [counts[code] for code in order[:TOP_CATEGORIES] if counts[code] >= least]
        return CategoryProfile(
            tuple(seen[: len(top)]),
            (*top, sum(counts) - sum(top)),
            missing,
            tuple(seen[:MOST_REMEMBERED]),
            len(seen) <= MOST_REMEMBERED,
        )

    @property
    def cells(self) -> tuple[int, ...]:
        return (*self.counts, self.missing)

    def fits(self, values: ColumnValues) -> bool:
        return isinstance(values, Categorical)

    def count(self, values: ColumnValues) -> Counts:
        """Cells of other rows on this column's categories, the missing last."""
        values = _categorical(values)
        others = len(self.categories)
        cell_of = {name: cell for cell, name in enumerate(self.categories)}
        cells = [cell_of.get(name, others) for name in values.categories]
        missing = others + 1  # the last, where code -1 leads
        by_code = np.array([*cells, missing], dtype=np.int64)
        return np.bincount(by_code[values.codes], minlength=missing + 1)

    def recount(self, values: ColumnValues) -> CategoryProfile:
        """The profile of other rows on this one's categories."""
        *counts, missing = self.count(values).tolist()
        return replace(
            CategoryProfile.of(_categorical(values)),
            categories=self.categories,
            counts=tuple(counts),
            missing=missing,
        )


ColumnProfile = NumberProfile | CategoryProfile


@dataclass(frozen=True, slots=True)
class Profile:
    """Every feature and the target of some rows, small enough to keep beside the model."""

    rows: int
    target: str
    columns: dict[str, ColumnProfile]

    def to_dict(self) -> dict[str, Any]:
        values: dict[str, Any] = msgspec.to_builtins(self)
        return values

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Profile:
        columns = {
            name: _stored_column(stored) for name, stored in values["columns"].items()
        }
        return Profile(values["rows"], values["target"], columns)


def profile_of(
    frame: Frame, target_name: str, bins: int = 10, reference: Profile | None = None
) -> Profile:
    """The profile of a frame; on the bins and categories of `reference` where that has the column."""
    columns: dict[str, ColumnProfile] = {}
    for name, values in _columns(frame, target_name).items():
        before = reference and reference.columns.get(name)
        if before and before.fits(values):
            columns[name] = before.recount(values)
        elif isinstance(values, Categorical):
            columns[name] = CategoryProfile.of(values)
        else:
            columns[name] = NumberProfile.of(values, bins)
    return Profile(len(frame), target_name, columns)


def psi(reference: ColumnProfile, counts: Sequence[int] | Counts) -> float:
    """Population stability index of newer `counts` (as of `reference.count`) beyond what chance gives.

    Cells empty in both are left out. The reference is smoothed by half a row a cell; newer rows by as
    many rows spread like the reference, so that a rare cell that a small batch misses is no news. Two samples
    of one distribution have an expected PSI of (cells - 1) * (1/n_reference + 1/n_new); this is taken off, a
    cell that expects less than one row counting in part, and what is left is at least 0. Small steady batches
    then stay near 0 instead of alarming.
    """
    old = np.asarray(reference.cells, dtype=np.float64)
    new = np.asarray(counts, dtype=np.float64)
    used = (old + new) > 0
    if not old.sum() or not new.sum() or used.sum() < 2:
        return 0.0
    old, new, pseudo_rows = old[used], new[used], used.sum() / 2
    p = (old + 0.5) / (old.sum() + pseudo_rows)
    q = (new + pseudo_rows * p) / (new.sum() + pseudo_rows)
    measured = ((q - p) * np.log(q / p)).sum()
    cells = np.minimum(1.0, new.sum() * p).sum() * (1 - 1 / len(p))
    return max(0.0, float(measured - cells * (1 / old.sum() + 1 / new.sum())))


def drift(reference: Profile, frame: Frame) -> dict[str, float]:
    """PSI of each feature and the target that both have as the same kind.

    Nothing of an empty frame; no target where the rows carry none.
    """
    columns = _columns(frame, reference.target)
    if not len(frame) or not reference.rows:
        return {}
    if np.isnan(frame.target).all():
        del columns[reference.target]
    return {
        name: psi(before, before.count(columns[name]))
        for name, before in reference.columns.items()
        if name in columns and before.fits(columns[name])
    }


def new_category_share(reference: Profile, frame: Frame) -> tuple[float, str | None]:
    """The share of rows with at least one category that training never saw, and the feature with most of them."""
    anywhere = np.zeros(len(frame), dtype=bool)
    rows_of: dict[str | None, int] = {None: 0}
    for name, values in frame.categories.items():
        column = reference.columns.get(name)
        if not isinstance(column, CategoryProfile) or not column.complete:
            continue
        new = set(values.categories).difference(column.seen)
        by_code = np.array([*(each in new for each in values.categories), False])
        is_new = by_code[values.codes]
        anywhere |= is_new
        rows_of[name] = int(is_new.sum())
    share = int(anywhere.sum()) / max(1, len(frame))
    return share, max(rows_of, key=rows_of.__getitem__)


def _columns(frame: Frame, target: str) -> dict[str, ColumnValues]:
    labels: ColumnValues = frame.target
    if frame.classes:
        codes = np.where(np.isnan(frame.target), -1, frame.target).astype(np.int32)
        labels = Categorical(codes, frame.classes)
    return {**frame.numbers, **frame.categories, target: labels}


def _categorical(values: ColumnValues) -> Categorical:
    if not isinstance(values, Categorical):
        raise TypeError(
            "profile: a column of categories is compared with one of numbers"
        )
    return values


def _in_order(values: ColumnValues) -> NDArray[Any]:
    """Without those that are missing."""
    if isinstance(values, Categorical):
        raise TypeError(
            "profile: a column of numbers is compared with one of categories"
        )
    return np.sort(values)[: len(values) - np.count_nonzero(np.isnan(values))]


def _count(edges: tuple[float, ...], ordered: NDArray[Any], rows: int) -> Counts:
    below = np.searchsorted(ordered, np.array(edges))
    counts = np.diff(below, prepend=0, append=len(ordered))
    return np.append(counts, rows - len(ordered)).astype(np.int64)


def _number_profile(
    edges: tuple[float, ...], ordered: NDArray[Any], rows: int
) -> NumberProfile:
    *counts, missing = _count(edges, ordered, rows).tolist()
    profile = NumberProfile(edges, tuple(counts), missing)
    finite = ordered[np.isfinite(ordered)]
    if not len(finite):
        return profile
    return replace(
        profile,
        low=float(finite[0]),
        high=float(finite[-1]),
        mean=float(finite.mean(dtype=np.float64)),
    )


def _edges(ordered: NDArray[Any], bins: int) -> NDArray[np.float64]:
    """Quantiles, or each value where there are few; from the lowest to just above the highest."""
    if not len(ordered):
        return np.array([])
    values = ordered[np.r_[True, ordered[1:] != ordered[:-1]]]
    if len(values) > 2 * bins:
        values = np.unique(ordered[np.arange(bins) * len(ordered) // bins])
    above = np.nextafter(np.float64(ordered[-1]), np.inf)
    return np.append(values.astype(np.float64), above)


def _stored_column(stored: Mapping[str, Any]) -> ColumnProfile:
    if "words" in stored:
        return msgspec.convert(stored, CategoryProfile)
    return msgspec.convert(stored, NumberProfile)
