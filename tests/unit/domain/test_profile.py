"""The reference profile, and what is called drift."""

import json
import time

import numpy as np
import pytest

from relevo.domain.frame import Categorical, Frame
from relevo.domain.profile import (
    MOST_REMEMBERED,
    CategoryProfile,
    NumberProfile,
    Profile,
    drift,
    new_category_share,
    profile_of,
    psi,
)


def frame(numbers=None, categories=None, target=None, classes=()):
    numbers = {
        name: np.asarray(values, dtype=np.float32)
        for name, values in (numbers or {}).items()
    }
    categories = {
        name: Categorical.of(values) for name, values in (categories or {}).items()
    }
    rows = len(next(iter([*numbers.values(), *categories.values()])))
    target = (
        np.arange(rows, dtype=np.float64)
        if target is None
        else np.asarray(target, dtype=np.float64)
    )
    return Frame(
        numbers,
        categories,
        target,
        np.arange(rows),
        np.zeros(rows, dtype=np.int32),
        classes,
    )


def random_houses(seed, rows=5_000, shift=0.0):
    rng = np.random.default_rng(seed)
    size, beds = rng.lognormal(7.5 + shift, 0.4, rows), rng.integers(1, 7, rows)
    states = np.array(["Texas", "Ohio", "Maine", None], dtype=object)[
        rng.choice(4, rows, p=[0.5, 0.3, 0.15, 0.05])
    ]
    return frame(
        {"size": size, "beds": beds},
        {"state": list(states)},
        rng.lognormal(12 + shift, 0.5, rows),
    )


def test_rows_of_the_same_distribution_have_a_psi_near_zero():
    measured = drift(profile_of(random_houses(1), "price"), random_houses(2))
    assert set(measured) == {"size", "beds", "state", "price"}
    assert max(measured.values()) < 0.01


def test_shifted_rows_have_a_high_psi_only_where_they_shifted():
    measured = drift(profile_of(random_houses(1), "price"), random_houses(2, shift=0.5))
    assert measured["size"] > 0.25
    assert measured["price"] > 0.25
    assert measured["beds"] < 0.01
    assert measured["state"] < 0.01


def test_two_hundred_steady_rows_never_alarm():
    reference = profile_of(random_houses(1), "price")
    worst = [
        max(drift(reference, random_houses(seed, rows=200)).values())
        for seed in range(2, 102)
    ]
    assert max(worst) < 0.25
    assert np.mean(worst) < 0.06


def test_two_hundred_shifted_rows_do_alarm():
    assert (
        drift(
            profile_of(random_houses(1), "price"), random_houses(2, rows=200, shift=0.5)
        )["size"]
        > 0.25
    )


def test_a_word_that_becomes_common_is_drift():
    reference = profile_of(
        frame(categories={"state": ["Texas"] * 900 + ["Ohio"] * 100}), "price"
    )
    assert (
        drift(reference, frame(categories={"state": ["Texas"] * 400 + ["Ohio"] * 600}))[
            "state"
        ]
        > 0.25
    )


def test_values_that_go_missing_are_drift():
    reference = profile_of(frame({"size": np.arange(1_000)}), "price")
    gone = np.where(np.arange(1_000) % 2, np.arange(1_000), np.nan)
    assert drift(reference, frame({"size": gone}))["size"] > 0.25


def test_a_constant_that_takes_another_value_is_drift():
    reference = profile_of(frame({"tax": np.full(1_000, 3.0)}), "price")
    assert drift(reference, frame({"tax": np.full(1_000, 3.0)}))["tax"] == 0
    for other in (2.0, np.nextafter(np.float32(3), np.float32(4))):
        assert drift(reference, frame({"tax": np.full(1_000, other)}))["tax"] > 1


def test_few_distinct_values_are_their_own_bins():
    column = profile_of(
        frame({"beds": [1] * 700 + [2] * 200 + [4] * 100}), "price"
    ).columns["beds"]
    assert column.edges[:3] == (1, 2, 4)
    assert column.cells == (0, 700, 200, 100, 0, 0)


def test_quantile_bins_hold_as_many_rows_each_and_none_outside():
    column = profile_of(
        frame({"size": np.random.default_rng(1).permutation(1_000)}), "price"
    ).columns["size"]
    assert column.cells == (0, *[100] * 10, 0, 0)
    assert (column.low, column.high, column.mean) == (0, 999, 499.5)


def test_a_profile_on_a_reference_counts_on_its_bins_and_gives_the_same_psi():
    reference, newer = (
        profile_of(random_houses(1), "price"),
        random_houses(2, shift=0.2),
    )
    recounted = profile_of(newer, "price", reference=reference)
    assert recounted.rows == 5_000
    for name, value in drift(reference, newer).items():
        assert psi(reference.columns[name], recounted.columns[name].cells) == value
        assert sum(recounted.columns[name].cells) == 5_000


def test_words_beyond_the_commonest_are_counted_together():
    words = [f"w{i}" for i in range(40) for _ in range(100 - i)]
    column = profile_of(frame(categories={"city": words}), "price").columns["city"]
    assert column.categories == tuple(f"w{i}" for i in range(30))
    assert column.counts[-1] == sum(100 - i for i in range(30, 40))
    assert set(column.seen) == set(words)


