"""Value objects as rows of a fixed table: a field is the column of its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from relevo.adapters.sql.database import Database
from relevo.domain.batch import Attempt, Batch
from relevo.domain.evidence import Entry
from relevo.errors import NotFound

EntryT = TypeVar("EntryT", bound=Entry | Attempt | Batch)


class Entries(Generic[EntryT]):
    """The rows of one table, read and written as objects of one kind."""

    def __init__(self, database: Database, table: sa.Table, kind: type[EntryT]) -> None:
        self.table = table
        self._database = database
        self._kind = kind.__name__.lower()
        self._make: Callable[..., EntryT] = kind
        self._columns = [table.c[field.name] for field in fields(kind)]

    def find(
        self, *conditions: sa.ColumnElement[bool], **values: object
    ) -> list[EntryT]:
        """In order of their ids. A value that is None is no condition."""
        equal = [
            self.table.c[name] == value
            for name, value in values.items()
            if value is not None
        ]
        return self._database.read(
            lambda connection: self._select(connection, *conditions, *equal)
        )

    def get(self, entry_id: int) -> EntryT:
        for entry in self.find(id=entry_id):
            return entry
        raise NotFound(f"no {self._kind} {entry_id} in {self._database.where}")

    def keep(self, entry: EntryT, *key: str) -> EntryT:
        """Store the entry in a transaction of its own, as `keep_in` does."""
        return self._database.write(
            entry.case, lambda connection: self.keep_in(connection, entry, *key)
        )

    def keep_in(self, connection: sa.Connection, entry: EntryT, *key: str) -> EntryT:
        """Store the entry, unless one with the same values of `key` is there; the stored one."""
        insert_once(connection, self.table, self._values(entry))
        same = (self.table.c[name] == getattr(entry, name) for name in key)
        return self._select(connection, *same)[0]

    def add(self, connection: sa.Connection, entry: EntryT) -> EntryT:
        insert = sa.insert(self.table).values(self._values(entry))
        return self._read(connection.execute(insert.returning(*self._columns)).one())

    def update(
        self, connection: sa.Connection, entry_id: int, **values: object
    ) -> EntryT:
        its_own = self.table.c.id == entry_id
        connection.execute(sa.update(self.table).where(its_own).values(values))
        return self._select(connection, its_own)[0]

    def _select(
        self, connection: sa.Connection, *conditions: sa.ColumnElement[bool]
    ) -> list[EntryT]:
        query = sa.select(*self._columns).where(*conditions).order_by(self.table.c.id)
        return [self._read(row) for row in connection.execute(query)]

    def _read(self, row: sa.Row[Any]) -> EntryT:
        return self._make(**row._asdict())

    def _values(self, entry: EntryT) -> dict[str, Any]:
        """The row of an entry, less its id, which is the database's to give."""
        names = (column.name for column in self._columns)
        return {name: getattr(entry, name) for name in names if name != "id"}


def insert_once(
    connection: sa.Connection, table: sa.Table, values: dict[str, Any]
) -> bool:
    """Insert the row, unless one with the same key is there; whether it was inserted."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    try:
        result = connection.execute(
            insert(table).values(values).on_conflict_do_nothing()
        )
    except IntegrityError as error:
        raise NotFound(
            f"{table.name}: what {values} refers to is not in the warehouse; record that first"
        ) from error
    return result.rowcount == 1
