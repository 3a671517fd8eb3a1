"""What is worth knowing of a word's rows: their target, what numbers leave unexplained of it, the leading numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Frame
from relevo.learning.running_stats import finite, mean_and_spread
from relevo.learning.target_scale import TargetScale

MOST_NUMBERS = 50  # of more, a linear fit costs too much for what it tells
LEADING = 2
MOST_CLASSES = 10
RIDGE = 1e-3
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EncodingSignals:
    """Per row: the target (an indicator a class), its residual from a linear fit, and the leading numbers.

    The residual says what a place is worth beyond the size of its houses, which the plain mean mixes up.
    """

    numbers: tuple[str, ...]
    means: Matrix
    scales: Matrix
    weights: Matrix | None  # [2 * numbers + 1, targets]; None where there is no fit
    leading: NDArray[np.intp]
    targets: int

    @property
    def width(self) -> int:
        return self.targets + self._residuals + len(self.leading)

    @property
    def _residuals(self) -> int:
        return 1 if self.weights is not None and self.targets == 1 else 0

    @staticmethod
    def of(frame: Frame, target_scale: TargetScale, chunk: int) -> EncodingSignals:
        targets = (
            1 if target_scale.outputs == 1 else min(target_scale.outputs, MOST_CLASSES)
        )
        numbers = tuple(frame.numbers) if len(frame.numbers) <= MOST_NUMBERS else ()
        moments = [mean_and_spread(frame.numbers[name]) for name in numbers]
        means, scales = (
            np.array([m[i] for m in moments], dtype=np.float64) for i in (0, 1)
        )
        plain = EncodingSignals(
            numbers, means, scales, None, np.empty(0, np.intp), targets
        )
        if not numbers:
            return plain
        weights = plain._fit(frame, target_scale, chunk)
        strength = np.abs(weights[1 : len(numbers) + 1]).sum(axis=1) + np.abs(
            weights[len(numbers) + 1 :]
        ).sum(axis=1)
        leading = np.argsort(-strength, kind="stable")[:LEADING]
        return EncodingSignals(numbers, means, scales, weights, leading, targets)

    def values(self, frame: Frame, target_scale: TargetScale, rows: slice) -> Matrix:
        target = self._target(frame, target_scale, rows)
        if self.weights is None:
            return target
        design = self._design(frame, rows)
        parts = [target]
        if self._residuals:
            parts.append(target - design @ self.weights)
        parts.append(design[:, 1 + len(self.numbers) + self.leading])
        return np.concatenate(parts, axis=1)

    def _target(self, frame: Frame, target_scale: TargetScale, rows: slice) -> Matrix:
        learned = target_scale.learned(frame.target[rows]).astype(np.float64)
        if self.targets == 1:
            return learned[:, None]
        return np.asarray(learned[:, None] == np.arange(self.targets), dtype=np.float64)

    def _design(self, frame: Frame, rows: slice) -> Matrix:
        """One, the standardised numbers, and their logarithms by size; a missing number is the mean one."""
        raw = np.stack(
            [
                finite(frame.numbers[name][rows]).astype(np.float64)
                for name in self.numbers
            ],
            axis=1,
        )
        raw = np.where(np.isnan(raw), self.means, raw)
        flat = (raw - self.means) / self.scales
        bent = np.sign(raw) * np.log1p(np.abs(raw))
        return np.concatenate([np.ones((len(raw), 1)), flat, bent], axis=1)

    def _fit(self, frame: Frame, target_scale: TargetScale, chunk: int) -> Matrix:
        size = 2 * len(self.numbers) + 1
        square, product = np.zeros((size, size)), np.zeros((size, self.targets))
        for start in range(0, len(frame), chunk):
            rows = slice(start, start + chunk)
            design = self._design(frame, rows)
            square += design.T @ design
            product += design.T @ self._target(frame, target_scale, rows)
        scale = np.sqrt(np.maximum(np.diag(square), 1e-12))
        damped = square / np.outer(scale, scale) + RIDGE * np.eye(size)
        return np.asarray(
            np.linalg.solve(damped, product / scale[:, None]) / scale[:, None],
            dtype=np.float64,
        )
