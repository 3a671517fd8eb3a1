"""What the parts share that read and write a case's rows, in Arrow."""

from __future__ import annotations

from functools import cached_property

from relevo.adapters.sql.case_tables import CaseTable, clean_table, raw_table
from relevo.adapters.sql.copying import CopyTransfer
from relevo.adapters.sql.part import Part
from relevo.adapters.sql.sqlite_rows import SqliteTransfer
from relevo.adapters.sql.tables import place
from relevo.adapters.sql.transfer import Transfer
from relevo.domain.use_case import UseCase


class RowPart(Part):
    @cached_property
    def _transfer(self) -> Transfer:
        return SqliteTransfer() if self.database.is_sqlite else CopyTransfer()

    @property
    def _cells(self) -> str:
        """The quoted name of the quarantine."""
        name, schema = place("quarantine", "cells", self._tables.dialect)
        return f'"{schema}"."{name}"' if schema else f'"{name}"'

    def _raw(self, case: UseCase) -> CaseTable:
        return raw_table(case, self._tables.dialect)

    def _clean(self, case: UseCase) -> CaseTable:
        return clean_table(case, self._tables.dialect)
