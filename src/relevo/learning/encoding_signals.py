"""What is worth knowing of a category's rows: their target, what numbers leave unexplained of it, leading numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Float64s, Frame
from relevo.learning.running_stats import finite, mean_and_spread
from relevo.learning.target_scale import TargetScale

MOST_NUMBERS = 50  # of more, a linear fit costs too much for what it tells
LEADING = 2
CLASS_SIGNALS = 10
RIDGE = 1e-3  # of a column's own spread: columns that say the same can be solved for


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodingSignals:
    """Per row: the target (an indicator a class), its residual from a linear fit, and the leading numbers.

    The residual says what a category is worth beyond the numbers of its rows, which the plain mean mixes up.
    """

    numbers: tuple[str, ...]
    means: Float64s
    scales: Float64s
    targets: int
    weights: Float64s | None = None  # [2 * numbers + 1, targets]
    leading: NDArray[np.intp]

    @property
    def width(self) -> int:
        return self.targets + self._has_residual + len(self.leading)

    @property
    def _has_residual(self) -> bool:
        return self.weights is not None and self.targets == 1

    @staticmethod
    def of(frame: Frame, target_scale: TargetScale, chunk: int) -> EncodingSignals:
        numbers = tuple(frame.numbers)
        if len(numbers) > MOST_NUMBERS:
            numbers = ()
        stats = np.array([mean_and_spread(frame.numbers[name]) for name in numbers])
        means, scales = stats.reshape(-1, 2).T
        plain = EncodingSignals(
            numbers=numbers,
            means=means,
            scales=scales,
            targets=min(target_scale.outputs, CLASS_SIGNALS),
            leading=np.empty(0, np.intp),
        )
        if not numbers:
            return plain
        weights = plain._fit(frame, target_scale, chunk)
        flat, bent = np.abs(weights[1:]).reshape(2, len(numbers), -1)
        strength = flat.sum(axis=1) + bent.sum(axis=1)
        leading = np.argsort(-strength, kind="stable")[:LEADING]
        return replace(plain, weights=weights, leading=leading)

    def values(self, frame: Frame, target_scale: TargetScale, rows: slice) -> Float64s:
        target = self._target(frame, target_scale, rows)
        if self.weights is None:
            return target
        design = self._design(frame, rows)
        signals = [target, design[:, 1 + len(self.numbers) + self.leading]]
        if self._has_residual:
            signals.insert(1, target - design @ self.weights)
        return np.concatenate(signals, axis=1)

    def _target(self, frame: Frame, target_scale: TargetScale, rows: slice) -> Float64s:
        learned = target_scale.learned(frame.target[rows]).astype(np.float64)[:, None]
        if self.targets == 1:
            return learned
        return np.asarray(learned == np.arange(self.targets), dtype=np.float64)

    def _design(self, frame: Frame, rows: slice) -> Float64s:
        """One, the standardised numbers, and their logarithms by size; a missing number is the mean one."""
        columns = [finite(frame.numbers[name][rows]) for name in self.numbers]
        raw = np.stack(columns, axis=1).astype(np.float64)
        raw = np.where(np.isnan(raw), self.means, raw)
        flat = (raw - self.means) / self.scales
        bent = np.sign(raw) * np.log1p(np.abs(raw))
        return np.concatenate([np.ones((len(raw), 1)), flat, bent], axis=1)

    def _fit(self, frame: Frame, target_scale: TargetScale, chunk: int) -> Float64s:
        size = 2 * len(self.numbers) + 1
        square = np.zeros((size, size))
        product = np.zeros((size, self.targets))
        for start in range(0, len(frame), chunk):
            rows = slice(start, start + chunk)
            design = self._design(frame, rows)
            square += design.T @ design
            product += design.T @ self._target(frame, target_scale, rows)
        # columns of one size, so that the ridge damps all of them alike
        scale = np.sqrt(np.maximum(np.diag(square), 1e-12))[:, None]
        damped = square / (scale * scale.T) + RIDGE * np.eye(size)
        weights = np.linalg.solve(damped, product / scale) / scale
        return np.asarray(weights, dtype=np.float64)
