"""What every candidate keeps to. Add one of your own to CANDIDATES and run this file."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from relevo.domain.cells import Row
from relevo.domain.frame import Frame
from relevo.domain.profile import profile_of
from relevo.domain.use_case import Candidate, Fitted
from relevo.errors import NoExplanation
from relevo.learning.candidates import BoostedTrees, LinearBaseline, SklearnEstimator
from relevo.learning.choose import choose
from relevo.learning.onnx_model import OnnxModel
from relevo.serving.explain import explain
from tests.extending import own_candidates
from tests.serving.releases import HOUSES, house_fields, loaded, rows_of, write
from tests.unit.learning.tables import halves, houses, unseen

CANDIDATES: Sequence[Candidate] = (
    LinearBaseline(),
    LinearBaseline(learn_log=True, name="linear_in_logarithms"),
    BoostedTrees(rounds=30),
    SklearnEstimator(lambda: RandomForestRegressor(5, max_depth=5)),
    *own_candidates(),
)
UNEXPLAINED = {"sklearn_estimator", "forest"}  # no exact explanation is known
each_candidate = pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda c: c.name)


@cache
def rows() -> tuple[Frame, Frame]:
    return halves(houses(2_000))


@cache
def fitted(candidate: Candidate) -> Fitted:
    train, validation = rows()
    return candidate.fit(train, validation, 7, log_target=True)


@each_candidate
def test_it_predicts_every_row_in_the_targets_unit(candidate: Candidate) -> None:
    _, held = rows()
    model = fitted(candidate)
    assert model.name == candidate.name
    for frame in (held, unseen(held), held.take(np.arange(0))):
        answers = model.predict(frame)
        assert answers.shape == (len(frame),)
        assert np.isfinite(answers).all()
    errors = np.abs(model.predict(held) / held.target - 1)
    assert np.median(errors) < 1.0


@each_candidate
def test_its_onnx_form_takes_the_features_and_answers_the_same(
    candidate: Candidate,
) -> None:
    train, held = rows()
    model = fitted(candidate)
    served = OnnxModel(model.to_onnx())
    assert set(served.features) <= {*train.numbers, *train.categories}
    for frame in (held, unseen(held)):
        assert served.predict(frame) == pytest.approx(model.predict(frame), rel=1e-4)


@each_candidate
def test_the_same_rows_and_seed_make_the_same_model(candidate: Candidate) -> None:
    train, validation = rows()
    again = candidate.fit(train, validation, 7, log_target=True)
    assert again.to_onnx() == fitted(candidate).to_onnx()


@each_candidate
def test_it_says_what_it_is_made_of(candidate: Candidate) -> None:
    train, _ = rows()
    model = fitted(candidate)
    assert set(model.importances()) <= {*train.numbers, *train.categories}
    assert all(isinstance(data, bytes) for data in model.native_files().values())
    for value in model.parameters().values():
        assert isinstance(value, (float, int, str))


@each_candidate
def test_it_explains_an_answer_exactly_or_says_that_it_cannot(
    candidate: Candidate, tmp_path: Path
) -> None:
    train, held = rows()
    model = fitted(candidate)
    facts = {
        "case": HOUSES, "task": "regression", "target": "price", "unit": "USD", "log_target": True,
        "fields": house_fields(), "classes": (), "metrics": {},
    }  # fmt: skip
    onnx, native = model.to_onnx(), model.native_files()
    profile = profile_of(train, "price")
    released = loaded(write(tmp_path, model.name, onnx, native, profile, facts))
    body = json.dumps(rows_of(held, released.columns)[0]).encode()
    row: Row = released.strict.read(body)
    if candidate.name in UNEXPLAINED:
        with pytest.raises(NoExplanation, match=candidate.name):
            explain(released, row)
        return
    explanation = explain(released, row)
    total = explanation.base + sum(
        part.contribution for part in explanation.contributions
    )
    if explanation.scale == "log":
        total = math.exp(total)
    if explanation.floor is not None:
        total = max(total, explanation.floor)
    assert total == pytest.approx(explanation.prediction, rel=1e-4)


class Broken:
    name = "broken"

    def fit(
        self, train: Frame, validation: Frame, seed: int, *, log_target: bool = False
    ) -> Fitted:
        raise ZeroDivisionError("by zero")


@each_candidate
def test_one_that_raises_is_on_record_and_the_others_go_on(
    candidate: Candidate,
) -> None:
    train, validation = rows()
    choice = choose([Broken(), candidate], train, validation, 7, log_target=True)
    assert choice.model.name == candidate.name
    assert choice.errors == {"broken": "ZeroDivisionError: by zero"}
