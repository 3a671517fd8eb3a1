"""Who becomes champion, what stops a winner, and the sentence that says why."""

from dataclasses import replace

import numpy as np
import pytest

from relevo.domain.contest import classic, first_model, judge, onnx_guard
from relevo.domain.evidence import Ruling
from relevo.domain.policy import Policy
from relevo.domain.slices import NEWEST
from tests.unit.domain.matches import FIT, match_of


def test_a_clear_winner_is_promoted_and_the_sentence_says_how_surely():
    judgement = judge(match_of(noise=0.0), FIT, Policy(), 1)
    assert judgement.ruling is Ruling.PROMOTE
    win = judgement.evidence[0]
    assert (win.passed, win.threshold, win.value) == (
        True,
        0.005,
        pytest.approx(0.0575, abs=0.0005),
    )
    assert judgement.sentence == (
        "challenger's error is 6.0 % lower on 4,310 holdout rows (at least 5.8 % with 97.0 % confidence; needs 0.5 %)"
    )


def test_a_gain_that_chance_explains_keeps_the_champion():
    judgement = judge(
        match_of(seed=5, rows=400, better=0.01, noise=0.4), FIT, Policy(), 3
    )
    assert judgement.ruling is Ruling.KEEP
    assert (
        " % lower on 400 holdout rows, which chance explains (it may be "
        in judgement.sentence
    )
    assert judgement.sentence.endswith(" % higher with 99.7 % confidence; needs 0.5 %)")


def test_a_sure_gain_below_the_minimum_effect_keeps_the_champion():
    judgement = judge(match_of(better=0.004, noise=0.02), FIT, Policy(), 1)
    assert judgement.ruling is Ruling.KEEP
    assert judgement.evidence[0].value > 0
    assert (
        "0.4 % lower on 4,310 holdout rows, not surely enough (at least 0.3 %"
        in judgement.sentence
    )


def test_a_worse_challenger_keeps_the_champion():
    judgement = judge(match_of(better=-0.03, noise=0.0), FIT, Policy(), 1)
    assert judgement.ruling is Ruling.KEEP
    assert judgement.sentence == (
        "challenger's error is 3.0 % higher on 4,310 holdout rows (needs to be 0.5 % lower)"
    )


def harmed(rows_in_slice, harm, spread=0.0, name="state Texas"):
    """A winner whose losses rise by the share `harm`, give or take `spread`, in one slice."""
    match, texas = match_of(), np.arange(4_310) < rows_in_slice
    rise = 1 + harm + np.random.default_rng(4).uniform(-spread, spread, 4_310)
    challenger = np.where(texas, match.champion_losses * rise, match.challenger_losses)
    return replace(
        match, challenger_losses=challenger, slices={name: texas, "state Ohio": ~texas}
    )


def test_a_winner_that_harms_a_slice_is_kept_out():
    judgement = judge(harmed(300, 0.08), FIT, Policy(), 1)
    assert judgement.ruling is Ruling.KEEP
    assert judgement.evidence[0].passed
    assert judgement.sentence.endswith(
        "needs 0.5 %), but it is 8 % worse for state Texas (limit 5 %)"
    )
    texas, ohio = judgement.evidence[1:3]
    assert (texas.passed, texas.value, texas.threshold) == (
        False,
        pytest.approx(0.08),
        0.05,
    )
    assert ohio.passed
    assert ohio.sentence == "challenger is 6 % better for state Ohio (limit 5 %)"


def test_the_newest_batch_is_guarded_like_any_slice():
    judgement = judge(harmed(300, 0.08, name=NEWEST), FIT, Policy(), 1)
    assert judgement.sentence.endswith(
        "but it is 8 % worse for the newest batch (limit 5 %)"
    )


def test_a_rise_within_the_limit_or_in_a_slice_too_small_to_judge_stops_nothing():
    assert judge(harmed(300, 0.04), FIT, Policy(), 1).ruling is Ruling.PROMOTE
    small = judge(harmed(99, 0.2, name=NEWEST), FIT, Policy(), 1)
    assert small.ruling is Ruling.PROMOTE
    few = next(one for one in small.evidence if one.name == f"slice: {NEWEST}")
    assert (few.passed, few.sentence) == (
        None,
        "the newest batch has 99 holdout rows; needs 100 to be judged",
    )


def test_a_rise_that_noise_explains_stops_nothing():
    judgement = judge(harmed(110, 0.1, spread=0.9), FIT, Policy(), 1)
    texas = judgement.evidence[1]
    assert texas.value > 0.05
    assert texas.passed
    assert texas.sentence.endswith(
        "worse for state Texas, which chance explains (limit 5 %)"
    )


