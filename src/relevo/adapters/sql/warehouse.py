"""The warehouse as a whole: the shape of its tables, its leases, and its parts."""

from __future__ import annotations

from contextlib import AbstractContextManager

import sqlalchemy as sa

from relevo.adapters.sql.attempts import SqlAttempts
from relevo.adapters.sql.batches import SqlBatches
from relevo.adapters.sql.case_tables import (
    changes,
    clean_table,
    execute_verbatim,
    raw_table,
)
from relevo.adapters.sql.copying import CopyTransfer
from relevo.adapters.sql.database import Database
from relevo.adapters.sql.lease import leased
from relevo.adapters.sql.migrate import is_current, lock_shape, upgrade
from relevo.adapters.sql.record import SqlRecord
from relevo.adapters.sql.rows import SqlRows
from relevo.adapters.sql.sqlite_rows import SqliteTransfer
from relevo.adapters.sql.transfer import Transfer
from relevo.domain.use_case import UseCase
from relevo.ports.warehouse import Lease


class SqlWarehouse:
    """PostgreSQL, or a SQLite file. Opening it connects to nothing yet."""

    def __init__(self, url: str, patience: float = 90.0) -> None:
        """`patience`: seconds for which an unavailable database is waited for, where that is safe."""
        database = Database(url, patience)
        transfer: Transfer = CopyTransfer()
        if database.is_sqlite:
            transfer = SqliteTransfer()
        self.database = database
        self.attempts = SqlAttempts(database)
        self.batches = SqlBatches(database, transfer, self.attempts)
        self.rows = SqlRows(database, transfer)
        self.record = SqlRecord(database)

    def migrate(self) -> None:
        if not self.database.read(is_current):
            self.database.write(None, upgrade)

    def prepare_case(self, case: UseCase) -> None:
        dialect = self.database.dialect
        tables = (raw_table(case, dialect), clean_table(case, dialect))

        def needed(connection: sa.Connection) -> list[str]:
            return [
                statement
                for table in tables
                for statement in changes(table, connection)
            ]

        def work(connection: sa.Connection) -> None:
            lock_shape(connection)
            # looked up again: another worker may have made them while this one waited
            for statement in needed(connection):
                execute_verbatim(connection, statement)

        if self.database.read(needed):
            self.database.write(None, work)

    def lease(self, case: str, holder: str) -> AbstractContextManager[Lease]:
        return leased(self.database, case, holder)

    def close(self) -> None:
        """Let go of all connections; the next call opens new ones."""
        self.database.dispose()
