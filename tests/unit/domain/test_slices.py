"""The groups of rows that no challenger may harm."""

from dataclasses import replace

import numpy as np

from relevo.domain.contest import Match, judge
from relevo.domain.evidence import Ruling
from relevo.domain.frame import Categorical, Frame
from relevo.domain.policy import Policy
from relevo.domain.slices import NEWEST, slices_of
from tests.unit.domain.matches import FIT


def houses(rows=1_000, **changes):
    rng = np.random.default_rng(1)
    states = Categorical(
        np.arange(rows, dtype=np.int32) % 3 - 1, ("Texas", "Ohio", "Maine")
    )
    numbers = {"bed": (np.arange(rows) % 8).astype(np.float32)}
    frame = Frame(
        numbers,
        {"state": states},
        rng.lognormal(12, 0.5, rows),
        np.arange(rows),
        np.repeat([1, 2], rows // 2),
    )
    return replace(frame, **changes)


def test_slices_are_words_bands_of_numbers_and_target_and_the_newest_batch():
    slices = slices_of(houses(), ("state", "bed"), 2, target_name="price")
    labels = list(slices)
    assert labels[:2] == ["state Texas", "state Ohio"]  # no house is in Maine
    assert [label.split(" ")[0] for label in labels[2:-1]] == ["bed"] * 4 + [
        "price"
    ] * 4
    assert labels[-1] == NEWEST
    assert slices[NEWEST].sum() == 500
    assert [int(slices[label].sum()) for label in labels[:2]] == [333, 333]
    for name in ("bed", "price"):
        assert (
            sum(
                mask.astype(int)
                for label, mask in slices.items()
                if label.startswith(name)
            )
            == 1
        ).all()


def test_only_the_commonest_words_of_a_category_are_slices():
    words = tuple(f"w{i}" for i in range(40))
    codes = np.repeat(np.arange(40, dtype=np.int32), 25)
    codes[:500] = 39
    slices = slices_of(
        houses(categories={"city": Categorical(codes, words)}), ("city",), 2
    )
    cities = [label for label in slices if label.startswith("city")]
    assert len(cities) == 10
    assert cities[0] == "city w39"


def test_classes_of_a_target_are_slices_by_name():
    target = (np.arange(1_000) % 2).astype(float)
    slices = slices_of(
        houses(target=target, classes=("lives", "dies")), (), 2, target_name="event"
    )
    assert list(slices) == ["event lives", "event dies", NEWEST]
    assert np.array_equal(slices["event dies"], target == 1)


def test_missing_and_constant_numbers_make_no_bands():
    for values in (np.full(1_000, np.nan), np.full(1_000, 3.0)):
        assert list(
            slices_of(
                houses(numbers={"bed": values.astype(np.float32)}), ("bed",), 2, bands=0
            )
        ) == [NEWEST]


def test_a_champion_that_only_knows_cheap_houses_does_not_hold_out_in_the_cheap_band():
    rng = np.random.default_rng(1)
    size = rng.normal(size=8_000)
    price = 12 + 0.7 * size + rng.normal(0, 0.5, 8_000)
    train, cheap = np.arange(8_000) < 4_000, price < 12
    answers = [
        np.polyval(np.polyfit(size[rows], price[rows], 3), size[~train])
        for rows in (train & cheap, train)
    ]
    holdout = houses(4_000, target=np.exp(price[~train]))
    losses = [np.abs(answer - price[~train]) for answer in answers]
    rulings = []
    for expected in (None, np.exp(answers).mean(axis=0)):
        slices = slices_of(holdout, (), 99, target_name="price", expected=expected)
        rulings.append(
            judge(
                Match(*losses, holdout.identity, slices=slices), FIT, Policy(), 1
            ).ruling
        )
    assert rulings == [Ruling.KEEP, Ruling.PROMOTE]
