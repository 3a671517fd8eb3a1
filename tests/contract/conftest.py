"""The warehouse on each database it can stand on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from relevo.adapters.sql.warehouse import SqlWarehouse
from tests.contract.flats import FLATS


@pytest.fixture(params=["sqlite", "postgresql"])
def warehouse_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'warehouse.db'}"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
def empty_warehouse(warehouse_url: str) -> Iterator[SqlWarehouse]:
    warehouse = SqlWarehouse(warehouse_url, patience=1)
    yield warehouse
    warehouse.close()


@pytest.fixture
def warehouse(empty_warehouse: SqlWarehouse) -> SqlWarehouse:
    empty_warehouse.migrate()
    empty_warehouse.prepare_case(FLATS)
    return empty_warehouse


@pytest.fixture
def second(warehouse: SqlWarehouse, warehouse_url: str) -> Iterator[SqlWarehouse]:
    """The same warehouse, as another worker sees it."""
    other = SqlWarehouse(warehouse_url, patience=1)
    yield other
    other.close()
