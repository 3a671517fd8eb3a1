"""Smoothed means of some signals over the rows of each word, in whole and without each fold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FOLDS = 5
LEAST_WEIGHT, MOST_WEIGHT = 1.0, 1_000.0
Sums = NDArray[np.float64]


@dataclass(slots=True)
class TargetEncoding:
    """Rows are the words, then the unseen (always empty), then the missing, as in a WordTable."""

    counts: Sums  # [folds, rows]
    sums: Sums  # [folds, rows, signals]
    squares: Sums  # [signals]

    @staticmethod
    def empty(words: int, signals: int) -> TargetEncoding:
        return TargetEncoding(
            np.zeros((FOLDS, words + 2)),
            np.zeros((FOLDS, words + 2, signals)),
            np.zeros(signals),
        )

    def add(
        self, folds: NDArray[np.int8], rows: NDArray[np.intp], values: Sums
    ) -> None:
        shape = self.counts.shape
        cells = folds.astype(np.intp) * shape[1] + rows
        self.counts += np.bincount(cells, minlength=self.counts.size).reshape(shape)
        for signal in range(values.shape[1]):
            self.sums[:, :, signal] += np.bincount(
                cells, values[:, signal], self.counts.size
            ).reshape(shape)
        self.squares += (values**2).sum(axis=0)

    def table(self) -> NDArray[np.float32]:
        return self._smoothed(self.counts.sum(axis=0), self.sums.sum(axis=0))

    def tables_without_fold(self) -> NDArray[np.float32]:
        counts, sums = self.counts.sum(axis=0), self.sums.sum(axis=0)
        return np.stack(
            [
                self._smoothed(counts - self.counts[f], sums - self.sums[f])
                for f in range(FOLDS)
            ]
        )

    def _smoothed(self, counts: Sums, sums: Sums) -> NDArray[np.float32]:
        """The mean over a word's rows and as many rows of the overall mean as `_weights` says.

        The overall mean is of all rows, also without a fold: as it is the same for all, it tells nothing of a fold.
        """
        prior = self.sums.sum(axis=(0, 1)) / self.counts.sum()
        weights = self._weights()
        return np.asarray(
            (sums + weights * prior) / (counts[:, None] + weights), dtype=np.float32
        )

    def _weights(self) -> Sums:
        """Variance within words over variance between them, a signal each (empirical Bayes, by moments)."""
        counts, sums = self.counts.sum(axis=0), self.sums.sum(axis=0)
        used = counts > 0
        counts, sums, rows = counts[used], sums[used], counts.sum()
        spare_rows, spare_words = rows - len(counts), rows - (counts**2).sum() / rows
        if spare_rows < 1 or spare_words <= 0:
            return np.full(len(self.squares), MOST_WEIGHT)
        explained = (sums**2 / counts[:, None]).sum(axis=0)
        within = np.maximum(self.squares - explained, 0) / spare_rows
        between = (
            explained - sums.sum(axis=0) ** 2 / rows - (len(counts) - 1) * within
        ) / spare_words
        with np.errstate(divide="ignore", invalid="ignore"):
            weights = np.where(between > 0, within / between, MOST_WEIGHT)
        return np.asarray(
            np.clip(np.nan_to_num(weights, nan=MOST_WEIGHT), LEAST_WEIGHT, MOST_WEIGHT)
        )
