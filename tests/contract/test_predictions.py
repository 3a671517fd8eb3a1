"""The store of logged predictions, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from relevo.adapters.sql.predictions import SqlPredictions
from relevo.adapters.sql.warehouse import SqlWarehouse
from relevo.domain.prediction import LiveError, Minute
from relevo.errors import LinesRefused, StoreUnavailable
from tests.servers import free_port
from tests.servers.postgres import Postgres

BEGIN = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)


def receipt(number: int) -> str:
    return f"{number:032x}"


def line(number: int, **over: Any) -> bytes:
    at = BEGIN + timedelta(seconds=number)
    logged: dict[str, Any] = {
        "receipt": receipt(number),
        "case": "flats",
        "environment": "prod",
        "at": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "version": "3",
        "input": {"rooms": 2, "city": 'Bogotá "D.C."\n\\', "area": 61.5, "note": None},
        "output": 100.0 + number,
        "output_text": None,
        "status": 200,
        "error": "",
        "latency_ms": 0.25,
    }
    return json.dumps(logged | over, ensure_ascii=False).encode() + b"\n"


@pytest.fixture
def store(
    warehouse_url: str, empty_warehouse: SqlWarehouse
) -> Iterator[SqlPredictions]:
    empty_warehouse.migrate()
    store = SqlPredictions(warehouse_url)
    yield store
    store.close()


@pytest.fixture
def own_tables(postgres_database: str) -> Iterator[SqlPredictions]:
    warehouse = SqlWarehouse(postgres_database)
    warehouse.migrate()
    warehouse.close()
    store = SqlPredictions(postgres_database)
    yield store
    store.close()


def test_a_line_comes_out_as_it_went_in(store: SqlPredictions) -> None:
    assert store.ship(line(1)) == 1
    assert store.find(receipt(1)) == {**json.loads(line(1)), "label": None}
    assert store.find(receipt(2)) is None


def test_a_failed_prediction_and_a_class_are_kept(store: SqlPredictions) -> None:
    lines = line(1, output=None, status=500, error="the model failed") + line(
        2, output=0.75, output_text="setosa"
    )
    assert (
        store.ship(
            lines + line(3, version=None, latency_ms=None, at="2026-11-21T13:00:03Z")
        )
        == 3
    )
    found = [store.find(receipt(number)) for number in (1, 2, 3)]
    assert [
        (f["output"], f["output_text"], f["status"], f["error"]) for f in found if f
    ] == [
        (None, None, 500, "the model failed"),
        (0.75, "setosa", 200, ""),
        (103.0, None, 200, ""),
    ]
    assert found[2] is not None
    assert (found[2]["version"], found[2]["at"]) == (
        None,
        "2026-11-21T13:00:03.000000Z",
    )


def test_lines_that_are_shipped_again_are_stored_once(store: SqlPredictions) -> None:
    assert store.ship(line(1) + line(2)) == 2
    assert store.ship(line(1) + line(2) + line(3)) == 1
    assert len(store.recent("flats", "prod", 10)) == 3


def test_a_receipt_twice_in_one_flush_is_stored_once(store: SqlPredictions) -> None:
    assert store.ship(line(1) + line(1)) == 1


def test_many_lines_go_in_one_flush(store: SqlPredictions) -> None:
    assert store.ship(b"".join(line(number) for number in range(20_000))) == 20_000


def test_characters_that_no_database_can_hold_lose_no_line(
    store: SqlPredictions,
) -> None:
    odd = {
        "nul": "a\0b",
        "half": "\ud800",
        "pair": "😀",
        "text": "\\u0000",
        "both": "\\\0",
    }
    escaped = (
        json.dumps(json.loads(line(1)) | {"input": odd, "error": "\0"}).encode() + b"\n"
    )
    assert b"\\ud83d\\ude00" in escaped
    assert store.ship(line(0) + escaped + line(2)) == 3
    found = store.find(receipt(1))
    assert found is not None
    assert found["input"] == {
        "nul": "a�b",
        "half": "�",
        "pair": "😀",
        "text": "\\u0000",
        "both": "\\�",
    }
    assert found["error"] == "�"


@pytest.mark.parametrize(
    "broken",
    [b"{\n", b"\n", b"\\.\n", b'"text"\n', b"{}\n", b'{"receipt": "\xff"}\n', b"\x01\n", b"{}\x02{}\n", b"[]\n", line(9, case=None)],
)  # fmt: skip
def test_lines_that_cannot_be_stored_are_refused_whole(
    store: SqlPredictions, broken: bytes
) -> None:
    with pytest.raises(LinesRefused, match=r"cannot hold a line|lines arrived"):
        store.ship(line(1) + broken + line(2))
    assert store.recent("flats", "prod", 10) == []
    assert store.ship(line(1)) == 1


@pytest.mark.parametrize(
    "odd", [{"at": "soon"}, {"output": "much"}, {"output": 10**400}]
)
def test_postgresql_refuses_what_is_of_another_type(
    own_tables: SqlPredictions, odd: dict[str, Any]
) -> None:
    with pytest.raises(LinesRefused, match=r"PostgreSQL .*cannot hold a line"):
        own_tables.ship(line(1) + line(9, **odd))
    assert own_tables.recent("flats", "prod", 10) == []


def test_the_newest_label_counts(store: SqlPredictions) -> None:
    store.label([(receipt(1), "90")])  # before its prediction
    store.ship(line(1))
    assert (found := store.find(receipt(1))) is not None
    assert (label := found["label"]) is not None
    assert label["truth"] == "90"
    store.label([(receipt(1), "91"), (receipt(1), "92"), (receipt(7), "x\0")])
    assert (corrected := store.find(receipt(1))) is not None
    assert (newest := corrected["label"]) is not None
    assert newest["truth"] == "92"
    assert newest["at"] > label["at"]
    with store.database.reading() as connection:
        kept = (
            connection.execute(
                sa.select(store.database.tables.labels.c.truth).order_by("at")
            )
            .scalars()
            .all()
        )
    assert list(kept) == ["90", "91", "92", "x�"]
    store.label([])


def test_live_error_is_measured_on_what_is_known(store: SqlPredictions) -> None:
    others = (
        line(6, case="houses")
        + line(7, environment="dev")
        + line(8, status=500, output=None)
    )
    store.ship(b"".join(line(number) for number in range(6)) + others)
    store.label([(receipt(number), "100") for number in (1, 6, 7, 8)])
    store.label(
        [
            (receipt(2), "1"),
            (receipt(3), "0"),
            (receipt(4), "unknown"),
            (receipt(0), "5000"),
        ]
    )
    store.label([(receipt(2), "2.04e2")])
    found = store.live_error(
        "flats", "prod", BEGIN + timedelta(seconds=1), "regression"
    )
    assert (found.rows, found.accuracy) == (3, None)
    assert found.mean_absolute == pytest.approx((1 + 102 + 103) / 3)
    assert found.mean_absolute_percentage == pytest.approx((0.01 + 0.5) / 2)
    assert found.capped_percentage == found.mean_absolute_percentage
    store.label([(receipt(2), "1")])
    found = store.live_error("flats", "prod", BEGIN, "regression")
    assert found.mean_absolute_percentage > 30
    assert found.capped_percentage < 1


def test_live_accuracy_is_measured_on_what_is_known(store: SqlPredictions) -> None:
    store.ship(b"".join(line(number, output_text="setosa") for number in range(4)))
    store.label(
        [
            (receipt(0), "setosa"),
            (receipt(1), "virginica"),
            (receipt(2), "virginica"),
            (receipt(9), "setosa"),
        ]
    )
    store.label([(receipt(2), "setosa")])
    found = store.live_error("flats", "prod", BEGIN, "classification")
    assert found.rows == 3
    assert found.accuracy == pytest.approx(2 / 3)


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_live_error_of_nothing_is_unknown(store: SqlPredictions, task: Any) -> None:
    store.ship(line(1))
    assert store.live_error("flats", "prod", BEGIN, task) == LiveError(0)


def test_recent_predictions_come_newest_first_with_their_labels(
    store: SqlPredictions,
) -> None:
    store.ship(
        b"".join(line(number) for number in range(5)) + line(8, environment="dev")
    )
    store.label([(receipt(3), "7")])
    found = store.recent("flats", "prod", 3)
    assert [prediction["receipt"] for prediction in found] == [
        receipt(4),
        receipt(3),
        receipt(2),
    ]
    assert [(p["label"] or {}).get("truth") for p in found] == [None, "7", None]


def test_minutes_tell_volume_and_latency(store: SqlPredictions) -> None:
    lines = (
        line(0, latency_ms=1.0)
        + line(59, latency_ms=3.0)
        + line(60, status=500, output=None)
    )
    store.ship(lines + line(61, latency_ms=None) + line(200, environment="dev"))
    assert store.minutes("flats", "prod", BEGIN) == [
        Minute(BEGIN, 2, 0, 2.0, 3.0),
        Minute(BEGIN + timedelta(minutes=1), 2, 1, 0.25, 0.25),
    ]
    assert store.minutes("flats", "prod", BEGIN + timedelta(hours=1)) == []


def test_a_database_without_tables_is_named_and_gets_none(warehouse_url: str) -> None:
    store = SqlPredictions(warehouse_url)
    for use in (
        lambda: store.ship(line(1)),
        lambda: store.find(receipt(1)),
        lambda: store.label([("a", "b")]),
    ):
        with pytest.raises(
            StoreUnavailable, match=r"no tables for predictions yet.*relevo run"
        ):
            use()
    store.close()


def test_rights_that_are_missing_are_named(own_tables: SqlPredictions) -> None:
    with own_tables.database.writing(None) as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS reader")
        connection.exec_driver_sql("CREATE ROLE reader LOGIN")
    reader = SqlPredictions(
        own_tables.database.url.set(username="reader").render_as_string()
    )
    for use in (lambda: reader.ship(line(1)), lambda: reader.find(receipt(1))):
        with pytest.raises(
            StoreUnavailable, match="needs SELECT and INSERT on the schema predictions"
        ):
            use()
    reader.close()
    with own_tables.database.writing(None) as connection:
        connection.exec_driver_sql("DROP ROLE reader")


def test_a_database_that_is_away_is_not_waited_for() -> None:
    store = SqlPredictions(f"postgresql://me:secret@127.0.0.1:{free_port()}/flats")
    for use in (
        lambda: store.ship(line(1)),
        lambda: store.find(receipt(1)),
        lambda: store.label([("a", "b")]),
    ):
        with pytest.raises(StoreUnavailable, match="see that it runs"):
            use()


def test_a_database_that_comes_back_takes_the_next_flush(
    own_postgres: Postgres,
) -> None:
    warehouse = SqlWarehouse(own_postgres.url)
    warehouse.migrate()
    warehouse.close()
    store = SqlPredictions(own_postgres.url)
    assert store.ship(line(1)) == 1
    own_postgres.kill()
    with pytest.raises(StoreUnavailable):
        store.ship(line(2))
    own_postgres.start()
    assert store.ship(line(1) + line(2)) == 1
    store.close()


def test_shipping_needs_neither_arrow_nor_pandas() -> None:
    script = (
        "import sys, relevo.adapters.sql.predictions, relevo.serving.log.prediction_log; "
        "print({'pyarrow', 'pandas', 'alembic', 'mlflow', 'boto3'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "set()"
