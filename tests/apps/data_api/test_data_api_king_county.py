"""The real sales: all of them, once, in order."""

import hashlib
from datetime import date
from itertools import pairwise

import pyarrow.parquet as pq
import pytest
from relevo_data_api.streams.king_county import (
    KingCounty,
    city_of_zip,
    house_prices_file,
    previous_sales,
)


@pytest.fixture(scope="module")
def sales():
    with pq.ParquetFile(house_prices_file()) as file:
        return sorted(
            file.read().to_pylist(), key=lambda sale: (sale["date"], sale["id"])
        )


@pytest.fixture(scope="module")
def stream():
    return KingCounty()


def batch(stream, number):
    return [row for chunk in stream.rows(number) for row in chunk]


def test_thirteen_batches_hold_all_21613_sales(stream):
    assert stream.batches == 13
    assert sum(stream.sizes) == 21_613
    assert [len(batch(stream, number)) for number in range(13)] == stream.sizes


def test_each_batch_is_a_calendar_month_in_order_of_date_then_house(stream, sales):
    months = [(2014, month) for month in range(5, 13)] + [
        (2015, month) for month in range(1, 6)
    ]
    for number, month in enumerate(months):
        expected = [
            sale for sale in sales if (sale["date"].year, sale["date"].month) == month
        ]
        rows = batch(stream, number)
        assert [(row.street, row.price) for row in rows] == [
            (sale["id"], sale["price"]) for sale in expected
        ]


def test_sums_equal_the_tables(stream, sales):
    rows = [row for number in range(13) for row in batch(stream, number)]
    assert sum(row.price for row in rows) == sum(sale["price"] for sale in sales)
    assert sum(row.bed for row in rows) == sum(sale["bedrooms"] for sale in sales)
    assert sum(row.bath for row in rows) == sum(sale["bathrooms"] for sale in sales)
    assert sum(row.house_size for row in rows) == sum(
        sale["sqft_living"] for sale in sales
    )
    assert sum(row.zip_code for row in rows) == sum(sale["zipcode"] for sale in sales)
    acres = sum(sale["sqft_lot"] for sale in sales) / 43_560
    assert sum(row.acre_lot for row in rows) == pytest.approx(acres, rel=1e-5)


def test_every_row_is_a_sale_in_washington_by_no_named_broker(stream):
    rows = batch(stream, 0)
    assert {(row.status, row.state, row.brokered_by) for row in rows} == {
        ("sold", "Washington", 0.0)
    }


def test_every_zip_of_the_table_has_a_city(sales):
    cities = city_of_zip()
    assert {sale["zipcode"] for sale in sales} == cities.keys()
    assert len(cities) == 70
    assert (cities[98004], cities[98052], cities[98103]) == (
        "Bellevue",
        "Redmond",
        "Seattle",
    )


def test_prev_sold_date_is_the_same_houses_last_sale_of_an_earlier_day():
    may, june, july = date(2014, 5, 2), date(2014, 6, 3), date(2014, 7, 4)
    houses = [7, 8, 7, 7, 8, 7]
    dates = [may, may, may, june, june, july]
    assert previous_sales(houses, dates) == [None, None, None, may, may, june]


def test_a_house_sold_twice_shows_its_earlier_sale(stream, sales):
    rows = [row for number in range(13) for row in batch(stream, number)]
    earlier = [
        (sale, row) for sale, row in zip(sales, rows, strict=True) if row.prev_sold_date
    ]
    assert len(earlier) == 177
    sold = {(sale["id"], sale["date"].isoformat()) for sale in sales}
    for sale, row in earlier:
        assert row.prev_sold_date < sale["date"].isoformat()
        assert (sale["id"], row.prev_sold_date) in sold


def test_batch_rows_splits_months_and_loses_no_sale(stream):
    cut = KingCounty(batch_rows=1_000)
    assert max(cut.sizes) <= 1_000
    assert sum(cut.sizes) == 21_613
    assert cut.identity != stream.identity
    whole = [row for number in range(2) for row in batch(stream, number)]
    parts = [row for number in range(5) for row in batch(cut, number)]
    assert parts == whole
    assert all(abs(a - b) <= 1 for a, b in pairwise(cut.sizes[:2]))


@pytest.mark.parametrize(
    ("number", "digest"),
    [
        (0, "12501e1430aeac8e864f8523e93e3e5a4695cb1c68d602f5f86fa9a8384d61f2"),
        (1, "dfb69541e09cc65d24a30cd216649fcad983b0fd3da6b54583de73e8b5327f68"),
        (2, "5dbc4820df71d2c6df650b2e50ae897a590fce3081534d19d5865659ad3d2573"),
    ],
)
def test_the_first_months_are_the_same_bytes_as_ever(stream, number, digest):
    assert hashlib.sha256(b"".join(stream.stream(number))).hexdigest() == digest
