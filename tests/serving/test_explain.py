"""Base and contributions add up to the answer, in the model's own scale."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from relevo.domain.cells import Row
from relevo.errors import NoExplanation
from relevo.learning.candidates import SklearnEstimator
from relevo.serving.explain import Explanation, _explainer, explain
from relevo.serving.model import ServedModel
from tests.serving.releases import IRIS, LINEAR, flowers, houses, loaded, rows_of, sides
from tests.unit.learning.tables import iris

ODD = [{}, {"city": "Atlantis"}, {"house_size": 2e6, "bed": 200, "zip_code": 1}]


def asked(
    model: ServedModel, rows: list[dict[str, object]]
) -> list[tuple[Row, Explanation]]:
    read = [model.strict.read(json.dumps(row).encode()) for row in rows]
    return [(row, explain(model, row)) for row in read]  # type: ignore[arg-type]


def total(explanation: Explanation) -> float:
    return explanation.base + sum(
        share.contribution for share in explanation.contributions
    )


def test_trees_are_explained_as_factors_that_multiply_to_the_price(
    trees: ServedModel,
) -> None:
    for row, said in asked(trees, rows_of(sides()[1], trees.columns)[:200] + ODD):
        assert said.scale == "log"
        assert said.prediction == float(trees.answers([row])[0, 0])
        assert abs(total(said) - math.log(said.prediction)) < 1e-5
        assert said.base_value is not None
        product = said.base_value * math.prod(
            share.factor or math.nan for share in said.contributions
        )
        assert product == pytest.approx(said.prediction, rel=1e-5)


def test_a_sum_is_explained_in_the_target_itself(linear: ServedModel) -> None:
    for row, said in asked(linear, rows_of(sides()[1], linear.columns)[:200] + ODD):
        prediction = float(linear.answers([row])[0, 0])
        assert said.scale == "target"
        assert said.floor is not None
        assert max(total(said), said.floor) == pytest.approx(prediction, rel=1e-6)


def test_a_sum_is_explained_from_the_average_of_the_training_rows(
    linear: ServedModel,
) -> None:
    train, _ = sides()
    (_, said), *_ = asked(linear, [{}])
    assert said.base == pytest.approx(train.target.mean(), rel=1e-3)


@pytest.mark.parametrize("candidate", ["trees", "linear"])
def test_classes_are_explained_in_log_odds(
    candidate: str, tmp_path: Path, species: ServedModel
) -> None:
    model = (
        species
        if candidate == "trees"
        else loaded(flowers(tmp_path, LINEAR), case=IRIS)
    )
    for row, said in asked(model, rows_of(iris(), model.columns)[:150:15]):
        chances = model.answers([row])[0]
        scores = (
            _explainer(model.files, model.release.estimator)
            .parts(model, row)
            .sum(axis=1)
        )
        assert np.exp(scores) / np.exp(scores).sum() == pytest.approx(chances, abs=1e-5)
        assert said.prediction == model.release.classes[chances.argmax()]
        assert said.scale == "log odds"
        assert total(said) == pytest.approx(scores.max(), abs=1e-6)


def test_contributions_come_largest_first_with_the_values_that_were_read(
    trees: ServedModel,
) -> None:
    ((_, said),) = asked(trees, [{"zip_code": 98103.0, "house_size": 1800}])
    sizes = [abs(share.contribution) for share in said.contributions]
    assert sizes == sorted(sizes, reverse=True)
    assert {s.feature: s.value for s in said.contributions if s.value} == {
        "zip_code": "98103",
        "house_size": 1800.0,
    }


def test_another_estimator_says_that_it_has_no_exact_explanation(
    tmp_path: Path,
) -> None:
    model = loaded(houses(tmp_path, SklearnEstimator(Ridge)))
    with pytest.raises(NoExplanation, match="no exact explanation"):
        asked(model, [{}])
