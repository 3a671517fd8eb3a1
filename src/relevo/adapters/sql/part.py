"""What the parts of the warehouse share."""

from __future__ import annotations

from relevo.adapters.sql.database import Database
from relevo.adapters.sql.tables import Tables


class Part:
    def __init__(self, url: str, patience: float = 90.0) -> None:
        """`patience`: seconds for which a database that is away is waited for, where that is safe."""
        self.database = Database(url, patience)

    @property
    def _tables(self) -> Tables:
        return self.database.tables

    def close(self) -> None:
        """Let go of all connections; the next call opens new ones."""
        self.database.dispose()
