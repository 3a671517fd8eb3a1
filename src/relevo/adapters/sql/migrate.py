"""Brings the fixed tables to this version's shape."""

from __future__ import annotations

import logging
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from relevo.adapters.sql.faults import shown
from relevo.adapters.sql.tables import REVISION, SCHEMAS, placed
from relevo.errors import StoreUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x52656C65766F  # "Relevo": an advisory lock's key is a number


def is_current(connection: sa.Connection) -> bool:
    name, schema = placed("audit", "alembic_version", connection.dialect.name)
    if not sa.inspect(connection).has_table(name, schema=schema):
        return False
    version = sa.table(name, sa.column("version_num"), schema=schema)
    return connection.scalar(sa.select(version.c.version_num)) == REVISION


def lock_shape(connection: sa.Connection) -> None:
    """Only one transaction at a time changes tables. SQLite's own write lock is held already."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))


def upgrade(connection: sa.Connection) -> None:
    lock_shape(connection)
    if is_current(connection):  # another worker was first
        return
    if connection.dialect.name == "postgresql":
        _see_that_all_text_fits(connection)
        for schema in set(SCHEMAS) - set(sa.inspect(connection).get_schema_names()):
            connection.execute(sa.schema.CreateSchema(schema))
    # its lines are for whoever writes migrations, not for whoever runs them
    logging.getLogger("alembic").setLevel(logging.WARNING)
    command.upgrade(config(connection), "head")


def _see_that_all_text_fits(connection: sa.Connection) -> None:
    encoding = connection.execute(sa.text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise StoreUnavailable(
            f"{shown(connection.engine.url)}: its encoding is {encoding}, which cannot hold all text; "
            "make it again with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )


def config(connection: sa.Connection) -> Config:
    settings = Config(attributes={"connection": connection})
    # Alembic reads a % as the start of a variable
    settings.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    return settings
