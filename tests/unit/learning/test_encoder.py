from __future__ import annotations

from dataclasses import replace

import numpy as np

from relevo.domain.frame import Categorical, Floats, Frame
from relevo.learning.candidates import BoostedTrees
from relevo.learning.encoder import Encoder, fit_encoder
from relevo.learning.metrics import measure
from relevo.learning.target_scale import TargetScale
from tests.unit.learning.tables import halves, houses, table, unseen


def matrix(encoder: Encoder, frame: Frame) -> Floats:
    return np.concatenate(list(encoder.chunks(frame)))


def test_a_random_word_of_few_rows_each_lends_no_skill() -> None:
    random = np.random.default_rng(3)
    words = [f"id{number}" for number in random.integers(0, 700, 2_000)]
    frame = table(
        2_000,
        {"x": random.normal(size=2_000)},
        {"who": words},
        target=random.normal(size=2_000),
    )
    fit = fit_encoder(frame, TargetScale.of(frame, log_target=False))
    out_of_fold, plain = fit.matrix(frame), matrix(fit.encoder, frame)
    assert abs(np.corrcoef(out_of_fold[:, 1], frame.target)[0, 1]) < 0.07
    learn, ask = halves(frame)
    model = BoostedTrees(rounds=100).fit(learn, ask.take(np.arange(0)), 1)
    assert (
        measure("regression", ask.target, model.predict(ask))["rmse"]
        < 1.1 * ask.target.std()
    )
    assert plain.shape == out_of_fold.shape


def test_a_rows_own_target_never_reaches_its_encoding() -> None:
    frame = houses()
    moved = frame.target.copy()
    moved[0] *= 1.5
    whole = TargetScale.of(frame, log_target=True)
    before = fit_encoder(frame, whole).matrix(frame)[0]
    after = fit_encoder(replace(frame, target=moved), whole).matrix(frame)[0]
    # what is left is the row's part in means over all rows, one in thousands
    assert np.allclose(before, after, rtol=0, atol=2e-3, equal_nan=True)


def test_rows_of_one_identity_share_a_fold() -> None:
    frame = houses()
    doubled = replace(frame, identity=np.repeat(frame.identity[::2], 2)[: len(frame)])
    words = Categorical.of([str(number) for number in doubled.identity])
    doubled = replace(doubled, categories={"house": words})
    fit = fit_encoder(doubled, TargetScale.of(doubled, log_target=True))
    column = fit.matrix(doubled)[:, len(doubled.numbers)]
    assert np.ptp(column) < 1e-5  # nothing is known of a house outside its own fold


def test_few_words_become_a_column_each_and_a_missing_one_its_own() -> None:
    words = ["a", "b", None, "c"] * 25
    frame = table(100, {}, {"kind": words})
    encoder = fit_encoder(frame, TargetScale.of(frame, log_target=False)).encoder
    assert encoder.columns == ("kind",) * 4
    assert matrix(encoder, frame)[:4].tolist() == [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 1, 0],
    ]
    assert not matrix(encoder, unseen(frame))[0].any()


def test_an_unseen_word_is_encoded_as_the_mean_of_all_rows() -> None:
    frame = houses()
    target_scale = TargetScale.of(frame, log_target=True)
    encoder = fit_encoder(frame, target_scale).encoder
    column = encoder.columns.index("zip_code")
    assert (
        abs(
            matrix(encoder, unseen(frame))[0, column]
            - target_scale.learned(frame.target).mean()
        )
        < 1e-4
    )


def test_a_rare_word_is_drawn_to_the_mean_and_a_common_one_is_not() -> None:
    words = ["rare"] * 2 + [f"w{i % 20}" for i in range(1_000)]
    random = np.random.default_rng(4)
    place = np.array([20] * 2 + [i % 20 for i in range(1_000)])
    target = place / 10 + random.normal(0, 1, 1_002)
    frame = table(1_002, {}, {"word": words}, target=target)
    target_scale = TargetScale.of(frame, log_target=False)
    encoder = fit_encoder(frame, target_scale).encoder
    values = dict(
        zip(encoder.tables[0].categories, encoder.tables[0].values[:, 0], strict=False)
    )
    own = target_scale.learned(target)
    assert abs(values["rare"]) < abs(own[:2].mean()) or abs(own[:2].mean()) < 0.2
    assert abs(values["w19"] - own[place == 19].mean()) < 0.15


def test_the_mean_of_a_word_is_that_of_its_rows_by_any_chunks() -> None:
    frame = houses()
    fit = fit_encoder(frame, TargetScale.of(frame, log_target=True))
    whole = fit.matrix(frame)
    assert np.array_equal(
        np.concatenate(list(fit.chunks(frame, 777))), whole, equal_nan=True
    )
    assert np.array_equal(
        np.concatenate(list(fit.encoder.chunks(frame, 777))),
        matrix(fit.encoder, frame),
        equal_nan=True,
    )
