"""The warehouse in PostgreSQL or, embedded, in SQLite."""

from relevo.adapters.sql_warehouse.warehouse import SqlWarehouse

__all__ = ["SqlWarehouse"]
