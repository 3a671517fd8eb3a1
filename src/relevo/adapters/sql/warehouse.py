"""The warehouse as a whole: its shape, its leases, and the parts it is made of."""

from __future__ import annotations

from contextlib import AbstractContextManager

import sqlalchemy as sa

from relevo.adapters.sql.case_tables import change, changes
from relevo.adapters.sql.lease import leased
from relevo.adapters.sql.migrate import is_current, lock_shape, upgrade
from relevo.adapters.sql.record import Record
from relevo.adapters.sql.rows import Rows
from relevo.domain.use_case import UseCase
from relevo.ports.warehouse import Lease


class SqlWarehouse(Rows, Record):
    """PostgreSQL, or a SQLite file. Opening it connects to nothing yet."""

    def migrate(self) -> None:
        if not self.database.read(is_current):
            self.database.write(None, upgrade)

    def prepare_case(self, case: UseCase) -> None:
        def needed(connection: sa.Connection) -> list[str]:
            return [
                statement
                for table in tables
                for statement in changes(table, connection)
            ]

        def work(connection: sa.Connection) -> None:
            lock_shape(connection)
            for statement in needed(connection):
                change(connection, statement)

        tables = (self._raw(case), self._clean(case))
        if self.database.read(needed):
            self.database.write(None, work)

    def lease(self, case: str, holder: str) -> AbstractContextManager[Lease]:
        return leased(self.database, case, holder)
