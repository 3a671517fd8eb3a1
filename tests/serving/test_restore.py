"""Predictions that only the object store has come back into the database."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from relevo.adapters.objects.folder_store import FolderStore
from relevo.adapters.sql.predictions import SqlPredictions
from relevo.cli.app import app
from relevo.errors import NotFound
from tests.serving.lines import in_database, line, make_tables, new_receipt


def order(home: Path, *words: str) -> str:
    environment = {
        "RELEVO_HOME": str(home),
        "RELEVO_WAREHOUSE_URL": f"sqlite:///{home / 'warehouse.db'}",
    }
    return (
        CliRunner()
        .invoke(
            app,
            ["restore-predictions", *words],
            env=environment,
            catch_exceptions=False,
        )
        .output
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_tables(f"sqlite:///{tmp_path / 'warehouse.db'}")
    return tmp_path


def test_predictions_come_back_once_however_often_it_is_asked(home: Path) -> None:
    receipts = [new_receipt() for _ in range(5)]
    lines = [line(receipt) for receipt in receipts]
    objects, database = (
        FolderStore(home / "api-artifacts"),
        SqlPredictions(f"sqlite:///{home / 'warehouse.db'}"),
    )
    objects.put("predictions/prod/flats/2026-11-20/a-0.jsonl", lines[:2])
    objects.put(
        "predictions/prod/flats/2026-11-21/b-0.jsonl", [*lines[2:4], b"damaged\n"]
    )
    objects.put("predictions/dev/flats/2026-11-21/c-0.jsonl", [lines[4]])
    objects.put(
        "predictions/prod/flats_of_others/2026-11-21/d-0.jsonl", [line(new_receipt())]
    )
    database.ship(lines[0])
    said = order(home, "flats", "--day", "2026-11-20").replace("\n", " ")
    assert "2 predictions of flats in prod are in 1 objects; 1 were missing" in said
    assert in_database(database) == Counter(receipts[:2])
    for new in (2, 0):
        said = order(home, "flats").replace("\n", " ")
        assert (
            f"5 predictions of flats in prod are in 2 objects; {new} were missing"
            in said
        )
        assert "1 it cannot hold" in said
        assert in_database(database) == Counter(receipts[:4])
    database.close()


def test_a_case_without_predictions_is_named(home: Path) -> None:
    with pytest.raises(
        NotFound,
        match=r"predictions/dev/flats/ in the object store; check the case, --environment",
    ):
        order(home, "flats", "--environment", "dev")
