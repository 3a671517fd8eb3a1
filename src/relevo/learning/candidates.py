"""Ways to make a model. Naming one imports no framework: that happens when it is fitted."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import log2, sqrt
from typing import Any

from relevo.domain.frame import Frame
from relevo.domain.use_case import Fitted
from relevo.learning.target_scale import TargetScale


@dataclass(frozen=True, slots=True)
class LinearBaseline:
    """One-hot categories and plain slopes, by least squares or logistic regression.

    It learns the target in its own unit, as the classic baseline does, unless `learn_log` is set.
    """

    learn_log: bool = False
    name: str = "linear_baseline"

    def fit(
        self,
        train: Frame,
        validation: Frame,  # noqa: ARG002
        seed: int,  # noqa: ARG002
        *,
        log_target: bool = False,
    ) -> Fitted:
        from relevo.learning.linear import fit_linear

        return fit_linear(self.name, train, log_target, self.learn_log)


@dataclass(frozen=True, slots=True)
class BoostedTrees:
    """XGBoost on numbers and encoded categories, stopped early by the validation rows.

    Above `steady_rows` training rows its steps are longer and fewer, by the root of how many times there are more, so
    that a million rows stay a matter of seconds and one row more changes nothing.
    Up to `refit_rows` it learns again from training and validation rows together, with the number of rounds found;
    above, all but 5,000 validation rows are learnt at once. Metrics of validation rows are of rows it has seen.
    """

    rounds: int = 600
    learning_rate: float = 0.05
    max_depth: int = 6
    min_child_weight: float = 20.0
    subsample: float = 0.8
    columns_a_node: float = 0.5
    patience: int = 60
    max_bin: int = 256
    steady_rows: int = 40_000
    longest_step: float = 4.0
    refit_rows: int = 160_000
    name: str = "boosted_trees"

    def fit(
        self, train: Frame, validation: Frame, seed: int, *, log_target: bool = False
    ) -> Fitted:
        # read when XGBoost is loaded: its threads then wait asleep, where spinning costs fivefold on a shared core
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        from relevo.learning.boosting import fit_trees

        target_scale = TargetScale.of(train, log_target)
        # 1 up to steady_rows
        step = max(1.0, min(self.longest_step, sqrt(len(train) / self.steady_rows)))
        settings = {
            "learning_rate": self.learning_rate * step,
            # twice the step pays for a level more
            "max_depth": self.max_depth + round(log2(step)),
            "min_child_weight": self._leaf_weight(train, validation),
            "subsample": self.subsample,
            "colsample_bynode": self.columns_a_node,
            "max_bin": self.max_bin,
            "seed": seed,
        }
        return fit_trees(
            self.name,
            train,
            validation,
            target_scale,
            settings,
            rounds=max(1, round(self.rounds / step)),
            patience=max(1, round(self.patience / step)),
            refit=len(train) <= self.refit_rows,
        )

    def _leaf_weight(self, train: Frame, validation: Frame) -> float:
        """A leaf of 20 rows is a fifth of a table of 100: there it may be smaller."""
        rows = len(train) + len(validation)
        weight = min(self.min_child_weight, max(1.0, rows / 1_000))
        if train.classes:  # where a row weighs at most a quarter, as p * (1 - p)
            return weight / 4
        return weight


@dataclass(frozen=True, slots=True)
class SklearnEstimator:
    """An estimator of your own: `make` builds it unfitted, skl2onnx must know it.

    It sees the encoded matrix with missing numbers filled in, and the target standardised.
    """

    make: Callable[[], Any]
    name: str = "sklearn_estimator"

    def fit(
        self,
        train: Frame,
        validation: Frame,  # noqa: ARG002
        seed: int,
        *,
        log_target: bool = False,
    ) -> Fitted:
        from relevo.learning.sklearn_model import fit_estimator

        target_scale = TargetScale.of(train, log_target)
        return fit_estimator(self.name, self.make, train, target_scale, seed)
