"""Many rows in and out of a database, as Arrow, a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

import pyarrow as pa
import sqlalchemy as sa

Put = Callable[[str, pa.RecordBatch], None]


class Transfer(Protocol):
    def writer(self, connection: sa.Connection) -> AbstractContextManager[Put]:
        """Gives a `put` of rows into a table, within the connection's transaction. Leaving it, all of them are there.

        The table's name is quoted; the columns are called as in SQL.
        """

    def read(
        self, connection: sa.Connection, query: str, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a query, whose columns are those of `schema`, in order."""
