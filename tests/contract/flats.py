"""A small use case, its rows and its batches, for the contract tests of the warehouse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from relevo.adapters.sql.warehouse import SqlWarehouse
from relevo.domain.arrival import BadCell, BatchSummary, RawChunk
from relevo.domain.batch import Ahead, Attempt, Batch
from relevo.domain.contract import (
    Column,
    Contract,
    boolean,
    category,
    code,
    date,
    integer,
    number,
    text,
)
from relevo.domain.frame import Frame
from relevo.domain.use_case import FileBatches, Fitted, UseCase

SOURCE = "data api/1"
COLUMNS = (
    number("rent"),
    category("city", nullable=True),
    code("zip", 5, nullable=True),
    boolean("garden", nullable=True),
    date("listed", nullable=True),
    integer("rooms", nullable=True),
    number("size", nullable=True),
    text("note"),
)
FEATURES = ("city", "zip", "garden", "listed", "rooms", "size")
TYPES = {
    "number": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_(), "date": pa.timestamp("us"),
    "category": pa.string(), "code": pa.float64(), "text": pa.string(),
}  # fmt: skip


class NoCandidate:
    name = "none"

    def fit(self, train: Frame, validation: Frame, seed: int) -> Fitted:
        raise NotImplementedError


def flats(
    columns: Sequence[Column] = COLUMNS, features: Sequence[str] = FEATURES, **more: Any
) -> UseCase:
    contract = Contract(
        tuple(columns),
        more.pop("target", "rent"),
        more.pop("identity", (columns[1].name,)),
    )
    return UseCase(
        "flats",
        contract,
        tuple(features),
        (NoCandidate(),),
        FileBatches("none"),
        **more,
    )


FLATS = flats()
ROWS: dict[str, list[Any]] = {
    "rent": [700.0, 800.5, None, 1e300],
    "city": ["Cádiz", "", None, 'say "hi",\n\\.\nthen go'],
    "zip": [601.0, 99999.0, None, 2.0],
    "garden": [True, False, None, True],
    "listed": [
        datetime(2014, 5, 2),
        datetime(1, 1, 1),
        None,
        datetime(2020, 2, 29, 23, 59, 59, 123456),
    ],
    "rooms": [2**62, -3, None, 0],
    "size": [float("inf"), -0.1, None, 1 / 3],
    "note": ["日本", "", None, "\\N"],
    "_rest": [None, '{"more": 1}', None, None],
}


def record_batch(
    rows: dict[str, list[Any]] = ROWS, case: UseCase = FLATS
) -> pa.RecordBatch:
    types = {column.name: TYPES[column.kind.name] for column in case.contract} | {
        "_rest": pa.string()
    }
    return pa.RecordBatch.from_pydict(
        {name: pa.array(values, types[name]) for name, values in rows.items()}
    )


def many_flats(count: int, seed: int = 1) -> pa.RecordBatch:
    random = np.random.default_rng(seed)
    return record_batch(
        {
            "rent": random.uniform(300, 3000, count).tolist(),
            "city": [f"city {n}" for n in random.integers(0, 5000, count)],
            "size": random.uniform(20, 200, count).tolist(),
        }
    )


def load(
    warehouse: SqlWarehouse,
    rows: pa.RecordBatch | None = None,
    number: int = 0,
    *,
    bad: Sequence[BadCell] = (),
    content: str = "content",
    case: UseCase = FLATS,
    attempt: Attempt | None = None,
) -> Batch:
    """The rows as a batch, in two chunks."""
    rows = record_batch() if rows is None else rows
    half = len(rows) // 2

    def chunks() -> Iterator[RawChunk]:
        yield RawChunk(
            0, rows.slice(0, half), [cell for cell in bad if cell.position < half]
        )
        yield RawChunk(
            half, rows.slice(half), [cell for cell in bad if cell.position >= half]
        )

    facts = BatchSummary(
        number,
        len(rows),
        len({cell.position for cell in bad}),
        f"sha of {content}",
        content,
    )
    attempt = attempt or warehouse.attempts.open(case.name, SOURCE)
    result = warehouse.batches.load(case, attempt, chunks(), lambda: facts, due=number)
    assert not isinstance(result, Ahead)
    return result.batch


def good_rows(
    warehouse: SqlWarehouse, batch: Batch, case: UseCase = FLATS
) -> list[dict[str, Any]]:
    return [
        row for chunk in warehouse.rows.good(case, batch) for row in chunk.to_pylist()
    ]
