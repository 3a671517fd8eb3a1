"""Training, serving, explaining and the command line make the same model input of any row."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relevo.adapters.sql.warehouse import SqlWarehouse
from relevo.domain.contract import (
    Column,
    Contract,
    boolean,
    category,
    code,
    date,
    integer,
    number,
)
from relevo.domain.identity import Split
from relevo.domain.kinds import LARGEST, Kind
from relevo.domain.use_case import FileBatches, UseCase
from relevo.features.feature_rows import read_features
from relevo.features.model_inputs import ModelInputs
from relevo.formats import read_rows
from relevo.loop.prepare import prepare
from relevo.serving.request.row_reader import RowReader
from tests.extending import own_kind

exec(own_kind(), globals())

FIELDS = (
    number("size", nullable=True),
    integer("rooms", nullable=True),
    boolean("garden", nullable=True),
    date("listed", nullable=True),
    category("city", nullable=True),
    category("soil", ("clay", "sand"), nullable=True),
    code("zip", digits=5, nullable=True),
    Column("discount", Kind.named("percent"), nullable=True, low=0, high=1),
)
NAMES = tuple(field.name for field in FIELDS)
Inputs = dict[str, list[Any]]
Row = dict[str, Any]


class NeverFitted:
    name = "never fitted"
    fit = None


CASE = UseCase(
    name="flats",
    contract=Contract((number("flat"), *FIELDS, number("rent")), "rent", ("flat",)),
    features=NAMES,
    candidates=(NeverFitted(),),  # type: ignore[arg-type]
    source=FileBatches("flats.csv"),
)

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n"), max_size=8)
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "size": st.floats(-LARGEST, LARGEST, width=64),
    "rooms": st.integers(-(2**63), 2**63 - 1),
    "garden": st.booleans(),
    "listed": MOMENTS.map(datetime.isoformat)
    | MOMENTS.map(lambda at: at.date().isoformat())
    | MOMENTS.map(lambda at: at.replace(tzinfo=UTC).isoformat()),
    "city": TEXTS | TEXTS.map(lambda text: f" \t{text}\u00a0"),
    "soil": st.sampled_from(["clay", "sand"]),
    "zip": st.integers(0, 99_999),
    "discount": st.integers(0, 100).map(lambda share: f"{share} %"),
}
ROWS = st.lists(
    st.fixed_dictionaries({name: st.none() | cells for name, cells in CELLS.items()}),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module")
def trained_on(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[list[Row]], Inputs]]:
    """Inputs that training sees: landed as JSON, stored in RAW and CLEAN, read as a frame."""
    folder = tmp_path_factory.mktemp("warehouse")
    warehouse = SqlWarehouse(f"sqlite:///{folder / 'warehouse.db'}")
    warehouse.migrate()
    warehouse.prepare_case(CASE)
    numbers = iter(range(1_000_000))

    def inputs(rows: list[Row]) -> Inputs:
        batch_number = next(numbers)
        full = [row | {"flat": index, "rent": 1.0} for index, row in enumerate(rows)]
        body = json.dumps({"batch_number": batch_number, "data": full}).encode()
        reading = read_rows(io.BytesIO(body), "json", CASE.contract)
        attempt = warehouse.attempts.open(CASE.name, "test")
        loaded: Any = warehouse.batches.load(
            CASE, attempt, iter(reading), reading.facts, due=batch_number
        )
        assert loaded.batch.bad_rows == 0, warehouse.batches.bad_cells(loaded.batch)
        prepare(CASE, loaded.batch, warehouse.rows)
        frame = warehouse.rows.frame(CASE, [loaded.batch.id], list(Split))
        return _lists(next(iter(frame.inputs())))

    yield inputs
    warehouse.close()


def served(rows: list[Row]) -> Inputs:
    reader = RowReader(FIELDS, max_rows=10)
    return _lists(ModelInputs(FIELDS)(reader.read(json.dumps(rows).encode())))  # type: ignore[arg-type]


def explained(rows: list[Row]) -> Inputs:
    """An explanation looks at one row, whose body is one object."""
    reader, model_inputs = RowReader(FIELDS, max_rows=1), ModelInputs(FIELDS)
    each = [
        _lists(model_inputs([reader.read(json.dumps(row).encode())])) for row in rows
    ]  # type: ignore[list-item]
    return {name: [inputs[name][0] for inputs in each] for name in NAMES}


def asked_on_the_command_line(rows: list[Row]) -> Inputs:
    text = io.StringIO()
    writer = csv.DictWriter(text, NAMES)
    writer.writeheader()
    writer.writerows(rows)
    frames = read_features(io.BytesIO(text.getvalue().encode()), "csv", CASE)
    (frame, bad), *_ = frames
    assert not bad
    return _lists(next(iter(frame.inputs())))


def _lists(feed: dict[str, np.ndarray]) -> Inputs:
    return {
        name: [_plain(value) for value in feed[name][:, 0].tolist()] for name in NAMES
    }


def _plain(value: Any) -> Any:
    """NaN is equal to itself here."""
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(ROWS)
def test_a_row_is_the_same_model_input_in_training_serving_and_explaining(
    trained_on: Callable[[list[Row]], Inputs], rows: list[Row]
) -> None:
    expected = trained_on(rows)
    assert served(rows) == expected
    assert explained(rows) == expected


def _survives_csv(row: Row) -> bool:
    """CSV has no types: there a category that says "NA" is a missing one, as the docs say."""
    text = row["city"]
    return text is None or (text.strip() not in Kind.CATEGORY.missing_words)


@settings(max_examples=60, deadline=None)
@given(ROWS.filter(lambda rows: all(map(_survives_csv, rows))))
def test_a_row_on_the_command_line_is_the_model_input_that_is_served(
    rows: list[Row],
) -> None:
    assert asked_on_the_command_line(rows) == served(rows)


def test_a_kind_of_ones_own_is_refused_by_its_own_words() -> None:
    reader = RowReader(FIELDS, max_rows=1)
    for value, reason in (("45", "is no share with its sign"), ("145 %", "is above 1")):
        with pytest.raises(Exception, match=reason):
            reader.read(json.dumps(dict.fromkeys(NAMES) | {"discount": value}).encode())


def test_a_kind_of_ones_own_survives_a_copy_and_another_process() -> None:
    from copy import deepcopy
    from pickle import dumps, loads

    kind = Kind.named("percent")
    assert deepcopy(kind) is kind
    assert loads(dumps(kind)) is kind
