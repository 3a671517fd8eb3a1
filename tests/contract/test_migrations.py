"""A warehouse that an earlier version filled is migrated, reads as before, and is gone on with."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from relevo.adapters.sql.predictions import SqlPredictions
from relevo.adapters.sql.warehouse import SqlWarehouse
from relevo.app import Loop, open_loop
from relevo.bootstrap import load_use_case
from relevo.cli.app import app
from relevo.domain.batch import BatchState, Outcome
from relevo.domain.evidence import Action
from relevo.domain.identity import Split
from relevo.domain.use_case import UseCase
from relevo.settings import Settings
from tests.fixtures.fill_warehouse import BATCHES, FIXTURES
from tests.loop.foreign import Foreign, serving

SOURCE = "http-group-1"
TABLES = {"requests": "training_requests"}
COLUMNS = {"asked_at": "requested_at"}
JSON = ("evidence", "policy", "batches", "rows", "metrics")
NOT_READ = ("closed_at", "prepared_at")
Row = dict[str, Any]
Rows = dict[str, list[Row]]


@pytest.fixture
def settings(warehouse_url: str, tmp_path: Path) -> Settings:
    """Of a loop whose warehouse version 0001 has left."""
    if warehouse_url.startswith("sqlite"):
        script = (FIXTURES / "warehouse_0001.sqlite.sql").read_text()
        file = str(sa.make_url(warehouse_url).database)
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(script)
    else:
        script = (FIXTURES / "warehouse_0001.postgresql.sql").read_text()
        with closing(psycopg2.connect(warehouse_url)) as connection, connection:
            connection.cursor().execute(script)
    return Settings(
        _env_file=None,  # type: ignore[call-arg]
        home=tmp_path / "home",
        use_cases=FIXTURES / "use_cases",
        warehouse_url=warehouse_url,
        source_tries=1,
        commit="test",
    )


@pytest.fixture
def before(settings: Settings) -> Rows:
    return everything(settings.warehouse_url)


@pytest.fixture
def case(settings: Settings) -> UseCase:
    return load_use_case("flats", settings)


@pytest.fixture
def migrated(settings: Settings, before: Rows, case: UseCase) -> Iterator[SqlWarehouse]:
    warehouse = SqlWarehouse(settings.warehouse_url, patience=1)
    warehouse.migrate()
    warehouse.prepare_case(case)
    yield warehouse
    warehouse.close()


def everything(url: str) -> Rows:
    """All rows of all tables, by plain SQL; a table is named as on PostgreSQL."""
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg2:"))
    found: Rows = {}
    with engine.connect() as connection:
        for schema in ("raw", "clean", "quarantine", "audit", "predictions"):
            for name, sql in tables_of(connection, schema):
                rows = connection.exec_driver_sql(f"SELECT * FROM {sql}").mappings()
                found[f"{schema}.{name}"] = [dict(row) for row in rows]
    engine.dispose()
    return found


def tables_of(connection: sa.Connection, schema: str) -> Iterator[tuple[str, str]]:
    present = sa.inspect(connection)
    if connection.dialect.name == "postgresql":
        for name in present.get_table_names(schema=schema):
            yield name, f"{schema}.{name}"
        return
    for table in present.get_table_names():
        if table.startswith(f"{schema}__"):
            yield table.removeprefix(f"{schema}__"), table


def renamed(rows: Rows) -> Rows:
    """As migration 0002 names them."""
    found = {}
    for table, content in rows.items():
        schema, name = table.split(".")
        found[f"{schema}.{TABLES.get(name, name)}"] = [
            {COLUMNS.get(column, column): value for column, value in row.items()}
            for row in content
        ]
    return found


def spelled(column: str, value: Any) -> Any:
    """One spelling of what a database and the domain say differently."""
    if column in JSON and isinstance(value, str):
        value = json.loads(value)
    if column.endswith("_at") and value is not None:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return list(value) if isinstance(value, tuple) else value


def assert_read(stored: list[Row], entries: list[Any]) -> None:
    """Each entry says what its row says, column by column."""
    assert stored
    for row, entry in zip(stored, map(asdict, entries), strict=True):
        for column in row.keys() - set(NOT_READ):
            name = COLUMNS.get(column, column)
            assert spelled(name, entry[name]) == spelled(name, row[column]), (
                column,
                row,
            )


def test_nothing_is_lost_or_changed_but_the_names(
    settings: Settings, before: Rows, migrated: SqlWarehouse
) -> None:
    after = everything(settings.warehouse_url)
    assert after.pop("audit.alembic_version") == [{"version_num": "0002"}]
    assert before.pop("audit.alembic_version") == [{"version_num": "0001"}]
    assert after == renamed(before)


def test_every_record_reads_as_before(before: Rows, migrated: SqlWarehouse) -> None:
    assert_read(before["audit.decisions"], migrated.record.decisions("flats"))
    assert_read(before["audit.trainings"], migrated.record.trainings("flats"))
    assert_read(before["audit.verdicts"], migrated.record.verdicts("flats"))
    assert_read(before["audit.moves"], migrated.record.moves("flats"))
    requests = [row for row in before["audit.requests"] if row["decision_id"] is None]
    assert_read(requests, migrated.record.open_requests("flats"))
    newest = before["audit.batches"][-1]["id"]
    assert migrated.record.last_trained_batch("flats") == newest


def test_batches_attempts_gaps_and_bad_cells_read_as_before(
    before: Rows, migrated: SqlWarehouse
) -> None:
    batches = migrated.batches.of("flats")
    assert_read(before["audit.batches"], batches)
    assert [batch.state for batch in batches[2:4]] == [
        BatchState.ACCEPTED,
        BatchState.REJECTED,
    ]
    assert_read(before["audit.attempts"], migrated.attempts.of("flats", SOURCE))
    gaps = {row["number"]: row["reason"] for row in before["audit.gaps"]}
    assert (
        migrated.attempts.accepted_gaps("flats", SOURCE)
        == gaps
        == {4: "the supplier has lost it"}
    )
    cells = [
        asdict(cell) for batch in batches for cell in migrated.batches.bad_cells(batch)
    ]
    stored = [dict(row) for row in before["quarantine.cells"]]
    for row in stored:
        del row["batch_id"]
    assert cells == stored
    assert len(cells) == 43


def test_rows_are_framed_as_before(
    before: Rows, migrated: SqlWarehouse, case: UseCase
) -> None:
    clean, ids = (
        before["clean.flats"],
        [batch.id for batch in migrated.batches.of("flats")],
    )
    for split, count in (("train", 98), ("validation", 13), ("test", 26)):
        rents = sorted(row["rent"] for row in clean if row["side"] == split)
        frame = migrated.rows.frame(case, ids, [Split(split)])
        assert sorted(frame.target) == rents
        assert len(frame) == migrated.rows.count_clean(case, ids)[Split(split)] == count


def test_predictions_and_their_labels_read_as_before(
    settings: Settings, before: Rows, migrated: SqlWarehouse
) -> None:
    predictions = SqlPredictions(settings.warehouse_url)
    for row in before["predictions.log"]:
        found = predictions.find(row["receipt"])
        assert found is not None
        assert found["output"] == row["output"]
        assert found["input"] == json.loads(row["input"])
    corrected = predictions.find("receipt-01")
    assert corrected is not None
    assert (corrected["label"] or {})["truth"] == "700.5"
    since = datetime(2026, 1, 1, tzinfo=UTC)
    assert predictions.live_error("flats", "prod", since, "regression").rows == 4
    predictions.close()


def test_the_command_migrates_once_and_history_reads_on(settings: Settings) -> None:
    first = relevo(settings, "migrate")
    after = everything(settings.warehouse_url)
    assert relevo(settings, "migrate") == first
    assert everything(settings.warehouse_url) == after
    lines = relevo(settings, "history", "flats").splitlines()
    assert [line[:8] for line in lines] == [
        f"batch {number} " for number in (0, 1, 1, 2, 3, 5)
    ]
    assert "a person: prices rose" in lines[2]
    assert "batch 3 was rejected (a test of the supplier)" in lines[4]


def relevo(settings: Settings, *arguments: str) -> str:
    env = {
        "RELEVO_HOME": str(settings.home),
        "RELEVO_USE_CASES": str(settings.use_cases),
        "RELEVO_WAREHOUSE_URL": settings.warehouse_url,
        "COLUMNS": "300",
    }
    result = CliRunner().invoke(app, list(arguments), env=env, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


class NoModels:
    """A registry before its first version."""

    def alias(self, case: str, alias: str) -> str | None:
        return None


def test_the_loop_goes_on_with_the_batch_that_was_in_doubt(
    settings: Settings, migrated: SqlWarehouse
) -> None:
    with serving(Foreign([*BATCHES], cursor=6)) as foreign:
        loop: Loop = open_loop(
            "flats", settings.model_copy(update={"source_url": foreign.url})
        )
        loop.__dict__["registry"] = NoModels()
        with loop.working("a successor"):
            batch = loop.ingest()
            assert batch is not None
            assert (batch.number, batch.rows) == (6, 40)
            assert loop.prepare(batch.id) == 39
            decision = loop.decide(batch.id)
    assert decision.action is Action.TRAIN
    assert "a new season" in decision.sentence
    assert not migrated.record.open_requests("flats")
    assert not migrated.attempts.of("flats", SOURCE, Outcome.UNANSWERED)
    assert migrated.record.add_request("flats", "and another").id == 3
