"""The ONNX file answers what the native model answers, on every row."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from relevo.domain.frame import Frame
from relevo.domain.use_case import Candidate, Fitted
from relevo.errors import ModelRefused
from relevo.learning.candidates import BoostedTrees, LinearBaseline, SklearnEstimator
from relevo.learning.onnx_model import OnnxModel
from tests.unit.learning.tables import cancer, halves, houses, iris, nothing_of, unseen

TREES = BoostedTrees(rounds=80)
REGRESSION: list[Candidate] = [
    TREES,
    LinearBaseline(),
    LinearBaseline(learn_log=True),
    SklearnEstimator(lambda: RandomForestRegressor(20, max_depth=6)),
    SklearnEstimator(Ridge),
]
CLASSIFICATION: list[Candidate] = [
    TREES,
    LinearBaseline(),
    SklearnEstimator(lambda: LogisticRegression(max_iter=5_000)),
    SklearnEstimator(lambda: GradientBoostingClassifier(n_estimators=20)),
]


def fitted(candidate: Candidate, train: Frame, log_target: bool = False) -> Fitted:
    return candidate.fit(train, nothing_of(train), 7, log_target=log_target)


@pytest.mark.parametrize("candidate", REGRESSION, ids=lambda c: str(c)[:40])
@pytest.mark.parametrize("log_target", [True, False])
def test_a_regression_agrees_on_every_row_missing_and_unseen_words_too(
    candidate: Candidate, log_target: bool
) -> None:
    train, test = halves(houses())
    model = fitted(candidate, train, log_target)
    served = OnnxModel(model.to_onnx())
    for rows in (test, unseen(test)):
        native, answers = model.predict(rows), served.predict(rows)
        assert answers.shape == native.shape == (len(rows),)
        assert np.isfinite(answers).all()
        assert (
            np.max(np.abs(answers - native) / np.maximum(np.abs(native), 20_000)) < 1e-5
        )
        if log_target:
            assert np.max(np.abs(np.log(answers) - np.log(native))) < 1e-5


@pytest.mark.parametrize("candidate", CLASSIFICATION, ids=lambda c: str(c)[:40])
@pytest.mark.parametrize(
    "frame", [iris(), cancer()], ids=["three classes", "two classes"]
)
def test_a_classification_agrees_on_every_row(
    candidate: Candidate, frame: Frame
) -> None:
    train, test = halves(frame)
    model = fitted(candidate, train)
    served = OnnxModel(model.to_onnx())
    native, answers = model.predict(unseen(test)), served.predict(unseen(test))
    assert answers.shape == (len(test), len(frame.classes))
    assert np.max(np.abs(answers - native)) < 1e-5
    assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)


def test_the_label_is_the_likeliest_class_by_name() -> None:
    train, test = halves(iris())
    served = OnnxModel(fitted(TREES, train).to_onnx())
    feed = next(test.inputs())
    labels = served.run(feed, "label")
    assert list(labels) == [
        test.classes[code] for code in served.predict(test).argmax(axis=1)
    ]


@pytest.mark.parametrize("candidate", REGRESSION[:4], ids=lambda c: str(c)[:40])
def test_no_rows_have_no_answers(candidate: Candidate) -> None:
    train, _ = halves(houses())
    model = fitted(candidate, train, log_target=True)
    served = OnnxModel(model.to_onnx())
    feed = {name: values[:0] for name, values in next(train.inputs()).items()}
    assert (
        len(model.predict(nothing_of(train)))
        == len(served.predict(nothing_of(train)))
        == len(served.run(feed))
        == 0
    )


def test_one_row_is_answered_as_among_many() -> None:
    train, test = halves(houses())
    served = OnnxModel(fitted(TREES, train, log_target=True).to_onnx(), threads=1)
    alone = [
        served.run(feed)[0, 0] for feed in test.take(np.arange(20)).inputs(chunk=1)
    ]
    assert alone == pytest.approx(served.predict(test)[:20], rel=1e-5)


def test_the_encoded_matrix_gives_exact_shap_values() -> None:
    import xgboost as xgb

    train, test = halves(houses())
    model = fitted(TREES, train, log_target=True)
    served = OnnxModel(model.to_onnx())
    booster = xgb.Booster(model_file=bytearray(model.native_files()["booster.ubj"]))
    parts = booster.predict(xgb.DMatrix(served.encoded(test)), pred_contribs=True)
    scale, shift = (float(served.metadata[name]) for name in ("scale", "shift"))
    assert (
        np.max(np.abs(parts.sum(axis=1) * scale + shift - np.log(served.predict(test))))
        < 1e-4
    )


def test_the_file_says_who_made_it_and_what_it_takes() -> None:
    train, _ = halves(houses())
    served = OnnxModel(fitted(TREES, train, log_target=True).to_onnx())
    assert set(served.features) == {
        "bed",
        "bath",
        "house_size",
        "acre_lot",
        "city",
        "state",
        "zip_code",
    }
    assert served.metadata["relevo_version"]
    assert served.outputs == ("prediction", "encoded")


@pytest.mark.parametrize("damage", [b"", b"not a model", "half", "flipped"])
def test_a_damaged_file_is_refused(damage: bytes | str, tmp_path) -> None:
    whole = fitted(LinearBaseline(), halves(houses())[0], log_target=True).to_onnx()
    broken = damage if isinstance(damage, bytes) else whole[: len(whole) // 2]
    if damage == "flipped":
        broken = bytes(byte ^ 0xFF for byte in whole[:200]) + whole[200:]
    path = tmp_path / "model.onnx"
    path.write_bytes(broken)
    for given in (broken, path):
        with pytest.raises(ModelRefused, match="is no ONNX model"):
            OnnxModel(given)


def test_a_missing_file_is_refused_by_name(tmp_path) -> None:
    with pytest.raises(ModelRefused, match=r"gone\.onnx"):
        OnnxModel(tmp_path / "gone.onnx")


def test_rows_without_a_feature_are_refused_by_its_name() -> None:
    train, test = halves(houses())
    served = OnnxModel(fitted(LinearBaseline(), train, log_target=True).to_onnx())
    del test.numbers["bed"]
    with pytest.raises(ModelRefused, match="bed"):
        served.predict(test)
