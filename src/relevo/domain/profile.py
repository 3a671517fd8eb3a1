"""The reference profile: what the columns looked like in training, and how far newer rows have moved from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Categorical, Frame

TOP_WORDS = 30
KNOWN_WORDS = 50_000
# Among many words, those that merely came up once more than others would look like drift when they no longer do.
COMMON_ROWS, COMMON_SHARE = 10, 0.01
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NumberProfile:
    """Counts between `edges`; the first and last lie outside what the reference held. Infinities fall there."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int
    low: float | None
    high: float | None
    mean: float | None

    @property
    def cells(self) -> tuple[int, ...]:
        return (*self.counts, self.missing)

    def count(self, values: NDArray[Any] | Categorical) -> Counts:
        """Cells of other rows on this column's bins, the missing last."""
        if isinstance(values, Categorical):
            raise TypeError(
                "profile: a column of numbers is compared with one of categories"
            )
        return _cells(_ordered(values), np.array(self.edges), len(values))


@dataclass(frozen=True, slots=True)
class CategoryProfile:
    """Counts of the commonest `words`, then of all others. `known` holds every word seen, unless they are too many."""

    words: tuple[str, ...]
    counts: tuple[int, ...]
    missing: int
    known: tuple[str, ...]
    complete: bool  # False: `known` was cut, so that an unknown word says nothing

    @property
    def cells(self) -> tuple[int, ...]:
        return (*self.counts, self.missing)

    def count(self, values: NDArray[Any] | Categorical) -> Counts:
        """Cells of other rows on this column's words, the missing last."""
        if not isinstance(values, Categorical):
            raise TypeError(
                "profile: a column of categories is compared with one of numbers"
            )
        place = {word: cell for cell, word in enumerate(self.words)}
        cell_of = [place.get(word, len(self.words)) for word in values.words]
        cells = np.array([*cell_of, len(self.words) + 1], dtype=np.int64)[
            values.codes
        ]  # code -1 takes the last
        return np.bincount(cells, minlength=len(self.words) + 2)


Column = NumberProfile | CategoryProfile


@dataclass(frozen=True, slots=True)
class Profile:
    """Every feature and the target of some rows, small enough to keep beside the model."""

    rows: int
    target: str
    columns: dict[str, Column]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Profile:
        return Profile(
            values["rows"],
            values["target"],
            {name: _column_from(column) for name, column in values["columns"].items()},
        )


def profile_of(
    frame: Frame, target_name: str, bins: int = 10, reference: Profile | None = None
) -> Profile:
    """The profile of a frame; on the bins and words of `reference` where that has the column."""
    known = reference.columns if reference else {}
    columns = {
        name: _recount(known[name], values)
        if _alike(known.get(name), values)
        else _column_of(values, bins)
        for name, values in _columns(frame, target_name).items()
    }
    return Profile(len(frame), target_name, columns)


def psi(reference: Column, counts: Sequence[int] | Counts) -> float:
    """Population stability index of newer `counts` (as of `reference.count`) beyond what chance gives.

    Cells empty on both sides are left out. The reference is smoothed by half a row a cell; newer rows by as
    many rows spread like the reference, so that a rare cell that a small batch misses is no news. Two samples
    of one distribution have an expected PSI of (cells - 1) * (1/n_reference + 1/n_new); this is taken off, a
    cell that expects less than one row counting in part, and what is left is at least 0. Small steady batches
    then stay near 0 instead of alarming.
    """
    old, new = (
        np.asarray(reference.cells, dtype=np.float64),
        np.asarray(counts, dtype=np.float64),
    )
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
    """PSI of each feature and the target that both sides have as the same kind.

    Nothing of an empty frame; no target where the rows carry none.
    """
    columns = _columns(frame, reference.target)
    if not len(frame) or not reference.rows:
        return {}
    if np.isnan(frame.target).all():
        del columns[reference.target]
    return {
        name: psi(known, known.count(columns[name]))
        for name, known in reference.columns.items()
        if name in columns and _alike(known, columns[name])
    }