def test_forty_noisy_slices_rarely_stop_a_model_that_is_no_worse_in_any():
    blocked = 0
    for seed in range(30):
        match = match_of(seed, 4_800, 0.02, 0.5)
        slices = {f"state {i}": np.arange(4_800) % 40 == i for i in range(40)}
        evidence = judge(replace(match, slices=slices), FIT, Policy(), 1).evidence
        blocked += any(
            one.passed is False for one in evidence if one.name.startswith("slice")
        )
    assert blocked <= 3


@pytest.mark.parametrize(
    ("rest", "fitness", "fault"),
    [
        (
            {"champion_rmse": 95_000.0, "challenger_rmse": 98_000.0},
            {},
            "has RMSE 98,000 against 95,000 (limit +2 %)",
        ),
        ({}, {"size_mb": 61.2}, "weighs 61.2 MB (limit 50 MB)"),
        ({}, {"scoring_time_ratio": 3.4}, "takes 3.4 times as long to score (limit 3)"),
        (
            {},
            {"onnx_gap": 0.02},
            "differs between its ONNX and native forms by 0.02 (limit 0.0001)",
        ),
        (
            {},
            {"onnx_gap": float("nan")},
            "differs between its ONNX and native forms by nan (limit 0.0001)",
        ),
    ],
)
def test_each_guard_alone_stops_a_winner_and_says_so(rest, fitness, fault):
    assert judge(match_of(), FIT, Policy(), 1).ruling is Ruling.PROMOTE
    judgement = judge(match_of(**rest), replace(FIT, **fitness), Policy(), 1)
    assert judgement.ruling is Ruling.KEEP
    assert judgement.sentence.endswith(f", but it {fault}")
    assert [one.passed for one in judgement.evidence].count(False) == 1


def test_rmse_within_the_bound_and_a_time_that_was_not_measured_stop_nothing():
    match = match_of(champion_rmse=95_000.0, challenger_rmse=96_900.0)
    judgement = judge(match, replace(FIT, scoring_time_ratio=None), Policy(), 1)
    assert judgement.ruling is Ruling.PROMOTE
    assert [
        (one.name, one.passed)
        for one in judgement.evidence
        if one.name in ("rmse", "time")
    ] == [("rmse", True), ("time", None)]


def test_a_loser_that_also_breaks_a_guard_hears_of_both():
    judgement = judge(match_of(better=-0.03), replace(FIT, size_mb=61.2), Policy(), 1)
    assert judgement.sentence.endswith(
        "(needs to be 0.5 % lower); it weighs 61.2 MB (limit 50 MB)"
    )


def test_a_challenger_without_a_finite_answer_everywhere_never_wins():
    match = match_of(better=0.5)
    match.challenger_losses[[3, 5]] = np.nan, np.inf
    judgement = judge(match, FIT, Policy(), 1)
    assert judgement.ruling is Ruling.KEEP
    assert (
        judgement.sentence
        == "challenger has no usable prediction on 2 of 4,310 holdout rows"
    )


def test_rows_the_champion_could_not_answer_count_as_a_draw():
    match = match_of(better=0.0, noise=0.0)
    match.champion_losses[:50] = np.inf
    assert judge(match, FIT, Policy(), 1).evidence[0].value == 0


# Other ways to become champion


def test_the_first_model_is_promoted_unless_its_onnx_form_is_another_model():
    assert first_model(FIT, Policy())[::2] == (Ruling.PROMOTE, "first model")
    ruling, evidence, sentence = first_model(replace(FIT, onnx_gap=0.02), Policy())
    assert ruling is Ruling.KEEP
    assert evidence[0].passed is False
    assert (
        sentence
        == "first model refused: it differs between its ONNX and native forms by 0.02 (limit 0.0001)"
    )


@pytest.mark.parametrize(
    ("challenger", "ruling", "word"),
    [
        (94_000.0, Ruling.PROMOTE, "is better than"),
        (95_000.0, Ruling.PROMOTE, "equals"),
        (95_001.0, Ruling.KEEP, "is not better than"),
        (float("nan"), Ruling.KEEP, "is not better than"),
    ],
)
def test_classic_promotes_on_better_or_equal_rmse(challenger, ruling, word):
    judgement = classic(95_000.0, challenger)
    assert judgement.ruling is ruling
    assert f" {word} the champion's 95,000" in judgement.sentence


def test_classic_still_refuses_a_model_whose_onnx_form_differs():
    judgement = classic(
        95_000.0, 90_000.0, (onnx_guard(replace(FIT, onnx_gap=0.02), Policy()),)
    )
    assert judgement.ruling is Ruling.KEEP
    assert "but it differs between its ONNX and native forms" in judgement.sentence
