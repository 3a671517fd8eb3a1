"""Inserts that may be made again."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from relevo.errors import NotFound


def insert_once(
    connection: sa.Connection, table: sa.Table, values: dict[str, Any]
) -> None:
    """Insert the row, unless one with the same key is there."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    try:
        connection.execute(insert(table).values(values).on_conflict_do_nothing())
    except IntegrityError as error:
        raise NotFound(
            f"{table.name}: what {values} refers to is not in the warehouse; record that first"
        ) from error
