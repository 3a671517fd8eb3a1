"""Rows on their way through the warehouse: RAW as they arrived, CLEAN, and frames for models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from relevo.adapters.sql import copying, sqlite_rows
from relevo.adapters.sql.case_tables import clean_table, raw_table
from relevo.adapters.sql.warehouse import SqlWarehouse
from relevo.domain.arrival import BadCell
from relevo.domain.batch import Batch
from relevo.domain.contract import (
    Column,
    boolean,
    category,
    date,
    integer,
    number,
    text,
)
from relevo.domain.identity import Split
from relevo.domain.use_case import UseCase
from relevo.errors import UseCaseBroken
from relevo.loop.prepare import prepare
from tests.contract.flats import (
    COLUMNS,
    FLATS,
    ROWS,
    flats,
    good_rows,
    load,
    many_flats,
    record_batch,
)

ALL_SIDES = list(Split)


def test_rows_come_back_as_they_arrived(warehouse: SqlWarehouse) -> None:
    batch = load(warehouse)
    expected = [
        dict(zip(ROWS, values, strict=True))
        for values in zip(*ROWS.values(), strict=True)
    ]
    for position, row in enumerate(expected):
        row["position"] = position
        del row["_rest"]
    assert good_rows(warehouse, batch) == expected


def test_rows_with_a_bad_cell_are_kept_and_left_out(warehouse: SqlWarehouse) -> None:
    load(warehouse, number=1, bad=[BadCell(0, "rent", "", "is missing")])
    batch = load(
        warehouse,
        number=2,
        bad=[
            BadCell(1, "rent", "", "is missing"),
            BadCell(1, "city", "", "is missing"),
        ],
    )
    assert [row["position"] for row in good_rows(warehouse, batch)] == [0, 2, 3]


def _rest(warehouse: SqlWarehouse, batch: Batch) -> list[Any]:
    query = f"SELECT _rest FROM {raw_table(FLATS, warehouse.database.dialect).sql} WHERE batch_id = {batch.id} ORDER BY position"
    with warehouse.database.reading() as connection:
        return [
            json.loads(row[0]) if row[0] else None
            for row in connection.exec_driver_sql(query)
        ]


def test_what_a_database_cannot_hold_is_shown_and_its_original_kept(
    warehouse: SqlWarehouse,
) -> None:
    halves = pa.array(["a\x00b", None, "fine", "é"])
    surrogate = pa.Array.from_buffers(
        pa.string(),
        4,
        [
            None,
            pa.py_buffer(b"\0\0\0\0" * 4 + b"\3\0\0\0"),
            pa.py_buffer(b"\xed\xa0\x80"),
        ],
    )
    late = pa.array([None, 2**62, 0, None], pa.int64()).cast(pa.timestamp("us"))
    rows = record_batch()
    for name, values in (("city", halves), ("note", surrogate), ("listed", late)):
        rows = rows.set_column(rows.schema.get_field_index(name), name, values)
    batch = load(warehouse, rows)
    stored = good_rows(warehouse, batch)
    assert [row["city"] for row in stored] == ["a\ufffdb", None, "fine", "é"]
    assert stored[3]["note"] == "\ufffd" * 3
    assert [row["listed"] for row in stored] == [None, None, datetime(1970, 1, 1), None]
    rest = _rest(warehouse, batch)
    assert rest[0] == {"city": "a\x00b"}
    assert rest[1] == {"more": 1, "listed": f"{2**62} microseconds since 1970"}
    assert set(rest[3]) == {"note"}


def test_not_a_number_is_missing_on_every_database(warehouse: SqlWarehouse) -> None:
    batch = load(
        warehouse, record_batch({"rent": [float("nan"), 1.0], "city": ["a", "b"]})
    )
    assert [row["rent"] for row in good_rows(warehouse, batch)] == [None, 1.0]


def test_moments_with_a_time_zone_and_dictionaries_are_understood(
    warehouse: SqlWarehouse,
) -> None:
    bogota = datetime(2020, 1, 1, 20, tzinfo=timezone(timedelta(hours=-5)))
    rows = pa.RecordBatch.from_pydict(
        {
            "rent": pa.array([1, 2], pa.int32()),
            "city": pa.array(["a", "b"]).dictionary_encode(),
            "listed": pa.array([bogota, None], pa.timestamp("ms", "America/Bogota")),
        }
    )
    first, _ = good_rows(warehouse, load(warehouse, rows))
    assert (first["rent"], first["city"], first["listed"]) == (
        1.0,
        "a",
        datetime(2020, 1, 2, 1),
    )
    assert first["listed"].replace(tzinfo=UTC) == bogota


ODD = (
    "select", "Upper Case", 'quo"te', "per%cent %s", "col:on", "ñandú 日本", "x" * 63, "x" * 64, "é" * 60, "a;--", "semi'",
    "Identity", "Position", "price", "Price", "PRICE", "(b)", " ", "new\nline", "",
)  # fmt: skip


def test_columns_may_be_called_anything(empty_warehouse: SqlWarehouse) -> None:
    columns = [number("rent"), category("city"), *(integer(name) for name in ODD)]
    case = flats(columns, [column.name for column in columns[2:]])
    empty_warehouse.migrate()
    empty_warehouse.prepare_case(case)
    empty_warehouse.prepare_case(case)
    rows = {
        "rent": [1.0],
        "city": ["a"],
        **{column.name: [place] for place, column in enumerate(columns[2:])},
    }
    batch = load(empty_warehouse, record_batch(rows, case), case=case)
    (stored,) = good_rows(empty_warehouse, batch, case)
    assert stored == {"position": 0} | {
        name: values[0] for name, values in rows.items()
    }
    _write(empty_warehouse, case, batch, dict(rows.items()))
    frame = empty_warehouse.rows.frame(case, [batch.id], ALL_SIDES)
    assert {name: values.tolist() for name, values in frame.numbers.items()} == {
        column.name: [float(place)] for place, column in enumerate(columns[2:])
    }


def _write(
    warehouse: SqlWarehouse, case: UseCase, batch: Batch, rows: dict[str, list[Any]]
) -> None:
    """CLEAN rows of a contract whose columns may be called as Relevo's own are."""
    clean = clean_table(case, warehouse.database.dialect)
    own = [[batch.id], [0], [17], ["train"]]
    arrays = [
        pa.array(v, field.type)
        for v, field in zip([*own, *rows.values()], clean.schema, strict=True)
    ]
    warehouse.rows.write_clean(
        case, batch, iter([pa.RecordBatch.from_arrays(arrays, schema=clean.schema)])
    )


