"""How good answers are. Never NaN: what cannot be measured has a value that is said here, or is left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relevo.domain.use_case import Task

Values = NDArray[np.float64]
LEAST_CHANCE = 1e-15  # a model that was certain and wrong is punished, not ruined
LEAST_TARGET = 1e-9
LARGEST = float(np.finfo(np.float64).max)


def measure(task: Task, target: Values, prediction: Values) -> dict[str, float]:
    """Metrics by name; none of no rows.

    Regression: rmse, mse, mae, median_ae, in the target's unit; mape, a fraction of one, over rows whose target is
    not 0 (0 where there are none); r2, which for a target that never varies is 1 for a perfect answer and else 0.
    Classification: accuracy; log_loss; f1_macro over the classes that occur or are answered; auc for two classes, 0.5
    where only one occurs.
    """
    if not len(target):
        return {}
    with np.errstate(over="ignore", invalid="ignore"):
        found = (
            _regression(target, prediction)
            if task == "regression"
            else _classification(target, prediction)
        )
    return {
        name: float(np.nan_to_num(value, nan=LARGEST)) for name, value in found.items()
    }


def with_prefix(side: str, metrics: dict[str, float]) -> dict[str, float]:
    """test_rmse and so on."""
    return {f"{side}_{name}": value for name, value in metrics.items()}


def root_mean_square(target: Values, prediction: Values) -> float:
    """RMSE; 0 of no rows."""
    return float(np.sqrt(np.mean((prediction - target) ** 2))) if len(target) else 0.0


def row_losses(
    task: Task, log_target: bool, target: Values, prediction: Values
) -> Values:
    """Each row's loss: |log answer - log target| where the target is learned so, else the squared error;
    for classification minus the logarithm of what the true class was given."""
    if task == "classification":
        given = prediction[np.arange(len(target)), target.astype(np.intp)]
        return np.asarray(-np.log(np.clip(given, LEAST_CHANCE, 1.0)))
    if log_target:
        return np.asarray(np.abs(_log(prediction) - _log(target)))
    return np.asarray((prediction - target) ** 2)


def loss(task: Task, log_target: bool, target: Values, prediction: Values) -> float:
    """One number for choosing a model, the less the better: mean absolute log error, RMSE or log loss; 0 of no rows."""
    return mean_loss(task, log_target, row_losses(task, log_target, target, prediction))


def mean_loss(task: Task, log_target: bool, losses: Values) -> float:
    """The same from row_losses."""
    if not len(losses):
        return 0.0
    mean = float(np.nan_to_num(losses.mean(), nan=LARGEST))
    return float(np.sqrt(mean)) if task == "regression" and not log_target else mean


def _log(values: Values) -> Values:
    return np.asarray(np.log(np.maximum(values, LEAST_TARGET)))


def _regression(target: Values, prediction: Values) -> dict[str, float]:
    error = prediction - target
    size, square = np.abs(error), float(np.mean(error**2))
    known = target != 0
    spread = float(np.mean((target - target.mean()) ** 2))
    return {
        "rmse": float(np.sqrt(square)),
        "mse": square,
        "mae": float(size.mean()),
        "median_ae": float(np.median(size)),
        "mape": float(np.mean(size[known] / np.abs(target[known])))
        if known.any()
        else 0.0,
        "r2": 1 - square / spread if spread else float(square == 0),
    }


def _classification(target: Values, chances: Values) -> dict[str, float]:
    truth, answer = target.astype(np.intp), chances.argmax(axis=1)
    found = {
        "accuracy": float((truth == answer).mean()),
        "log_loss": float(row_losses("classification", False, target, chances).mean()),
        "f1_macro": _f1(truth, answer, chances.shape[1]),
    }
    return (
        {**found, "auc": _auc(truth, chances[:, 1])} if chances.shape[1] == 2 else found
    )


def _f1(truth: NDArray[np.intp], answer: NDArray[np.intp], classes: int) -> float:
    right = np.bincount(truth[truth == answer], minlength=classes)
    either = np.bincount(truth, minlength=classes) + np.bincount(
        answer, minlength=classes
    )
    return float((2 * right[either > 0] / either[either > 0]).mean())


def _auc(truth: NDArray[np.intp], chance: Values) -> float:
    """The probability that a row of the second class is given more than one of the first; ties count half."""
    yes = int((truth == 1).sum())
    no = len(truth) - yes
    if not yes or not no:
        return 0.5
    _, place, counts = np.unique(chance, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[truth == 1].sum() - yes * (yes + 1) / 2) / (yes * no))
