"""Tables as people bring them: every candidate answers, in both forms alike."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from relevo.domain.frame import Frame
from relevo.domain.use_case import Candidate
from relevo.errors import RelevoError
from relevo.learning.candidates import BoostedTrees, LinearBaseline, SklearnEstimator
from relevo.learning.metrics import measure
from relevo.learning.onnx_model import OnnxModel
from tests.unit.learning.tables import halves, houses, iris, nothing_of, table

NONE = np.nan
WORDS = [f"w{i % 30}" for i in range(100)]
ODD = {
    "no numbers": table(categories={"a": WORDS, "b": ["x", "y"] * 50}),
    "no categories": table(numbers={"x": np.arange(100)}),
    "a constant number": table(numbers={"x": 3.0, "y": np.arange(100)}),
    "only constants": table(numbers={"x": 3.0}, categories={"a": ["one"] * 100}),
    "all missing": table(numbers={"x": NONE}, categories={"a": [None] * 100}),
    "a word a row": table(categories={"a": [str(i) for i in range(100)]}),
    "huge numbers": table(numbers={"x": np.linspace(1, 3e38, 100), "y": np.inf}),
    "a constant target": table(numbers={"x": np.arange(100)}, target=5.0),
    "a negative target": table(
        numbers={"x": np.arange(100)}, target=np.linspace(-1e9, 10, 100)
    ),
    "a single row": table(1, numbers={"x": 1.0}, categories={"a": ["one"]}),
    "three rows": table(
        3, numbers={"x": [1, NONE, 3]}, categories={"a": ["one", None, "two"]}
    ),
    "names with blanks": table(
        numbers={"the x [m]": np.arange(100)}, categories={"a ~b": WORDS}
    ),
    "an empty word": table(categories={"a": ["", "x"] * 50}),
    "two classes": table(
        numbers={"x": np.arange(100)}, target=np.arange(100) % 2, classes=("no", "yes")
    ),
    "a class of no rows": table(
        numbers={"x": np.arange(100)},
        categories={"a": WORDS},
        target=np.arange(100) % 2 * 2,
        classes=("a", "b", "c"),
    ),
    "one of three classes": table(
        numbers={"x": np.arange(100)}, target=1, classes=("a", "b", "c")
    ),
    "one of two classes": table(
        numbers={"x": np.arange(100)}, target=1, classes=("a", "b")
    ),
    "a single class": table(numbers={"x": np.arange(100)}, target=0, classes=("only",)),
}
BROUGHT = {
    "regression": SklearnEstimator(lambda: DecisionTreeRegressor(max_depth=3)),
    "classification": SklearnEstimator(lambda: DecisionTreeClassifier(max_depth=3)),
}


@pytest.mark.parametrize("kind", ["linear", "trees", "brought"])
@pytest.mark.parametrize("name", ODD)
def test_an_odd_table_is_learned_and_both_forms_agree(name: str, kind: str) -> None:
    frame = ODD[name]
    task = "classification" if frame.classes else "regression"
    candidate: Candidate = {
        "linear": LinearBaseline(),
        "trees": BoostedTrees(rounds=30),
        "brought": BROUGHT[task],
    }[kind]
    model = candidate.fit(frame, nothing_of(frame), 1)
    native, served = model.predict(frame), OnnxModel(model.to_onnx()).predict(frame)
    assert np.isfinite(native).all()
    size = np.max(np.abs(frame.target)) or 1.0
    assert np.max(np.abs(native - served)) / size < 1e-5
    assert np.isfinite(list(measure(task, frame.target, native).values())).all()
    assert set(model.importances()) <= {*frame.numbers, *frame.categories}
    assert all(np.isfinite(share) for share in model.importances().values())
    assert model.parameters()
    assert model.native_files()


def test_a_table_of_a_hundred_rows_is_learned_better_than_its_mean() -> None:
    frame = houses(200)
    train, test = halves(frame)
    model = BoostedTrees().fit(train, nothing_of(train), 1, log_target=True)
    assert measure("regression", test.target, model.predict(test))["r2"] > 0.3


def test_iris_is_told_apart() -> None:
    train, test = halves(iris())
    for candidate in (BoostedTrees(), LinearBaseline()):
        model = candidate.fit(train, nothing_of(train), 1)
        assert (
            measure("classification", test.target, model.predict(test))["accuracy"]
            > 0.9
        )


def test_a_logarithm_of_zero_is_refused_with_the_remedy() -> None:
    frame: Frame = table(numbers={"x": np.arange(100)}, target=np.arange(100))
    with pytest.raises(RelevoError, match=r"goes down to 0.*log_target=False"):
        BoostedTrees().fit(frame, frame, 1, log_target=True)


def test_no_rows_are_refused() -> None:
    with pytest.raises(RelevoError, match="no rows"):
        LinearBaseline().fit(nothing_of(houses()), nothing_of(houses()), 1)


def test_the_classic_baseline_never_answers_below_the_lowest_price() -> None:
    train, test = halves(houses())
    model = LinearBaseline().fit(train, test, 1, log_target=True)
    test.numbers["house_size"][:] = 1
    assert model.predict(test).min() >= train.target.min()
