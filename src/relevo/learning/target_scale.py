"""What a model learns of a target: numbers near zero, and the way back to the target's own unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Float64s, Floats, Frame
from relevo.errors import NothingToTrainOn, UseCaseBroken
from relevo.learning.running_stats import mean_and_spread

MAX_LOG = 80.0  # exp of more does not fit a float32


@dataclass(frozen=True, slots=True)
class TargetScale:
    """Learned value = (target or its logarithm - shift) / scale; for classification the class's code.

    Values near zero keep the float32 sums of the native and the ONNX model alike to the seventh digit.
    """

    classes: tuple[str, ...]
    log: bool
    shift: float
    scale: float

    @staticmethod
    def of(frame: Frame, log_target: bool) -> TargetScale:
        if not len(frame):
            raise NothingToTrainOn(
                "no rows to learn from; `relevo explain CASE BATCH` shows which rows a batch had and why they are bad"
            )
        if frame.classes:
            return TargetScale(frame.classes, False, 0.0, 1.0)
        if log_target and (lowest := float(frame.target.min())) <= 0:
            raise UseCaseBroken(
                f"the target goes down to {lowest:g}, which has no logarithm; set log_target=False in use_case.py"
            )
        if log_target:
            # a logarithm is left unscaled, so that an error of 0.1 is about 10 %
            mean, _ = mean_and_spread(frame.target, np.log)
            return TargetScale((), True, mean, 1.0)
        return TargetScale((), False, *mean_and_spread(frame.target))

    @property
    def outputs(self) -> int:
        """Numbers that a model gives for a row: one for a regression or two classes, else one a class."""
        if len(self.classes) == 2:
            return 1
        return max(1, len(self.classes))

    def learned(self, target: Float64s) -> Floats:
        if self.log:
            target = np.log(target)
        return ((target - self.shift) / self.scale).astype(np.float32)

    def answer(self, raw: NDArray[np.floating]) -> Float64s:
        """From a model's raw numbers [n, outputs]: the target [n], or probabilities [n, classes]."""
        # naming a candidate comes through here, and would wait for SciPy
        from scipy.special import expit, softmax

        raw = raw.astype(np.float64)
        if not self.classes:
            value = raw[:, 0] * self.scale + self.shift
            if self.log:
                value = np.exp(np.minimum(value, MAX_LOG))
            return np.asarray(value)
        if len(self.classes) == 2:
            return np.column_stack([expit(-raw), expit(raw)])
        return np.asarray(softmax(raw, axis=1))
