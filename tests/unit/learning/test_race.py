"""Candidates that are surely behind are not asked again; the rest of the folds decides between the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from relevo.learning.candidates import BoostedTrees, LinearBaseline
from relevo.learning.choose import choose, surely_worse
from tests.unit.learning.tables import halves, houses
from tests.unit.learning.test_choose import Watched


def test_a_clear_gap_is_settled_on_one_fold() -> None:
    train, validation = halves(houses())
    watched = Watched()
    choice = choose(
        [watched, BoostedTrees(rounds=60)], train, validation, 7, log_target=True
    )
    assert choice.model.name == "boosted_trees"
    assert len(watched.trained) == 1


def test_equal_candidates_meet_on_every_fold() -> None:
    train, validation = halves(houses())
    watched = Watched()
    choose([watched, LinearBaseline()], train, validation, 7, log_target=True)
    assert len(watched.trained) - 1 == 3


def test_equal_candidates_are_told_apart_by_chance_hardly_ever() -> None:
    random = np.random.default_rng(3)
    identity = np.arange(2_000)
    pairs = (random.exponential(size=(2, 2_000)) for _ in range(300))
    assert not any(surely_worse(one, other, identity) for one, other in pairs)


def test_rows_of_one_identity_count_as_one() -> None:
    random = np.random.default_rng(4)
    best = random.exponential(size=40)
    losses = best + 0.5 + random.normal(size=40)
    once, often = np.arange(40), np.repeat(np.arange(40), 200)
    assert not surely_worse(losses, best, once)
    assert surely_worse(np.repeat(losses, 200), np.repeat(best, 200), np.arange(8_000))
    assert not surely_worse(np.repeat(losses, 200), np.repeat(best, 200), often)


def test_a_candidate_that_answers_no_number_is_out() -> None:
    train, validation = halves(houses())

    class Silent(Watched):
        def fit(self, *args, **more):  # type: ignore[no-untyped-def]
            model = super().fit(*args, **more)
            return replace(model, start=np.full(1, np.nan), floor=None)

    choice = choose(
        [Silent("silent"), LinearBaseline()], train, validation, 7, log_target=True
    )
    assert choice.model.name == "linear_baseline"
    assert "not finite" in choice.errors["silent"]
