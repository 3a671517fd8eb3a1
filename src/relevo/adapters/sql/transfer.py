"""Many rows in and out of a database, as Arrow, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

import pyarrow as pa
import sqlalchemy as sa


class Writer(Protocol):
    """Takes blocks of rows for tables, within the connection's transaction. Leaving it, all of them are in the database."""

    def put(self, table: str, rows: pa.RecordBatch) -> None:
        """`table` is quoted; the columns of `rows` are called as in SQL."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Transfer(Protocol):
    def writer(self, connection: sa.Connection) -> Writer: ...

    def read(
        self, connection: sa.Connection, query: str, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a query, whose columns are those of `schema`, in order."""
