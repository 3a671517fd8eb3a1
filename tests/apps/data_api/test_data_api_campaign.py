"""The made-up campaign: exact sizes and bands, the same bytes each time, and little memory."""

import hashlib
import json
import time

import numpy as np
import psutil
import pytest
from relevo_data_api.cursor import Cursor
from relevo_data_api.streams.campaign import Campaign

SIZES = [73_784, 94_551, 230_366, 4_055, 320_696, 361_457]


@pytest.fixture(scope="module")
def campaign():
    return Campaign()


@pytest.fixture(scope="module")
def small():
    """A twentieth of the campaign, as rows of each batch."""
    stream = Campaign(scale=0.05)
    return [
        [row for chunk in stream.rows(number) for row in chunk] for number in range(6)
    ]


def test_the_six_batches_have_1084909_rows(campaign):
    assert campaign.sizes == SIZES
    assert sum(campaign.sizes) == 1_084_909
    assert [sum(map(len, campaign.rows(number))) for number in range(6)] == SIZES


def test_scale_and_batch_rows_make_fewer_rows_in_six_batches(small):
    assert [len(rows) for rows in small] == [round(size * 0.05) for size in SIZES]
    assert Campaign(batch_rows=10_000).sizes == [
        10_000,
        10_000,
        10_000,
        4_055,
        10_000,
        10_000,
    ]
    assert Campaign(scale=1e-9).sizes == [1] * 6


def test_the_smallest_batch_is_json_of_that_many_rows(campaign):
    body = json.loads(b"".join(campaign.stream(3, group_number=2)))
    assert (body["group_number"], body["batch_number"], len(body["data"])) == (
        2,
        3,
        4_055,
    )


def test_each_batch_keeps_to_its_band_status_and_state(small):
    statuses = [
        {"for_sale"},
        {"for_sale"},
        {"sold"},
        {"for_sale"},
        {"for_sale", "sold"},
        {"for_sale", "sold"},
    ]
    bands = [(1, 3e5), (5e4, 1e6), (1e4, 5e6), (1e4, 3e5), (3e5, 5e5), (5e5, 515e6)]
    for rows, status, (low, high) in zip(small, statuses, bands, strict=True):
        assert {row.status for row in rows} == status
        assert (
            low
            <= min(row.price for row in rows)
            <= max(row.price for row in rows)
            <= high
        )
    assert {row.state for row in small[3]} == {"Ohio"}
    assert (
        min(len({row.state for row in rows}) for rows in small if rows is not small[3])
        > 45
    )


def test_every_value_is_in_range_and_rounded_as_real_data_is(small):
    for row in (row for rows in small for row in rows):
        assert row.bed is None or (0 <= row.bed <= 200 and row.bed.is_integer())
        assert row.bath is None or (0 <= row.bath <= 200 and row.bath.is_integer())
        assert row.acre_lot is None or (
            0 <= row.acre_lot <= 100_000 and row.acre_lot == round(row.acre_lot, 2)
        )
        assert row.house_size is None or (
            1 <= row.house_size <= 1.1e6 and row.house_size.is_integer()
        )
        assert 1 <= row.price <= 1e9
        assert 501 <= row.zip_code <= 99_999
        assert (
            row.prev_sold_date is None
            or "1975-01-01" <= row.prev_sold_date <= "2022-04-30"
        )


def test_nulls_have_plausible_shares(small):
    rows = [row for batch in small for row in batch]
    share = {
        name: np.mean([getattr(row, name) is None for row in rows])
        for name in rows[0].__struct_fields__
    }
    assert (
        min(
            share[name]
            for name in ("bed", "bath", "acre_lot", "house_size", "prev_sold_date")
        )
        > 0.05
    )
    assert max(share.values()) < 0.5
    assert 0 < share["city"] < 0.005
    never = {"brokered_by", "status", "price", "street", "state", "zip_code"}
    assert {name for name in share if share[name] == 0} == never


def test_places_are_many_and_acres_have_a_long_tail(small):
    rows = [row for batch in small for row in batch]
    assert len({row.zip_code for row in rows}) > 4_000
    assert 1_800 < len({row.city for row in rows}) < 3_000
    assert len({row.state for row in rows}) == 52
    acres = np.array([row.acre_lot for row in rows if row.acre_lot is not None])
    assert np.median(acres) < 0.5
    assert acres.max() > 1_000


