"""The warehouse's shape, its attempts and its batches."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from relevo.adapters.sql.case_tables import raw_table, table_name
from relevo.adapters.sql.migrate import config
from relevo.adapters.sql.tables import REVISION
from relevo.adapters.sql.warehouse import SqlWarehouse
from relevo.domain.arrival import BadCell, BatchSummary, RawChunk
from relevo.domain.batch import Ahead, BatchState, Loaded, Outcome
from relevo.errors import InvalidSetting, NotFound, SourceContradiction
from tests.contract.flats import FLATS, SOURCE, good_rows, load, record_batch
from tests.contract.warehouse_child import READY


def test_migrating_again_changes_nothing_and_is_quick(warehouse: SqlWarehouse) -> None:
    load(warehouse)
    started = time.perf_counter()
    warehouse.migrate()
    assert time.perf_counter() - started < 0.05
    assert len(warehouse.batches.of("flats")) == 1


def test_two_workers_that_start_at_once_both_find_the_tables(
    warehouse_url: str,
) -> None:
    errors: list[BaseException] = []

    def start() -> None:
        worker = SqlWarehouse(warehouse_url)
        try:
            worker.migrate()
            worker.prepare_case(FLATS)
            load(worker, number=threading.get_native_id())
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
        worker.close()

    workers = [threading.Thread(target=start) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not errors
    assert len(SqlWarehouse(warehouse_url).batches.of("flats")) == 4


@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_the_migrations_make_the_tables_that_the_queries_use(
    empty_warehouse: SqlWarehouse,
) -> None:
    empty_warehouse.migrate()
    database = empty_warehouse.database
    with database.engine.connect() as connection:
        assert (
            ScriptDirectory.from_config(config(connection)).get_current_head()
            == REVISION
        )
        own = {
            "include_name": lambda name, kind, _: (
                kind != "table" or "alembic" not in name
            ),
            "include_schemas": True,
        }
        context = MigrationContext.configure(connection, opts=own)
        assert compare_metadata(context, database.tables.metadata) == []


@pytest.mark.parametrize("url", ["mysql://me:secret@host/db", "me:secret@host"])
def test_a_url_that_is_no_warehouse_is_refused_by_name_and_without_its_password(
    url: str,
) -> None:
    with pytest.raises(InvalidSetting, match="RELEVO_WAREHOUSE_URL") as refused:
        SqlWarehouse(url)
    assert "secret" not in str(refused.value)


def test_an_attempt_is_on_record_from_before_the_request_to_its_outcome(
    warehouse: SqlWarehouse,
) -> None:
    first, second = (warehouse.attempts.open("flats", SOURCE) for _ in range(2))
    assert first.object_key.startswith("landing/flats/data-api-1/00000001")
    assert first.object_key != second.object_key
    assert abs(first.started_at - datetime.now(UTC)) < timedelta(minutes=1)
    landed = warehouse.attempts.close(
        first, Outcome.LANDED, format="json", number=3, sha256="abc"
    )
    unanswered = warehouse.attempts.close(
        second, Outcome.UNANSWERED, detail="no answer in 60 s"
    )
    assert (landed.number, landed.format, landed.sha256) == (3, "json", "abc")
    assert warehouse.attempts.of("flats", SOURCE) == [landed, unanswered]
    assert warehouse.attempts.of("flats", SOURCE, Outcome.UNANSWERED, Outcome.OPEN) == [
        unanswered
    ]
    assert warehouse.attempts.of("flats", "another") == []


def test_what_is_left_empty_at_closing_an_attempt_keeps_what_it_was(
    warehouse: SqlWarehouse,
) -> None:
    attempt = warehouse.attempts.open("flats", SOURCE)
    warehouse.attempts.close(attempt, Outcome.LANDED, format="json", number=3)
    harmless = warehouse.attempts.close(attempt, Outcome.HARMLESS)
    assert (harmless.outcome, harmless.format, harmless.number) == (
        Outcome.HARMLESS,
        "json",
        3,
    )


def test_a_batch_is_loaded_with_its_facts_and_closes_its_attempt(
    warehouse: SqlWarehouse,
) -> None:
    batch = load(warehouse, number=7)
    assert (batch.number, batch.rows, batch.bad_rows, batch.state) == (
        7,
        4,
        0,
        BatchState.LOADED,
    )
    assert (batch.sha256, batch.content_sha256) == ("sha of content", "content")
    (attempt,) = warehouse.attempts.of("flats", SOURCE)
    assert (attempt.outcome, attempt.number, attempt.sha256) == (
        Outcome.LOADED,
        7,
        "sha of content",
    )
    assert batch.object_key == attempt.object_key
    assert (
        warehouse.batches.get(batch.id)
        == warehouse.batches.find("flats", SOURCE, 7)
        == batch
    )
    assert warehouse.batches.find("flats", SOURCE, 8) is None
    with pytest.raises(NotFound, match="999"):
        warehouse.batches.get(999)


def test_the_same_number_with_the_same_rows_is_the_known_batch(
    warehouse: SqlWarehouse,
) -> None:
    first = load(warehouse)
    assert load(warehouse) == first
    assert [a.outcome for a in warehouse.attempts.of("flats", SOURCE)] == [
        Outcome.LOADED,
        Outcome.KNOWN,
    ]
    assert len(good_rows(warehouse, first)) == 4
    assert warehouse.batches.of("flats") == [first]


def test_the_same_number_with_other_rows_stops(warehouse: SqlWarehouse) -> None:
    first = load(warehouse, number=3)
    with pytest.raises(
        SourceContradiction, match=r"batch 3 of flats.*other-content.*content"
    ):
        load(warehouse, number=3, content="other-content")
    assert warehouse.batches.of("flats") == [first]
    assert len(good_rows(warehouse, first)) == 4
    assert warehouse.attempts.of("flats", SOURCE)[-1].outcome is Outcome.OPEN


def test_a_batch_that_comes_before_its_turn_is_named_and_leaves_nothing(
    warehouse: SqlWarehouse,
) -> None:
    attempt = warehouse.attempts.open("flats", SOURCE)
    chunks = iter([RawChunk(0, record_batch(), [BadCell(0, "rent", "x", "is text")])])
    result = warehouse.batches.load(
        FLATS, attempt, chunks, lambda: BatchSummary(5, 4, 1, "", ""), due=4
    )
    assert result == Ahead(5)
    assert warehouse.batches.of("flats") == []
    assert warehouse.attempts.of("flats", SOURCE) == [attempt]
    assert (
        _count(warehouse, raw_name(warehouse))
        == _count(warehouse, cells_name(warehouse))
        == 0
    )
    assert load(warehouse, number=4, attempt=attempt).number == 4


def test_the_same_number_from_another_source_is_another_batch(
    warehouse: SqlWarehouse,
) -> None:
    first = load(warehouse)
    other = load(
        warehouse,
        content="other",
        attempt=warehouse.attempts.open("flats", "elsewhere"),
    )
    assert warehouse.batches.of("flats") == [first, other]
    assert warehouse.batches.of("flats", "elsewhere") == [other]
    assert warehouse.batches.last("flats", SOURCE) == first
    assert warehouse.batches.last("flats", "nowhere") is None


def test_rows_are_counted_up_to_a_batch(warehouse: SqlWarehouse) -> None:
    batches = [load(warehouse, number=number) for number in range(3)]
    assert [warehouse.batches.rows_until("flats", batch.id) for batch in batches] == [
        4,
        8,
        12,
    ]
    assert warehouse.batches.rows_until("other", batches[0].id) == 0


def test_a_batch_that_fails_while_it_is_read_leaves_nothing(
    warehouse: SqlWarehouse,
) -> None:
    def chunks() -> object:
        yield RawChunk(0, record_batch(), [BadCell(0, "rent", "x", "is text")])
        raise RuntimeError("the file ends in the middle")

    attempt = warehouse.attempts.open("flats", SOURCE)
    with pytest.raises(RuntimeError, match="in the middle"):
        warehouse.batches.load(
            FLATS, attempt, chunks(), lambda: BatchSummary(0, 4, 0, "", ""), due=0
        )  # type: ignore[arg-type]
    assert warehouse.batches.of("flats") == []
    assert (
        _count(warehouse, raw_name(warehouse))
        == _count(warehouse, cells_name(warehouse))
        == 0
    )
    assert load(warehouse, attempt=warehouse.attempts.of("flats", SOURCE)[0]).rows == 4


def raw_name(warehouse: SqlWarehouse) -> str:
    return raw_table(FLATS, warehouse.database.dialect).sql


def cells_name(warehouse: SqlWarehouse) -> str:
    return table_name("quarantine", "cells", warehouse.database.dialect)


def _count(warehouse: SqlWarehouse, table: str) -> int:
    with warehouse.database.reading() as connection:
        return int(
            connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one()
        )


def test_a_worker_killed_in_the_middle_of_a_load_leaves_nothing(
    warehouse: SqlWarehouse, warehouse_url: str
) -> None:
    root = Path(__file__).parents[2]
    command = [
        sys.executable,
        "-m",
        "tests.contract.warehouse_child",
        warehouse_url,
        "load",
    ]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == READY
        child.kill()
    with warehouse.lease("flats", "the next one"):
        assert warehouse.batches.of("flats") == []
        (attempt,) = warehouse.attempts.of("flats", SOURCE, Outcome.OPEN)
        batch = load(warehouse, attempt=attempt)
    assert [row["position"] for row in good_rows(warehouse, batch)] == [0, 1, 2, 3]
    assert _count(warehouse, raw_name(warehouse)) == 4


def test_bad_cells_are_kept_with_their_reasons(warehouse: SqlWarehouse) -> None:
    bad = [
        BadCell(0, "rent", "abc", "is text, not a number"),
        BadCell(3, "rent", "x" * 1000, "is text, not a number"),
        BadCell(3, "city", "a\x00\ud800", "is strange"),
    ]
    batch = load(warehouse, bad=bad)
    assert warehouse.batches.bad_cell_counts(batch) == [
        ("rent", "is text, not a number", 2),
        ("city", "is strange", 1),
    ]
    stored = warehouse.batches.bad_cells(batch)
    assert [(cell.position, cell.column) for cell in stored] == [
        (0, "rent"),
        (3, "city"),
        (3, "rent"),
    ]
    assert stored[1].value == "a\ufffd\ufffd"
    assert len(stored[2].value) == 200
    assert warehouse.batches.bad_cells(batch, limit=1) == stored[:1]
    assert [row["position"] for row in good_rows(warehouse, batch)] == [1, 2]


def test_a_batch_that_is_mostly_bad_is_stopped_until_a_person_decides(
    warehouse: SqlWarehouse,
) -> None:
    batch = load(warehouse, bad=[BadCell(0, "rent", "", "is missing")])
    assert (batch.state, batch.bad_share) == (BatchState.STOPPED, 0.25)
    accepted = warehouse.batches.set_state(
        batch, BatchState.ACCEPTED, "the source said sorry"
    )
    assert (accepted.state, accepted.reason) == (
        BatchState.ACCEPTED,
        "the source said sorry",
    )
    assert warehouse.batches.get(batch.id) == accepted


def test_a_batch_of_no_rows_is_a_batch(warehouse: SqlWarehouse) -> None:
    batch = load(warehouse, record_batch().slice(0, 0))
    assert (batch.rows, batch.state) == (0, BatchState.LOADED)
    assert good_rows(warehouse, batch) == []
    empty = warehouse.attempts.open("flats", SOURCE)
    result = warehouse.batches.load(
        FLATS, empty, iter(()), lambda: BatchSummary(1, 0, 0, "", ""), due=1
    )
    assert isinstance(result, Loaded)
    assert result.batch.number == 1


def test_a_lost_batch_that_a_person_gives_up_settles_its_unanswered_attempts(
    warehouse: SqlWarehouse,
) -> None:
    lost, other = (
        warehouse.attempts.open("flats", SOURCE),
        warehouse.attempts.open("flats", "elsewhere"),
    )
    for attempt in (lost, other):
        warehouse.attempts.close(attempt, Outcome.UNANSWERED)
    warehouse.attempts.accept_gap("flats", SOURCE, 4, "the source has burned down")
    warehouse.attempts.accept_gap("flats", SOURCE, 4, "again")
    assert warehouse.attempts.accepted_gaps("flats", SOURCE) == {
        4: "the source has burned down"
    }
    assert warehouse.attempts.accepted_gaps("flats", "elsewhere") == {}
    assert [a.outcome for a in warehouse.attempts.of("flats", SOURCE)] == [Outcome.GAP]
    assert warehouse.attempts.of("flats", "elsewhere", Outcome.UNANSWERED)


def test_large_batches_pass_through_in_small_pieces(warehouse: SqlWarehouse) -> None:
    rows, chunks = record_batch(), 12_000
    many = (
        pa.Table.from_batches([rows] * (chunks // 4)).combine_chunks().to_batches()[0]
    )
    batch = load(warehouse, many)
    pieces = list(warehouse.rows.good(FLATS, batch))
    positions = [
        position for piece in pieces for position in piece["position"].to_pylist()
    ]
    assert positions == list(range(chunks))
    reader = warehouse.rows.good(FLATS, batch)
    next(reader)
    reader.close()  # type: ignore[attr-defined]
    assert warehouse.batches.of("flats") == [batch]
