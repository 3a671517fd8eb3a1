"""The warehouse in PostgreSQL or, embedded, in SQLite: `warehouse.SqlWarehouse`, or its `record.Record` alone."""