def test_a_contract_may_gain_columns_and_widen_whole_numbers(
    warehouse: SqlWarehouse,
) -> None:
    before = load(warehouse, number=0)
    columns = [
        number("rooms", nullable=True) if c.name == "rooms" else c for c in COLUMNS
    ]
    wider = flats([*columns, category("street", nullable=True)], ["rooms", "street"])
    warehouse.prepare_case(wider)
    after = load(
        warehouse,
        record_batch(
            {"rent": [1.0], "city": ["a"], "rooms": [2.5], "street": ["b"]}, wider
        ),
        1,
        case=wider,
    )
    assert [row["street"] for row in good_rows(warehouse, before, wider)] == [None] * 4
    (row,) = good_rows(warehouse, after, wider)
    assert (row["rooms"], row["street"]) == (2.5, "b")
    assert [row["rooms"] for row in good_rows(warehouse, before, wider)] == [
        2.0**62,
        -3.0,
        None,
        0.0,
    ]
    prepare(wider, after, warehouse.rows)
    assert warehouse.rows.frame(wider, [after.id], ALL_SIDES).numbers[
        "rooms"
    ].tolist() == [2.5]


@pytest.mark.parametrize(
    "column", [category("rent"), boolean("rent"), integer("rent"), date("rent")]
)
def test_a_column_that_changes_its_kind_is_refused_by_name(
    warehouse: SqlWarehouse, column: Column
) -> None:
    with pytest.raises(UseCaseBroken, match=r"flats: column 'rent' is stored as"):
        warehouse.prepare_case(flats([column, *COLUMNS[1:]]))


