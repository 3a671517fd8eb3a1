"""What the statistic of the contest claims, and whether it is so."""

import time
from dataclasses import replace
from math import pi

import numpy as np
import pytest

from relevo.domain.contest import Match, judge
from relevo.domain.evidence import Ruling
from relevo.domain.paired import paired_test, spent_alpha
from relevo.domain.policy import Policy
from relevo.domain.slices import NEWEST
from tests.unit.domain.matches import FIT, match_of


def outcome(match, alpha=0.03, resamples=2_000):
    return paired_test(
        match.champion_losses,
        match.challenger_losses,
        match.identity,
        alpha,
        7,
        resamples,
    )


def equal_models(rng, identities=100):
    """Independent noise of the same size, shared in part by the two rows of an identity."""
    identity = np.repeat(np.arange(identities), 2)
    base = 4 + np.repeat(rng.exponential(1, identities), 2)
    champion, challenger = (
        base + rng.normal(size=identities)[identity] + rng.normal(size=2 * identities)
        for _ in range(2)
    )
    return Match(champion, challenger, identity)


def lives_with_a_promotion(lives, alpha_of):
    promoted = 0
    for life in range(lives):
        rng = np.random.default_rng(life)
        promoted += any(
            outcome(equal_models(rng), alpha_of(k), 200).lower_bound > 0
            for k in range(1, 51)
        )
    return promoted / lives


def test_equal_models_are_almost_never_promoted_in_a_life_of_fifty_contests():
    assert lives_with_a_promotion(200, lambda k: spent_alpha(0.05, k)) <= 0.06


def test_without_spending_the_error_probability_most_lives_would_promote_an_equal_model():
    assert lives_with_a_promotion(30, lambda _: 0.05) > 0.7


@pytest.mark.parametrize(
    ("alpha", "low", "high"), [(0.05, 0.035, 0.065), (0.01, 0.004, 0.018)]
)
def test_the_error_probability_of_one_contest_is_the_one_asked_for(alpha, low, high):
    rng = np.random.default_rng(1)
    wins = [
        outcome(equal_models(rng), alpha, 200).lower_bound > 0 for _ in range(2_000)
    ]
    assert low < np.mean(wins) < high


def test_the_lower_bound_holds_as_often_as_it_says():
    truly = 0.06
    held = [
        outcome(match_of(seed, 400, truly, 0.3), 0.1, 200).lower_bound <= truly
        for seed in range(500)
    ]
    assert 0.86 < np.mean(held) < 0.95


def test_all_contests_of_a_life_together_spend_the_error_probability():
    assert spent_alpha(0.05, 1) == pytest.approx(0.05 * 6 / pi**2)
    assert sum(spent_alpha(0.05, k) for k in range(1, 20_000)) == pytest.approx(
        0.05, rel=1e-4
    )
    assert sum(spent_alpha(0.05, k) for k in range(1, 20_000)) < 0.05


def test_a_model_with_three_percent_lower_loss_is_promoted_even_late_in_a_life():
    rulings = [
        judge(match_of(seed, 4_000, 0.03, 0.15), FIT, Policy(), 20).ruling
        for seed in range(20)
    ]
    assert rulings.count(Ruling.PROMOTE) >= 19


def test_rows_that_repeat_an_identity_add_no_confidence():
    match = match_of(rows=60, better=0.05, noise=0.3)
    repeated = Match(
        *(
            np.repeat(a, 50)
            for a in (match.champion_losses, match.challenger_losses, match.identity)
        )
    )
    once, often = outcome(match), outcome(repeated)
    assert (often.rows, often.identities) == (3_000, 60)
    assert often.gain == pytest.approx(once.gain)
    assert often.lower_bound == pytest.approx(once.lower_bound, abs=0.003)
    as_if_new = outcome(replace(repeated, identity=np.arange(3_000)))
    assert as_if_new.lower_bound > often.lower_bound + 0.03


def test_the_standard_error_is_the_one_of_theory_with_and_without_bags():
    for rows in (3_000, 30_000):
        match = match_of(rows=rows, better=0.0, noise=0.3)
        difference = match.champion_losses - match.challenger_losses
        theory = difference.std() / np.sqrt(rows) / match.champion_losses.mean()
        result = outcome(match, alpha=0.1586553)
        assert result.gain - result.lower_bound == pytest.approx(theory, rel=0.06)


def test_the_same_seed_gives_the_same_result():
    assert outcome(match_of()) == outcome(match_of())


@pytest.mark.parametrize("wins", [1, 2, 4])
def test_a_few_wins_among_equal_rows_are_not_significant_however_clear(wins):
    champion = np.zeros(30)
    champion[:wins] = 1.0
    result = outcome(Match(champion, np.zeros(30), np.arange(30)))
    assert result.gain == 1
    assert result.lower_bound < 0


def test_many_wins_and_no_loss_are_significant():
    champion = np.zeros(100)
    champion[:20] = 1.0
    assert (
        outcome(Match(champion, np.zeros(100), np.arange(100)), 0.001).lower_bound > 0
    )


def test_the_same_losses_win_nothing_even_where_no_effect_is_asked_for():
    match = match_of()
    same = replace(match, challenger_losses=match.champion_losses)
    assert (outcome(same).gain, outcome(same).lower_bound) == (0, 0)
    judgement = judge(same, FIT, Policy(min_effect=0.0), 1)
    assert judgement.ruling is Ruling.KEEP
    assert (
        judgement.sentence
        == "challenger's error is the same as the champion's on 4,310 holdout rows (needs to be 0 % lower)"
    )


def test_a_champion_without_error_cannot_be_beaten():
    flawless = Match(np.zeros(50), np.r_[1.0, np.zeros(49)], np.arange(50))
    assert outcome(flawless).lower_bound == -1
    assert judge(flawless, FIT, Policy(), 1).ruling is Ruling.KEEP


def test_an_empty_holdout_keeps_the_champion():
    nothing = Match(
        np.array([]),
        np.array([]),
        np.array([], dtype=np.int64),
        slices={NEWEST: np.array([], dtype=bool)},
    )
    assert judge(nothing, FIT, Policy(), 1).ruling is Ruling.KEEP


def test_a_hundred_thousand_rows_take_about_half_a_second():
    match, started = match_of(rows=100_000), time.process_time()
    outcome(match, 1e-5)
    assert time.process_time() - started < 1.5
