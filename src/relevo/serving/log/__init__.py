"""The prediction log: an append-only file per case, shipped to database and object store."""