def test_rare_words_that_come_and_go_are_no_drift():
    rng = np.random.default_rng(1)
    old, new = (
        [f"{zip_code:05}" for zip_code in rng.integers(0, 20_000, 1_000)]
        for _ in range(2)
    )
    assert (
        drift(
            profile_of(frame(categories={"zip": old}), "price"),
            frame(categories={"zip": new}),
        )["zip"]
        < 0.01
    )


def test_classes_of_a_target_drift_by_name_whatever_their_order():
    old = frame(
        {"x": np.ones(400)}, target=[0] * 300 + [1] * 100, classes=("lives", "dies")
    )
    same = frame(
        {"x": np.ones(400)}, target=[1] * 300 + [0] * 100, classes=("dies", "lives")
    )
    turned = frame(
        {"x": np.ones(400)}, target=[0] * 100 + [1] * 300, classes=("lives", "dies")
    )
    reference = profile_of(old, "event")
    assert drift(reference, same)["event"] == 0
    assert drift(reference, turned)["event"] > 0.25


def test_the_share_of_new_categories_counts_rows_and_names_the_worst_column():
    reference = profile_of(
        frame(
            categories={"city": ["Waco", "Lima"] * 5, "state": ["Texas", "Ohio"] * 5}
        ),
        "price",
    )
    newer = frame(
        categories={
            "city": [
                "Waco",
                "Reno",
                "Elko",
                "Lima",
                None,
                "Waco",
                "Waco",
                "Waco",
                "Waco",
                "Waco",
            ],
            "state": [
                "Texas",
                "Nevada",
                "Texas",
                "Ohio",
                "Ohio",
                "Ohio",
                None,
                "Ohio",
                "Ohio",
                "Ohio",
            ],
        }
    )
    assert new_category_share(reference, newer) == (0.2, "city")
    assert new_category_share(
        reference, frame(categories={"city": ["Waco"], "state": [None]})
    ) == (0.0, None)


def test_a_column_with_too_many_words_to_remember_says_nothing_about_new_ones():
    many = [str(i) for i in range(MOST_REMEMBERED + 1)]
    reference = profile_of(frame(categories={"street": many}), "price")
    assert len(reference.columns["street"].seen) == MOST_REMEMBERED
    assert new_category_share(
        reference, frame(categories={"street": [many[-1], "other"]})
    ) == (0.0, None)


def test_infinities_fall_outside_the_edges_and_out_of_the_mean():
    column = profile_of(
        frame({"size": [1.0, 2.0, 3.0, np.inf, -np.inf, np.nan]}), "price"
    ).columns["size"]
    assert column.cells == (1, 1, 1, 1, 1, 1)
    assert (column.low, column.high, column.mean) == (1, 3, 2)


def test_a_column_that_was_all_missing_drifts_when_values_come():
    reference = profile_of(frame({"size": np.full(500, np.nan)}), "price")
    assert drift(reference, frame({"size": np.full(500, np.nan)}))["size"] == 0
    assert drift(reference, frame({"size": np.arange(500)}))["size"] > 1


def test_an_empty_frame_has_a_profile_and_no_drift():
    empty = frame({"size": []}, {"state": []})
    full = frame({"size": [1.0]}, {"state": ["Ohio"]})
    assert profile_of(empty, "price").rows == 0
    assert drift(profile_of(full, "price"), empty) == {}
    assert drift(profile_of(empty, "price"), full) == {}
    assert new_category_share(profile_of(full, "price"), empty) == (0.0, None)


def test_rows_without_a_target_have_no_target_drift():
    reference = profile_of(random_houses(1), "price")
    live = random_houses(2)
    live.target[:] = np.nan
    assert set(drift(reference, live)) == {"size", "beds", "state"}


def test_a_feature_that_changed_its_kind_or_left_is_not_compared():
    reference = profile_of(frame({"zip": [1.0, 2.0], "size": [1.0, 2.0]}), "price")
    assert set(drift(reference, frame(categories={"zip": ["1", "2"]}))) == {"price"}
    with pytest.raises(TypeError, match="column of numbers"):
        reference.columns["zip"].count(Categorical.of(["1"]))


def test_a_profile_survives_json():
    profile = profile_of(random_houses(1, rows=300), "price")
    again = Profile.from_dict(
        json.loads(json.dumps(profile.to_dict(), allow_nan=False))
    )
    assert again == profile
    assert isinstance(again.columns["size"], NumberProfile)
    assert isinstance(again.columns["state"], CategoryProfile)


def test_a_profile_of_the_largest_batch_is_a_matter_of_tenths_of_a_second():
    rng, rows = np.random.default_rng(1), 361_457
    words = tuple(map(str, range(20_000)))
    categories = {
        name: Categorical(rng.integers(-1, 20_000, rows).astype(np.int32), words)
        for name in "abc"
    }
    numbers = {name: rng.lognormal(size=rows).astype(np.float32) for name in "uvwxy"}
    large = Frame(
        numbers,
        categories,
        rng.lognormal(size=rows),
        np.arange(rows),
        np.zeros(rows, dtype=np.int32),
    )
    started = time.process_time()
    profile_of(large, "price")
    assert time.process_time() - started < 1.0  # 0.1 s on an idle core
