from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from relevo.domain.frame import Frame
from relevo.domain.use_case import Fitted
from relevo.errors import RelevoError
from relevo.learning.candidates import BoostedTrees, LinearBaseline
from relevo.learning.choose import choose
from relevo.learning.folds import fold_of, lowest, split_off
from tests.unit.learning.tables import halves, houses, iris, nothing_of

TREES = BoostedTrees(rounds=60)


@dataclass
class Watched:
    """The baseline, that remembers which rows it was given."""

    name: str = "watched"
    trained: list[set[int]] = field(default_factory=list)
    stopped: list[set[int]] = field(default_factory=list)

    def fit(
        self, train: Frame, validation: Frame, seed: int, *, log_target: bool = False
    ) -> Fitted:
        self.trained.append(set(train.identity.tolist()))
        self.stopped.append(set(validation.identity.tolist()))
        return LinearBaseline(name=self.name).fit(
            train, validation, seed, log_target=log_target
        )


@dataclass
class Broken:
    name: str = "broken"

    def fit(
        self, train: Frame, validation: Frame, seed: int, *, log_target: bool = False
    ) -> Fitted:
        raise ZeroDivisionError("by zero")


def test_the_better_candidate_is_chosen_and_all_scores_are_told() -> None:
    train, validation = halves(houses())
    told: list[str] = []
    choice = choose(
        [LinearBaseline(), TREES],
        train,
        validation,
        7,
        log_target=True,
        progress=told.append,
    )
    assert choice.model.name == "boosted_trees"
    assert choice.scores["boosted_trees"] < choice.scores["linear_baseline"]
    assert any("cross-validation" in text for text in told)


def test_scores_depend_on_training_rows_alone() -> None:
    train, validation = halves(houses())
    poisoned = replace(validation, target=np.full(len(validation), 1e-3))
    scores = [
        choose([LinearBaseline(), TREES], train, rows, 7, log_target=True).scores
        for rows in (validation, poisoned, nothing_of(validation))
    ]
    assert scores[0] == scores[1] == scores[2]


def test_a_house_is_never_on_both_sides_of_a_fold() -> None:
    train, validation = halves(houses())
    train = replace(train, identity=np.repeat(train.identity[::2], 2)[: len(train)])
    watched = Watched()
    choose([watched, LinearBaseline()], train, validation, 7, log_target=True)
    houses_in_all = set(train.identity.tolist())
    for learned, stopped in zip(watched.trained[:3], watched.stopped[:3], strict=True):
        assert learned < houses_in_all
        assert not learned & stopped
        assert not stopped & set(validation.identity.tolist())


def test_of_many_rows_the_same_sample_is_taken_whatever_their_order() -> None:
    frame = houses()
    backwards = frame.take(np.arange(len(frame))[::-1])
    assert set(lowest(frame, 500, 1).identity) == set(
        lowest(backwards, 500, 1).identity
    )
    assert len(lowest(frame, 500, 1)) >= 500


def test_the_winner_learns_from_all_training_rows() -> None:
    train, validation = halves(houses())
    watched = Watched()
    choose([watched, Broken()], train, validation, 7, log_target=True, max_rows=300)
    assert watched.trained[-1] == set(train.identity.tolist())
    assert len(watched.trained[0]) < 350


def test_a_candidate_that_raises_is_out_and_its_error_is_on_record() -> None:
    train, validation = halves(houses())
    choice = choose([Broken(), LinearBaseline()], train, validation, 7, log_target=True)
    assert choice.model.name == "linear_baseline"
    assert choice.errors == {"broken": "ZeroDivisionError: by zero"}


@pytest.mark.parametrize(
    "candidates", [[Broken()], [Broken(), Broken("too")]], ids=["one", "two"]
)
def test_where_all_raise_it_is_an_error_that_says_why(candidates: list[Broken]) -> None:
    train, validation = halves(houses())
    with pytest.raises(RelevoError, match="by zero"):
        choose(candidates, train, validation, 7)


def test_two_candidates_of_one_name_are_refused() -> None:
    train, validation = halves(houses())
    with pytest.raises(RelevoError, match="name of its own"):
        choose([TREES, TREES], train, validation, 7)


def test_a_single_candidate_is_scored_without_cross_validation() -> None:
    train, validation = halves(houses())
    watched = Watched()
    choice = choose([watched], train, validation, 7, log_target=True)
    assert len(watched.trained) == 1
    assert 0 < choice.scores["watched"] < 1


def test_classes_are_chosen_by_log_loss() -> None:
    train, validation = halves(iris())
    choice = choose([LinearBaseline(), TREES], train, validation, 7)
    assert all(0 < score < 1 for score in choice.scores.values())


def test_folds_and_samples_know_nothing_of_each_other() -> None:
    identity = np.random.default_rng(5).integers(-(2**63), 2**63 - 1, 30_000)
    first, second = fold_of(identity, 3, 1), fold_of(identity, 3, 2)
    assert (
        np.abs(np.bincount(first * 3 + second, minlength=9) / 30_000 - 1 / 9).max()
        < 0.01
    )


def test_the_share_split_off_is_of_identities() -> None:
    kept, taken = split_off(houses(), 0.1, 1)
    assert 0.07 < len(taken) / len(houses()) < 0.13
    assert not set(kept.identity) & set(taken.identity)