def test_clean_rows_are_replaced_whole(warehouse: SqlWarehouse) -> None:
    batch, other = load(warehouse, many_flats(100)), load(warehouse, many_flats(50), 1)
    assert (
        prepare(FLATS, batch, warehouse.rows)
        == prepare(FLATS, batch, warehouse.rows)
        == 100
    )
    assert prepare(FLATS, other, warehouse.rows) == 50
    assert sum(warehouse.rows.count_clean(FLATS, [batch.id]).values()) == 100
    assert warehouse.rows.write_clean(FLATS, batch, iter(())) == 0
    assert sum(warehouse.rows.count_clean(FLATS, [batch.id, other.id]).values()) == 50


def test_clean_rows_that_cannot_be_made_leave_those_before(
    warehouse: SqlWarehouse,
) -> None:
    batch = load(warehouse, many_flats(20))
    prepare(FLATS, batch, warehouse.rows)

    def chunks() -> Iterator[pa.RecordBatch]:
        raise RuntimeError("no more memory")
        yield

    with pytest.raises(RuntimeError, match="no more memory"):
        warehouse.rows.write_clean(FLATS, batch, chunks())
    assert sum(warehouse.rows.count_clean(FLATS, [batch.id]).values()) == 20


def test_sides_are_counted(warehouse: SqlWarehouse) -> None:
    batch = load(warehouse, many_flats(2000))
    prepare(FLATS, batch, warehouse.rows)
    counts = warehouse.rows.count_clean(FLATS, [batch.id])
    assert sum(counts.values()) == 2000
    assert 1200 < counts[Split.TRAIN] < 1600
    assert counts[Split.TEST] > 250
    assert counts[Split.VALIDATION] > 100
    assert warehouse.rows.count_clean(FLATS, []) == dict.fromkeys(Split, 0)


def test_a_frame_has_the_rows_with_a_target_as_a_model_sees_them(
    warehouse: SqlWarehouse,
) -> None:
    batch = load(warehouse)
    prepare(FLATS, batch, warehouse.rows)
    frame = warehouse.rows.frame(FLATS, [batch.id], ALL_SIDES)
    assert frame.target.tolist() == [700.0, 800.5, 1e300]
    assert frame.categories["city"].strings().tolist() == [
        "Cádiz",
        "",
        'say "hi",\n\\.\nthen go',
    ]
    assert frame.categories["city"].categories == ("Cádiz", 'say "hi",\n\\.\nthen go')
    assert frame.categories["zip"].strings().tolist() == ["00601", "99999", "00002"]
    np.testing.assert_array_equal(frame.numbers["garden"], np.float32([1, 0, 1]))
    np.testing.assert_array_equal(
        frame.numbers["size"], np.float32([np.inf, -0.1, 1 / 3])
    )
    np.testing.assert_array_equal(frame.numbers["rooms"], np.float32([2**62, -3, 0]))
    np.testing.assert_allclose(
        frame.numbers["listed"], [16192, -719162, 18321.999], rtol=1e-6
    )
    assert all(values.dtype == np.float32 for values in frame.numbers.values())
    assert (frame.identity.dtype, frame.batch.dtype, frame.batch.tolist()) == (
        np.int64,
        np.int32,
        [batch.id] * 3,
    )
    assert list(frame.numbers) == list(FLATS.numbers)
    assert list(frame.categories) == list(FLATS.categories)


