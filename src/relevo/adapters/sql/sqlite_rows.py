"""Rows in and out of SQLite, by its own fast paths."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from relevo.adapters.sql.case_tables import quoted_name
from relevo.adapters.sql.transfer import Put

BLOCK_ROWS = 20_000
# SQLite knows no moments and no booleans
STORED_AS = {pa.timestamp("us"): pa.string(), pa.bool_(): pa.int8()}


class SqliteTransfer:
    @contextmanager
    def writer(self, connection: sa.Connection) -> Iterator[Put]:
        cursor: Any = connection.connection.cursor()

        def put(table: str, rows: pa.RecordBatch) -> None:
            names = ", ".join(map(quoted_name, rows.schema.names))
            marks = ", ".join("?" * len(rows.columns))
            statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
            columns = [_values(column) for column in rows.columns]
            cursor.executemany(statement, zip(*columns, strict=True))

        with closing(cursor):
            yield put

    def read(
        self, connection: sa.Connection, query: str, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        cursor: Any = connection.connection.cursor()
        with closing(cursor):
            cursor.execute(query)
            while rows := cursor.fetchmany(BLOCK_ROWS):
                columns = map(_array, zip(*rows, strict=True), schema.types)
                yield pa.RecordBatch.from_arrays(list(columns), schema=schema)


def _values(column: pa.Array) -> list[Any]:
    """Moments go in as text in ISO 8601, in UTC, which sorts as they do."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.string())
    values: list[Any] = column.to_pylist()
    return values


def _array(values: tuple[Any, ...], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode()
    if pa.types.is_floating(kind):
        # a column that was of whole numbers once still holds those it had
        values = tuple(value and float(value) for value in values)
    return pa.array(values, STORED_AS.get(kind, kind)).cast(kind)
