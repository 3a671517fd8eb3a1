"""Smoothed means of some signals over the rows of each category, in whole and without each fold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Float64s, Floats

FOLDS = 5
LEAST_WEIGHT, MOST_WEIGHT = 1.0, 1_000.0


@dataclass(slots=True)
class TargetEncoding:
    """Rows are the categories, then the unseen (always empty), then the missing, as in a CategoryTable."""

    counts: Float64s  # [folds, rows]
    sums: Float64s  # [folds, rows, signals]
    squares: Float64s  # [signals], over all rows: for the variance within categories

    @staticmethod
    def empty(categories: int, signals: int) -> TargetEncoding:
        rows = categories + 2
        return TargetEncoding(
            np.zeros((FOLDS, rows)), np.zeros((FOLDS, rows, signals)), np.zeros(signals)
        )

    def add(
        self, folds: NDArray[np.int8], rows: NDArray[np.intp], values: Float64s
    ) -> None:
        shape = self.counts.shape
        cells = folds.astype(np.intp) * shape[1] + rows
        self.counts += np.bincount(cells, minlength=self.counts.size).reshape(shape)
        for signal, weights in enumerate(values.T):
            sums = np.bincount(cells, weights, self.counts.size)
            self.sums[:, :, signal] += sums.reshape(shape)
        self.squares += (values**2).sum(axis=0)

    def table(self) -> Floats:
        return self._smoothed(self.counts.sum(axis=0), self.sums.sum(axis=0))

    def tables_without_fold(self) -> Floats:
        counts, sums = self.counts.sum(axis=0), self.sums.sum(axis=0)
        return np.stack(
            [
                self._smoothed(counts - fold_counts, sums - fold_sums)
                for fold_counts, fold_sums in zip(self.counts, self.sums, strict=True)
            ]
        )

    def _smoothed(self, counts: Float64s, sums: Float64s) -> Floats:
        """The mean over a category's rows and as many rows of the overall mean as `_weights` says.

        The overall mean is of all rows, also without a fold: as it is the same for all, it tells nothing of a fold.
        """
        prior = self.sums.sum(axis=(0, 1)) / self.counts.sum()
        weights = self._weights()
        means = (sums + weights * prior) / (counts[:, None] + weights)
        return np.asarray(means, dtype=np.float32)

    def _weights(self) -> Float64s:
        """Variance within categories over variance between them, a signal each (empirical Bayes, by moments)."""
        counts, sums = self.counts.sum(axis=0), self.sums.sum(axis=0)
        used = counts > 0
        counts, sums, rows = counts[used], sums[used], counts.sum()
        spare_rows = rows - len(counts)
        spare_categories = rows - (counts**2).sum() / rows
        if spare_rows < 1 or spare_categories <= 0:
            # a category per row, or a single one: nothing tells them apart
            return np.full(len(self.squares), MOST_WEIGHT)
        explained = (sums**2 / counts[:, None]).sum(axis=0)
        within = np.maximum(self.squares - explained, 0) / spare_rows
        between = explained - sums.sum(axis=0) ** 2 / rows - (len(counts) - 1) * within
        between /= spare_categories
        with np.errstate(divide="ignore", invalid="ignore"):
            weights = np.where(between > 0, within / between, MOST_WEIGHT)
        weights = np.nan_to_num(weights, nan=MOST_WEIGHT)
        return np.asarray(np.clip(weights, LEAST_WEIGHT, MOST_WEIGHT))
