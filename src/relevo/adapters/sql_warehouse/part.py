"""What the parts of the warehouse share."""

from __future__ import annotations

from relevo.adapters.sql_warehouse.case_tables import CaseTable, clean_table, raw_table
from relevo.adapters.sql_warehouse.copying import CopyTransfer
from relevo.adapters.sql_warehouse.database import Database
from relevo.adapters.sql_warehouse.sqlite_rows import SqliteTransfer
from relevo.adapters.sql_warehouse.tables import Tables, place
from relevo.adapters.sql_warehouse.transfer import Transfer
from relevo.domain.use_case import UseCase


class Part:
    def __init__(self, url: str, patience: float = 90.0) -> None:
        """`patience`: seconds for which a database that is away is waited for, where that is safe."""
        self.database = Database(url, patience)
        self._transfer: Transfer = SqliteTransfer() if self.database.is_sqlite else CopyTransfer()

    @property
    def _tables(self) -> Tables:
        return self.database.tables

    @property
    def _cells(self) -> str:
        """The quoted name of the quarantine."""
        name, schema = place("quarantine", "cells", self._tables.dialect)
        return f'"{schema}"."{name}"' if schema else f'"{name}"'

    def _raw(self, case: UseCase) -> CaseTable:
        return raw_table(case, self._tables.dialect)

    def _clean(self, case: UseCase) -> CaseTable:
        return clean_table(case, self._tables.dialect)