def test_price_depends_on_the_place_and_the_house(small):
    rows = [row for row in small[2] if row.house_size and row.bath and row.acre_lot]
    price = np.log([row.price for row in rows])
    by_state = {
        state: np.mean(price[[row.state == state for row in rows]])
        for state in ("California", "Ohio")
    }
    assert by_state["California"] > by_state["Ohio"] + 0.5
    assert np.corrcoef(price, np.log([row.house_size for row in rows]))[0, 1] > 0.3
    assert np.corrcoef(price, [row.bath for row in rows])[0, 1] > 0.3
    assert np.corrcoef(price, np.log([row.acre_lot for row in rows]))[0, 1] > 0.02


def test_some_rows_are_exact_copies(small):
    for rows in small[:3]:
        copies = len(rows) - len(set(rows))
        assert 0.003 < copies / len(rows) < 0.005


def test_some_houses_come_back_in_a_later_batch_at_a_new_price(small):
    seen = {(row.street, row.zip_code): row for row in small[0] + small[1]}
    back = [
        (seen[row.street, row.zip_code], row)
        for row in small[2]
        if (row.street, row.zip_code) in seen
    ]
    assert 0.005 < len(back) / len(small[2]) < 0.05
    for earlier, later in back:
        assert later.price != earlier.price
        same = ("city", "state", "house_size", "bed", "bath", "acre_lot")
        assert all(getattr(earlier, name) == getattr(later, name) for name in same)


def test_a_street_is_one_house(small):
    houses = {(row.street, row.zip_code) for rows in small for row in rows}
    assert len({street for street, _ in houses}) == len(houses)


def test_a_batch_is_the_same_bytes_alone_and_again(campaign):
    first = hashlib.sha256()
    for chunk in campaign.stream(1):
        first.update(chunk)
    assert hashlib.sha256(b"".join(Campaign().stream(1))).digest() == first.digest()
    assert b"".join(Campaign(seed=1).stream(3)) != b"".join(campaign.stream(3))


def test_the_default_campaign_has_not_changed(campaign):
    """Whoever recorded a batch's SHA-256 relies on it: a change here is a change of the data."""
    digest = hashlib.sha256(b"".join(campaign.stream(3, group_number=2))).hexdigest()
    assert digest == "bd80f16287c6f793272e8b6a89ae7c740f1373b1f2e75891afb30f5ac9aa3e5f"


@pytest.mark.parametrize(
    ("number", "digest"),
    [
        (0, "c5d2caa1ee053d631d1bb2bc4f8d9d3f5000539810e91e27748cf7fe8cb3ff9e"),
        (1, "0769a8bfd28ed7236be3e0d2176a4dabe062ffa7275aaf8f6c8ea2c73955124a"),
        (2, "2a8ac6be57b7d960c2e1e1e3881e10b334b5e283d101f033c128c92d1521bd5f"),
    ],
)
def test_the_first_batches_are_the_same_bytes_as_ever(campaign, number, digest):
    assert (
        hashlib.sha256(b"".join(campaign.stream(number, group_number=2))).hexdigest()
        == digest
    )


def test_a_large_batch_is_streamed_in_little_memory_even_to_a_slow_reader(
    campaign, spawn, state_dir
):
    state_dir.mkdir()
    Cursor(state_dir, 2, campaign.identity, campaign.batches).write(5)
    process = spawn(campaign_scale=1.0)
    memory = psutil.Process(process.popen.pid).memory_info
    before, most, rows, tail = memory().rss, 0, 0, b""
    with process.client.stream("GET", "/data", params={"group_number": 2}) as answer:
        chunks = answer.iter_raw()
        for number, chunk in enumerate(chunks):
            if number == 10:
                time.sleep(0.5)
            if number % 50 == 0:
                most = max(most, memory().rss)
            rows += (tail + chunk).count(b'"street"')
            tail = chunk[-7:]
    assert rows == SIZES[5]
    assert most - before < 60e6
    assert most < 300e6
