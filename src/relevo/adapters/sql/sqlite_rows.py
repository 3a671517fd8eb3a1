"""Rows in and out of SQLite, by its own fast paths."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import sqlalchemy as sa

from relevo.adapters.sql.case_tables import quoted

BLOCK_ROWS = 20_000


class SqliteWriter:
    def __init__(self, connection: sa.Connection) -> None:
        self._cursor: Any = connection.connection.cursor()

    def put(self, table: str, rows: pa.RecordBatch) -> None:
        names = ", ".join(quoted(name) for name in rows.schema.names)
        places = ", ".join("?" for _ in rows.schema.names)
        statement = f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608
        self._cursor.executemany(
            statement, zip(*(_values(column) for column in rows.columns), strict=True)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cursor.close()


def _values(column: pa.Array) -> list[Any]:
    """Moments go in as text in ISO 8601, in UTC, which sorts as they do."""
    values: list[Any] = (
        column.cast(pa.string()) if pa.types.is_timestamp(column.type) else column
    ).to_pylist()
    return values


class SqliteTransfer:
    def writer(self, connection: sa.Connection) -> SqliteWriter:
        return SqliteWriter(connection)

    def read(
        self, connection: sa.Connection, query: str, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        cursor: Any = connection.connection.cursor()
        try:
            cursor.execute(query)
            while rows := cursor.fetchmany(BLOCK_ROWS):
                columns = [
                    _array(values, field.type)
                    for values, field in zip(zip(*rows), schema, strict=True)  # noqa: B905
                ]
                yield pa.RecordBatch.from_arrays(columns, schema=schema)
        finally:
            cursor.close()


def _array(values: tuple[Any, ...], wanted: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(wanted):
        return pa.array(values, pa.string()).cast(wanted)
    if pa.types.is_boolean(wanted):
        return pa.array(values, pa.int8()).cast(wanted)
    if pa.types.is_dictionary(wanted):
        return pa.array(values, pa.string()).dictionary_encode()
    if pa.types.is_floating(
        wanted
    ):  # a column that was of whole numbers once still holds those it had
        return pa.array(
            [None if value is None else float(value) for value in values], wanted
        )
    return pa.array(values, wanted)
