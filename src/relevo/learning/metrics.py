"""How good answers are. Never NaN: what cannot be measured has a value that is said here, or is left out."""

import numpy as np

from relevo.domain.frame import MISSING, Float64s
from relevo.domain.identity import Split
from relevo.domain.metrics import (
    ACCURACY,
    AUC,
    CAPPED_MAE,
    CAPPED_MAPE,
    F1_MACRO,
    LOG_LOSS,
    MAE,
    MAPE,
    MEDIAN_AE,
    MSE,
    R2,
    RMSE,
)
from relevo.domain.use_case import Task

LEAST_CHANCE = 1e-15  # a model that was certain and wrong is punished, not ruined
# of a class that a model has never seen: below any share that it had in a million rows, so that to know it pays
UNSEEN_CHANCE = 1e-6
CAPPED_FROM = 20  # rows; of fewer the worst hundredth is not one
LEAST_TARGET = 1e-9  # below it there is no logarithm to speak of
INSTEAD_OF_NAN = float(np.finfo(np.float64).max)


def measure(task: Task, target: Float64s, prediction: Float64s) -> dict[str, float]:
    """Metrics by name; none of no rows.

    Regression: rmse, mse, mae, capped_mae, median_ae, in the target's unit; mape, a fraction of one, over rows whose target is
    not 0 (0 where there are none); capped_mape, the same with no row above one; r2, which for a target that never
    varies is 1 for a perfect answer and else 0.
    Classification: accuracy; log_loss; f1_macro over the classes that occur or are answered; auc for two classes, 0.5
    where only one occurs. A row of a class that the model does not know (-1) is answered wrong; auc leaves it out.
    """
    if not len(target):
        return {}
    measures = {"regression": _regression, "classification": _classification}
    with np.errstate(over="ignore", invalid="ignore"):
        measured = measures[task](target, prediction)
    return {
        name: float(np.nan_to_num(value, nan=INSTEAD_OF_NAN))
        for name, value in measured.items()
    }


def with_prefix(split: Split, metrics: dict[str, float]) -> dict[str, float]:
    """test_rmse and so on."""
    return {f"{split}_{name}": value for name, value in metrics.items()}


def root_mean_square(target: Float64s, prediction: Float64s) -> float:
    """RMSE; 0 of no rows."""
    if not len(target):
        return 0.0
    return float(np.sqrt(np.mean((prediction - target) ** 2)))


def row_losses(
    task: Task, log_target: bool, target: Float64s, prediction: Float64s
) -> Float64s:
    """Each row's loss: |log answer - log target| where the target is learned so, else the squared error;
    for classification minus the logarithm of what the true class was given, `UNSEEN_CHANCE` if the model does not
    know it."""
    if task == "classification":
        chance = prediction[np.arange(len(target)), target.astype(np.intp)]
        chance = np.where(target == MISSING, UNSEEN_CHANCE, chance)
        return np.asarray(-np.log(np.clip(chance, LEAST_CHANCE, 1.0)))
    if log_target:
        return np.asarray(np.abs(log_of(prediction) - log_of(target)))
    return np.asarray((prediction - target) ** 2)


def mean_loss(task: Task, log_target: bool, losses: Float64s) -> float:
    """Of row losses, for choosing a model: mean absolute log error, RMSE or log loss; 0 of no rows."""
    if not len(losses):
        return 0.0
    mean = float(np.nan_to_num(losses.mean(), nan=INSTEAD_OF_NAN))
    if task == "regression" and not log_target:
        return float(np.sqrt(mean))
    return mean


def log_of(values: Float64s) -> Float64s:
    return np.asarray(np.log(np.maximum(values, LEAST_TARGET)))


def _regression(target: Float64s, prediction: Float64s) -> dict[str, float]:
    error = prediction - target
    size = np.abs(error)
    square = float(np.mean(error**2))
    spread = float(np.mean((target - target.mean()) ** 2))
    explained = float(square == 0)
    if spread:
        explained = 1 - square / spread
    worst = size.max()
    if len(size) >= CAPPED_FROM:
        # where hardly any row has an error, the cap is none of them
        worst = np.quantile(size, 0.99, method="lower") or worst
    nonzero = target != 0
    relative = size[nonzero] / np.abs(target[nonzero])
    if not len(relative):
        relative = np.zeros(1)
    return {
        RMSE.name: float(np.sqrt(square)),
        MSE.name: square,
        MAE.name: float(size.mean()),
        CAPPED_MAE.name: float(np.minimum(size, worst).mean()),
        MEDIAN_AE.name: float(np.median(size)),
        MAPE.name: float(relative.mean()),
        CAPPED_MAPE.name: float(np.minimum(relative, 1.0).mean()),
        R2.name: explained,
    }


def _classification(target: Float64s, chances: Float64s) -> dict[str, float]:
    from sklearn.metrics import f1_score, roc_auc_score

    truth = target.astype(np.intp)
    answer = chances.argmax(axis=1)
    losses = row_losses("classification", False, target, chances)
    measured = {
        ACCURACY.name: float((truth == answer).mean()),
        LOG_LOSS.name: float(losses.mean()),
        # a class that the model does not know is one more class, never right
        F1_MACRO.name: float(f1_score(truth, answer, average="macro")),
    }
    if chances.shape[1] == 2:
        seen = truth != MISSING
        measured[AUC.name] = 0.5
        if len(np.unique(truth[seen])) == 2:
            # scikit-learn refuses NaN, where a broken model is to be shown as bad
            area = roc_auc_score(truth[seen], np.nan_to_num(chances[seen, 1]))
            measured[AUC.name] = float(area)
    return measured
