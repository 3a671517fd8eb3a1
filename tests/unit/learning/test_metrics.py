from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as known

from relevo.domain.decision import BatchFindings, decide_on
from relevo.domain.evidence import Action
from relevo.domain.identity import Split
from relevo.domain.metrics import MAPE, headline, typical
from relevo.domain.policy import Policy
from relevo.learning.metrics import (
    mean_loss,
    measure,
    root_mean_square,
    row_losses,
    with_prefix,
)

RANDOM = np.random.default_rng(6)


def test_regression_metrics_are_those_of_scikit_learn() -> None:
    target, answer = RANDOM.lognormal(12, 1, 500), RANDOM.lognormal(12, 1, 500)
    assert measure("regression", target, answer) == pytest.approx(
        {
            "rmse": known.root_mean_squared_error(target, answer),
            "mse": known.mean_squared_error(target, answer),
            "mae": known.mean_absolute_error(target, answer),
            "median_ae": known.median_absolute_error(target, answer),
            "mape": known.mean_absolute_percentage_error(target, answer),
            "capped_mae": np.minimum(
                np.abs(answer - target),
                np.quantile(np.abs(answer - target), 0.99, method="lower"),
            ).mean(),
            "capped_mape": np.minimum(np.abs(answer / target - 1), 1).mean(),
            "r2": known.r2_score(target, answer),
        }
    )


@pytest.mark.parametrize(("rows", "wrong"), [(4, 1), (1_000, 5)])
def test_the_cap_hides_no_error_of_few_rows_nor_the_only_ones(
    rows: int, wrong: int
) -> None:
    answer = np.where(np.arange(rows) < wrong, 5.0, 0.0)
    measured = measure("regression", np.zeros(rows), answer)
    assert measured["capped_mae"] == measured["mae"] == 5 * wrong / rows


@pytest.mark.parametrize("classes", [2, 4])
def test_classification_metrics_are_those_of_scikit_learn(classes: int) -> None:
    target = RANDOM.integers(0, classes, 300).astype(float)
    chances = RANDOM.dirichlet(np.ones(classes), 300).round(2)
    chances /= chances.sum(axis=1, keepdims=True)
    answer = chances.argmax(axis=1)
    expected = {
        "accuracy": known.accuracy_score(target, answer),
        "log_loss": known.log_loss(target, np.clip(chances, 1e-15, 1)),
        "f1_macro": known.f1_score(target, answer, average="macro"),
    }
    if classes == 2:
        expected["auc"] = known.roc_auc_score(target, chances[:, 1])
    assert measure("classification", target, chances) == pytest.approx(expected)


def test_nothing_is_measured_of_no_rows() -> None:
    none = np.empty(0)
    assert measure("regression", none, none) == {}
    assert root_mean_square(none, none) == mean_loss("regression", True, none) == 0.0
    assert len(row_losses("regression", True, none, none)) == 0


def test_what_cannot_be_measured_has_a_value_and_is_never_nan() -> None:
    same = np.full(3, 2.0)
    assert measure("regression", same, same)["r2"] == 1.0
    assert measure("regression", same, same + 1)["r2"] == 0.0
    assert measure("regression", np.zeros(3), same)["mape"] == 0.0
    assert np.isfinite(
        list(measure("regression", np.full(3, 1e300), np.full(3, -1e300)).values())
    ).all()
    one_class = measure("classification", np.zeros(3), np.tile([0.0, 1.0], (3, 1)))
    assert one_class["auc"] == 0.5
    assert np.isfinite(one_class["log_loss"])


def test_row_losses_are_of_the_logarithm_where_the_target_is_learned_so() -> None:
    target, answer = np.array([100.0, 100.0]), np.array([200.0, -5.0])
    losses = row_losses("regression", True, target, answer)
    assert losses[0] == pytest.approx(np.log(2))
    assert np.isfinite(losses[1])
    assert losses[1] > losses[0]
    assert row_losses("regression", False, target, answer).tolist() == [
        100.0**2,
        105.0**2,
    ]
    assert row_losses(
        "classification", False, np.array([1.0]), np.array([[0.75, 0.25]])
    )[0] == pytest.approx(np.log(4))


def test_the_loss_of_a_model_is_the_mean_of_its_rows() -> None:
    target, answer = RANDOM.lognormal(12, 1, 50), RANDOM.lognormal(12, 1, 50)
    losses = row_losses("regression", True, target, answer)
    assert mean_loss("regression", True, losses) == pytest.approx(losses.mean())
    losses = row_losses("regression", False, target, answer)
    assert mean_loss("regression", False, losses) == pytest.approx(
        root_mean_square(target, answer)
    )


def test_a_side_is_named_before_its_metrics() -> None:
    assert with_prefix("test", {"rmse": 1.0}) == {"test_rmse": 1.0}


def test_one_house_sold_for_a_dollar_moves_no_headline_and_trains_nothing() -> None:
    target = RANDOM.lognormal(13, 0.5, 646)
    answer = target * RANDOM.lognormal(0, 0.18, 646)
    before = measure("regression", target, answer)
    target[7] = 1.0
    after = measure("regression", target, answer)
    metric = headline("regression", log_target=True)
    was, now = metric.of(before), metric.of(after)
    assert was is not None
    assert now is not None
    assert before["mape"] == was  # where no row is off by more than all of it
    assert after["mape"] > 100
    assert now < was + 1 / 646
    findings = BatchFindings(
        batch=3,
        rows=646,
        has_champion=True,
        rows_total=4_000,
        rows_since_training=646,
        metric=metric,
        error_now=now,
        error_when_trained=was,
    )
    assert decide_on(findings, Policy())[0] is Action.SKIP


@pytest.mark.parametrize("rows", [20, 200, 5_000])
def test_one_giant_row_moves_no_headline_of_a_plain_target(rows: int) -> None:
    target, answer = RANDOM.normal(0, 10, rows), np.zeros(rows)
    metric = headline("regression", log_target=False)
    before = metric.of(measure("regression", target, answer))
    target[3] = 1e12
    after = measure("regression", target, answer)
    assert after["mae"] > 1e7
    assert metric.of(after) == pytest.approx(before, rel=0.15)


def test_a_release_of_before_has_the_plain_metric_in_its_place() -> None:
    metric = headline("regression", log_target=True)
    assert metric.of({"test_mape": 0.15}, Split.TEST) == 0.15
    assert metric.of({"test_mape": 0.15, "test_capped_mape": 0.14}, Split.TEST) == 0.14
    assert typical({"test_mape": 0.15}) == (MAPE, 0.15)
    assert typical({"test_mape": 0.15, "test_capped_mape": 0.14}) == (metric, 0.14)
