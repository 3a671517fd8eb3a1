"""Databases that are away, drop in the middle or are full."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2.errors
import pytest
import sqlalchemy as sa

from relevo.adapters.sql import copying
from relevo.adapters.sql.faults import fault_of
from relevo.adapters.sql.warehouse import SqlWarehouse
from relevo.domain.arrival import BatchSummary, RawChunk
from relevo.domain.identity import Split
from relevo.errors import StoreUnavailable
from relevo.loop.prepare import prepare
from tests.contract.flats import (
    FLATS,
    SOURCE,
    good_rows,
    load,
    many_flats,
    record_batch,
)
from tests.servers import free_port
from tests.servers.postgres import Postgres


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    warehouse = SqlWarehouse(
        f"postgresql://me:secret@127.0.0.1:{free_port()}/flats", patience=0.5
    )
    started = time.monotonic()
    with pytest.raises(
        StoreUnavailable,
        match=r"PostgreSQL 'flats' at 127.0.0.1:\d+.*RELEVO_WAREHOUSE_URL",
    ) as refused:
        warehouse.migrate()
    assert "secret" not in str(refused.value)
    assert 0.2 < time.monotonic() - started < 5


def test_a_database_that_does_not_exist_is_not_waited_for(postgres_url: str) -> None:
    url = (
        sa.make_url(postgres_url)
        .set(database="no_such")
        .render_as_string(hide_password=False)
    )
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match="does not exist"):
        SqlWarehouse(url).migrate()
    assert time.monotonic() - started < 5


def test_a_database_that_cannot_hold_all_text_is_refused(postgres_url: str) -> None:
    admin = sa.create_engine(
        sa.make_url(postgres_url).set(drivername="postgresql+psycopg2"),
        isolation_level="AUTOCOMMIT",
        poolclass=sa.NullPool,
    )
    with admin.connect() as connection:
        connection.exec_driver_sql(
            "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
        )
        warehouse = SqlWarehouse(
            sa.make_url(postgres_url)
            .set(database="latin")
            .render_as_string(hide_password=False)
        )
        with pytest.raises(StoreUnavailable, match=r"'latin'.*LATIN1.*UTF8"):
            warehouse.migrate()
        warehouse.close()
        connection.exec_driver_sql("DROP DATABASE latin")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises((StoreUnavailable, OSError), match="file"):
        SqlWarehouse(
            f"sqlite:///{tmp_path / 'file' / 'warehouse.db'}", patience=1
        ).migrate()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "warehouse.db").write_text(
        "no database, but long enough to be mistaken for one" * 100
    )
    with pytest.raises(
        StoreUnavailable, match=r"warehouse.db: file is not a database.*restore"
    ):
        SqlWarehouse(f"sqlite:///{tmp_path / 'warehouse.db'}", patience=1).migrate()


def ready(server: Postgres, patience: float = 20) -> SqlWarehouse:
    warehouse = SqlWarehouse(server.url, patience=patience)
    warehouse.migrate()
    warehouse.prepare_case(FLATS)
    return warehouse


def back_after(server: Postgres, seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, server.start)
    timer.start()
    return timer


def test_a_database_that_is_back_within_the_patience_is_waited_for(
    own_postgres: Postgres,
) -> None:
    warehouse = ready(own_postgres)
    batch = load(warehouse)
    with warehouse.lease("flats", "run 1") as held:
        for step in (
            lambda: warehouse.attempts.open("flats", SOURCE),
            lambda: warehouse.batches.of("flats"),
            lambda: prepare(FLATS, batch, warehouse.rows),
            lambda: len(warehouse.rows.frame(FLATS, [batch.id], list(Split))),
            lambda: held.check(),
        ):
            own_postgres.stop()
            timer = back_after(own_postgres, 0.5)
            step()
            timer.join()
    assert len(warehouse.attempts.of("flats", SOURCE)) == 2


def test_a_database_that_drops_in_the_middle_of_a_load_is_no_loss(
    own_postgres: Postgres,
) -> None:
    warehouse = ready(own_postgres)
    attempt = warehouse.attempts.open("flats", SOURCE)

    def chunks() -> Iterator[RawChunk]:
        for first in range(0, 40, 4):
            yield RawChunk(first, record_batch(), [])
            if first == 20:
                own_postgres.kill()

    with pytest.raises(StoreUnavailable, match=r"PostgreSQL 'postgres' at 127.0.0.1"):
        warehouse.batches.load(
            FLATS, attempt, chunks(), lambda: BatchSummary(0, 40, 0, "", ""), due=0
        )
    own_postgres.start()
    assert warehouse.batches.of("flats") == []
    assert len(good_rows(warehouse, load(warehouse, attempt=attempt))) == 4


def test_a_database_that_drops_in_the_middle_of_a_read_says_so(
    own_postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = ready(own_postgres)
    batch = load(warehouse, many_flats(100_000))
    monkeypatch.setattr(copying, "BLOCK_BYTES", 10_000)
    reader = warehouse.rows.good(FLATS, batch)
    next(reader)
    own_postgres.kill()
    with pytest.raises(StoreUnavailable, match=r"PostgreSQL 'postgres' at 127.0.0.1"):
        list(reader)
    own_postgres.start()
    monkeypatch.undo()
    assert len(good_rows(warehouse, batch)) == 100_000


def test_a_lease_outlives_a_database_that_is_away_for_a_while(
    own_postgres: Postgres,
) -> None:
    warehouse = ready(own_postgres, patience=1)
    with warehouse.lease("flats", "run 1") as held:
        own_postgres.stop()
        with pytest.raises(StoreUnavailable):
            warehouse.attempts.open("flats", SOURCE)
        own_postgres.start()
        held.check()
        own_postgres.stop()
    own_postgres.start()


@pytest.mark.parametrize(
    "said",
    [
        psycopg2.errors.DiskFull("could not extend file"),
        sqlite3.OperationalError("database or disk is full"),
    ],
)
def test_a_full_disk_is_told_in_clear_words(said: Exception) -> None:
    error = sa.exc.OperationalError("COPY", None, said)
    explained = fault_of(error, sa.make_url("sqlite:////data/warehouse.db"))
    assert explained is not None
    assert "its disk is full; free space" in str(explained)


def test_a_full_sqlite_file_fails_the_step_and_nothing_else(tmp_path: Path) -> None:
    warehouse = SqlWarehouse(f"sqlite:///{tmp_path / 'warehouse.db'}", patience=1)
    warehouse.migrate()
    warehouse.prepare_case(FLATS)
    pages = [100]
    sa.event.listen(
        warehouse.database.engine,
        "begin",
        lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={pages[0]}"),
    )
    with pytest.raises(StoreUnavailable, match="disk is full"):
        load(warehouse, many_flats(20_000))
    assert warehouse.batches.of("flats") == []
    pages[0] = 10**9
    assert load(warehouse, many_flats(20_000)).rows == 20_000


def test_a_sqlite_file_that_another_process_keeps_writing_is_named(
    tmp_path: Path,
) -> None:
    warehouse = SqlWarehouse(f"sqlite:///{tmp_path / 'warehouse.db'}", patience=1)
    warehouse.migrate()
    sa.event.listen(
        warehouse.database.engine,
        "checkout",
        lambda c, *_: c.execute("PRAGMA busy_timeout=100"),
    )
    with sqlite3.connect(tmp_path / "warehouse.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            StoreUnavailable, match=r"warehouse.db: database is locked; another process"
        ):
            warehouse.attempts.open("flats", SOURCE)
        other.execute("ROLLBACK")
    warehouse.attempts.open("flats", SOURCE)
