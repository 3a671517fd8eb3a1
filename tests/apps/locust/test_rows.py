"""What the load test sends is what a case's contract accepts, whatever its columns are."""

import importlib.util
import json
import random
from pathlib import Path
from typing import Any

import pytest

from relevo.domain.contract import (
    Column,
    boolean,
    category,
    code,
    date,
    integer,
    number,
    text,
)
from relevo.serving.request.row_reader import RowReader

FILE = Path(__file__).parents[3] / "apps" / "locust" / "rows.py"
COLUMNS = (
    number("free"),
    number("bounded", low=2, high=3),
    number("from_low", low=5, nullable=True),
    integer("whole", low=-3, high=4),
    boolean("flag"),
    date("day"),
    code("zip_code", digits=5),
    category("open"),
    category("closed", values=("a", "b")),
    text("words"),
)
ROWS = 300


@pytest.fixture(scope="module")
def rows() -> Any:
    spec = importlib.util.spec_from_file_location("relevo_load_rows", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def field(
    column: Column,
    typical: list[Any] | None = None,
    suggestions: list[str] | None = None,
) -> dict[str, Any]:
    names = ("name", "nullable", "low", "high", "values", "digits", "doc")
    known = {name: getattr(column, name) for name in names}
    return known | {
        "kind": column.kind.name,
        "default": None,
        "typical": typical,
        "suggestions": suggestions,
    }


def some(rows: Any, fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rng = random.Random(7)
    return [rows.random_row(fields, rng) for _ in range(ROWS)]


def test_the_contract_accepts_every_row_where_nothing_is_known_but_the_contract(
    rows: Any,
) -> None:
    sent = some(rows, [field(column) for column in COLUMNS])

    RowReader(COLUMNS, ROWS).read(json.dumps(sent).encode())


def test_values_lie_where_the_model_has_seen_most(rows: Any) -> None:
    columns = (
        number("size", low=0),
        date("sold"),
        category("city"),
        code("zip_code", digits=5),
    )
    known = [
        field(columns[0], typical=[800.0, 4000.0]),
        field(columns[1], typical=["2014-05-02", "2015-05-27"]),
        field(columns[2], suggestions=["Seattle", "Kent"]),
        field(columns[3], suggestions=["98103"]),
    ]

    sent = some(rows, known)

    RowReader(columns, ROWS).read(json.dumps(sent).encode())
    assert all(
        800 <= row["size"] <= 4000 and "2014-05-02" <= row["sold"] <= "2015-05-27"
        for row in sent
    )
    assert {row["city"] for row in sent} == {"Seattle", "Kent"}
    assert {row["zip_code"] for row in sent} == {"98103"}


def test_only_nullable_fields_are_left_open_now_and_then(rows: Any) -> None:
    sent = some(rows, [field(column) for column in COLUMNS])

    gaps = {name for row in sent for name, value in row.items() if value is None}
    assert gaps == {column.name for column in COLUMNS if column.nullable}


def test_rows_differ(rows: Any) -> None:
    sent = some(rows, [field(column) for column in COLUMNS])

    assert len({json.dumps(row) for row in sent}) == ROWS