def new_category_share(reference: Profile, frame: Frame) -> tuple[float, str | None]:
    """The share of rows with at least one word that training never saw, and the feature with most of them."""
    anywhere = np.zeros(len(frame), dtype=bool)
    worst, most = None, 0
    for name, values in frame.categories.items():
        column = reference.columns.get(name)
        if not isinstance(column, CategoryProfile) or not column.complete:
            continue
        known = set(column.known)
        is_new = np.array([*(word not in known for word in values.words), False])[
            values.codes
        ]
        anywhere |= is_new
        if (rows := int(is_new.sum())) > most:
            worst, most = name, rows
    return (float(anywhere.mean()) if len(frame) else 0.0), worst


def _columns(frame: Frame, target: str) -> dict[str, NDArray[Any] | Categorical]:
    labels: NDArray[Any] | Categorical = frame.target
    if frame.classes:
        codes = np.where(np.isnan(frame.target), -1, frame.target).astype(np.int32)
        labels = Categorical(codes, frame.classes)
    return {**frame.numbers, **frame.categories, target: labels}


def _alike(known: Column | None, values: NDArray[Any] | Categorical) -> bool:
    return known is not None and isinstance(known, CategoryProfile) == isinstance(
        values, Categorical
    )


def _ordered(values: NDArray[Any]) -> NDArray[Any]:
    return np.sort(values)[: len(values) - np.count_nonzero(np.isnan(values))]


def _column_of(values: NDArray[Any] | Categorical, bins: int) -> Column:
    if isinstance(values, Categorical):
        return _words_of(values)
    present = _ordered(values)
    return _number(_edges(present[np.isfinite(present)], bins), present, len(values))


def _recount(known: Column, values: NDArray[Any] | Categorical) -> Column:
    if isinstance(known, CategoryProfile) and isinstance(values, Categorical):
        own, cells = _words_of(values), known.count(values)
        return CategoryProfile(
            known.words,
            tuple(cells[:-1].tolist()),
            int(cells[-1]),
            own.known,
            own.complete,
        )
    if isinstance(known, CategoryProfile) or isinstance(values, Categorical):
        raise TypeError(
            "profile: a column of numbers and one of categories cannot be compared"
        )
    return _number(np.array(known.edges), _ordered(values), len(values))


def _edges(ordered: NDArray[Any], bins: int) -> NDArray[np.float64]:
    """Quantiles, or each value where there are few; from the lowest to just above the highest."""
    if not len(ordered):
        return np.array([])
    values = ordered[np.r_[True, ordered[1:] != ordered[:-1]]]
    if len(values) > 2 * bins:
        values = np.unique(ordered[np.arange(bins) * len(ordered) // bins])
    return np.append(
        values.astype(np.float64), np.nextafter(np.float64(ordered[-1]), np.inf)
    )


def _number(
    edges: NDArray[np.float64], present: NDArray[Any], rows: int
) -> NumberProfile:
    cells, finite = _cells(present, edges, rows), present[np.isfinite(present)]
    low, high, mean = (
        (float(finite[0]), float(finite[-1]), float(finite.mean(dtype=np.float64)))
        if len(finite)
        else (None, None, None)
    )
    return NumberProfile(
        tuple(edges.tolist()),
        tuple(cells[:-1].tolist()),
        int(cells[-1]),
        low,
        high,
        mean,
    )


def _cells(ordered: NDArray[Any], edges: NDArray[np.float64], rows: int) -> Counts:
    below = (
        np.searchsorted(ordered, edges) if len(edges) else np.array([], dtype=np.int64)
    )
    counts = np.diff(below, prepend=0, append=len(ordered))
    return np.append(counts, rows - len(ordered)).astype(np.int64)


def _words_of(values: Categorical) -> CategoryProfile:
    counts = np.bincount(values.codes + 1, minlength=len(values.words) + 1)
    missing, counts = int(counts[0]), counts[1:]
    order = np.argsort(-counts, kind="stable")
    known = [values.words[code] for code in order[: np.count_nonzero(counts)]]
    top = counts[order[:TOP_WORDS]]
    top = top[
        top
        >= (
            1
            if len(known) <= TOP_WORDS
            else max(COMMON_ROWS, COMMON_SHARE * counts.sum())
        )
    ]
    return CategoryProfile(
        tuple(known[: len(top)]),
        (*top.tolist(), int(counts.sum() - top.sum())),
        missing,
        tuple(known[:KNOWN_WORDS]),
        len(known) <= KNOWN_WORDS,
    )


def _column_from(values: Mapping[str, Any]) -> Column:
    lists: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in values.items()
    }
    return CategoryProfile(**lists) if "words" in lists else NumberProfile(**lists)
