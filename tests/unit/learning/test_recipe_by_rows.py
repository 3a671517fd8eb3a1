"""How trees are grown follows the number of rows without a jump."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from relevo_data_api.streams.campaign import Campaign

from relevo.domain.frame import Categorical, Frame
from relevo.domain.identity import identities
from relevo.learning.candidates import BoostedTrees
from relevo.learning.metrics import mean_loss, row_losses

JUMP = 40_000  # where the steps begin to grow
NUMBERS = ("bed", "bath", "acre_lot", "house_size")
CATEGORIES = ("city", "state", "zip_code")


@cache
def listings() -> Frame:
    rows = [row for chunk in Campaign().rows(0) for row in chunk]
    rows = [rows[index] for index in np.random.default_rng(5).permutation(len(rows))]

    def column(name: str) -> list[object]:
        return [getattr(row, name) for row in rows]

    return Frame(
        {name: np.array(column(name), dtype=np.float32) for name in NUMBERS},
        {
            name: Categorical.of([str(value) for value in column(name)])
            for name in CATEGORIES
        },
        np.array(column("price"), dtype=np.float64),
        identities("listings", [column("street")]),
        np.zeros(len(rows), np.int32),
    )


@pytest.mark.parametrize("log_target", [True, False])
def test_one_row_more_makes_no_worse_model(log_target: bool) -> None:
    frame = listings()
    validation = frame.take(np.arange(JUMP + 1, JUMP + 6_000))
    test = frame.take(np.arange(JUMP + 6_000, len(frame)))

    def lost(rows: int) -> float:
        train = frame.take(np.arange(rows))
        model = BoostedTrees().fit(train, validation, 7, log_target=log_target)
        losses = row_losses("regression", log_target, test.target, model.predict(test))
        return mean_loss("regression", log_target, losses)

    assert lost(JUMP + 1) < lost(JUMP) * 1.01


def test_a_million_rows_stay_a_matter_of_seconds() -> None:
    trees = BoostedTrees(rounds=8, steady_rows=10, max_depth=3)
    frame = listings().take(np.arange(3_000))
    model = trees.fit(frame, frame.take(np.arange(0)), 7, log_target=True)
    parameters = model.parameters()
    assert parameters["learning_rate"] == pytest.approx(0.2)
    assert parameters["max_depth"] == 5
    assert int(parameters["rounds"]) <= 3


def test_one_round_is_enough_of_a_logarithm_too_and_both_objectives_are_on_record() -> (
    None
):
    frame = listings().take(np.arange(2_000))
    parts = frame.take(np.arange(1_500)), frame.take(np.arange(1_500, 2_000))
    model = BoostedTrees(rounds=1).fit(*parts, 7, log_target=True)
    parameters = model.parameters()
    assert parameters["objective"] == "reg:squarederror"
    assert parameters["finish_objective"] == "reg:absoluteerror"
    assert (parameters["finish_rounds"], parameters["rounds"]) == (1, 2)