def test_a_frame_keeps_batches_and_rows_in_order_and_can_be_had_again(
    warehouse: SqlWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BLOCK_BYTES", 2000)
    monkeypatch.setattr(sqlite_rows, "BLOCK_ROWS", 50)
    rows = many_flats(300)
    second, first = load(warehouse, rows, 1), load(warehouse, rows.slice(0, 120), 0)
    for batch in (first, second):
        prepare(FLATS, batch, warehouse.rows)
    frame, again = (
        warehouse.rows.frame(FLATS, [first.id, second.id], ALL_SIDES) for _ in range(2)
    )
    assert frame.batch.tolist() == [second.id] * 300 + [first.id] * 120
    assert (
        frame.target.tolist()
        == rows["rent"].to_pylist() + rows["rent"].to_pylist()[:120]
    )
    assert frame.categories["city"].categories == tuple(
        sorted(set(rows["city"].to_pylist()))
    )
    assert again.categories["city"].categories == frame.categories["city"].categories
    np.testing.assert_array_equal(
        again.categories["city"].codes, frame.categories["city"].codes
    )
    train, test = (
        warehouse.rows.frame(FLATS, [first.id, second.id], [side])
        for side in (Split.TRAIN, Split.TEST)
    )
    assert not set(train.identity.tolist()) & set(test.identity.tolist())


def test_a_stream_that_is_left_early_leaves_nothing_behind(
    warehouse: SqlWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BLOCK_BYTES", 500)
    monkeypatch.setattr(sqlite_rows, "BLOCK_ROWS", 50)
    batch = load(warehouse, many_flats(3000))
    for _ in range(20):
        reader = warehouse.rows.good(FLATS, batch)
        assert next(reader)["position"][0].as_py() == 0
        reader.close()  # type: ignore[attr-defined]
    assert len(good_rows(warehouse, batch)) == 3000


def test_about_max_rows_are_chosen_by_identity_and_not_by_side(
    warehouse: SqlWarehouse,
) -> None:
    batch = load(warehouse, many_flats(20_000))
    prepare(FLATS, batch, warehouse.rows)
    for sides in (ALL_SIDES, [Split.TEST]):
        whole = warehouse.rows.frame(FLATS, [batch.id], sides)
        some = warehouse.rows.frame(FLATS, [batch.id], sides, max_rows=len(whole) // 4)
        assert abs(len(some) - len(whole) / 4) < len(whole) * 0.05
        assert not set(some.identity.tolist()) & (
            set(whole.identity.tolist()) - set(some.identity.tolist())
        )
        assert len(
            warehouse.rows.frame(FLATS, [batch.id], sides, max_rows=10**6)
        ) == len(whole)
        kept = np.isin(whole.identity, some.identity)
        np.testing.assert_array_equal(whole.target[kept], some.target)


def test_a_frame_of_nothing_is_empty(warehouse: SqlWarehouse) -> None:
    batch = load(warehouse)
    for frame in (
        warehouse.rows.frame(FLATS, [], ALL_SIDES),
        warehouse.rows.frame(FLATS, [batch.id], ALL_SIDES, max_rows=5),
        warehouse.rows.frame(FLATS, [batch.id], []),
    ):
        assert (
            len(frame)
            == len(frame.numbers["size"])
            == len(frame.categories["city"])
            == 0
        )


@pytest.mark.parametrize(
    ("column", "values", "codes", "classes"),
    [
        (category("kind"), ["oak", "ash", None, "oak"], [1, 0, 1], ("ash", "oak")),
        (integer("kind"), [10, 9, None, 10], [1, 0, 1], ("9", "10")),
        (boolean("kind"), [True, False, None, True], [1, 0, 1], ("0", "1")),
    ],
)
def test_classes_are_codes_into_their_names_in_order(
    empty_warehouse: SqlWarehouse,
    column: Column,
    values: list[Any],
    codes: list[int],
    classes: tuple[str, ...],
) -> None:
    case = flats(
        [column, category("city"), text("note")],
        ["city"],
        target="kind",
        task="classification",
    )
    empty_warehouse.migrate()
    empty_warehouse.prepare_case(case)
    batch = load(
        empty_warehouse,
        record_batch({"kind": values, "city": list("abcd")}, case),
        case=case,
    )
    prepare(case, batch, empty_warehouse.rows)
    frame = empty_warehouse.rows.frame(case, [batch.id], ALL_SIDES)
    assert (frame.target.tolist(), frame.classes) == (codes, classes)
