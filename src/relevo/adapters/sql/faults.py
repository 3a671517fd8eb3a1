"""What a database says went wrong, in words that name it and the remedy."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import psycopg2.errors
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from relevo.errors import InvalidSetting, StoreUnavailable

FOR_GOOD = (
    "authentication failed",
    "does not exist",
    "no pg_hba.conf entry",
    "no password supplied",
)

WANTED_URL = (
    "use postgresql://user:password@host/database or sqlite:////path/to/warehouse.db"
)
NO_TABLES = ("42P01", "3F000")


class StoreAway(StoreUnavailable):
    """No connection, or it dropped before the commit was sent: nothing has happened, and it may be back soon."""


class CommitUnknown(StoreUnavailable):
    """The connection dropped while the commit was under way: it may or may not have happened."""


def where(url: sa.URL) -> str:
    """The database without its password."""
    if url.get_backend_name() == "sqlite":
        return f"SQLite file {url.database}"
    return f"PostgreSQL {url.database!r} at {url.host or 'the local socket'}:{url.port or 5432}"


def driver_error(error: BaseException) -> BaseException:
    return (
        error.orig
        if isinstance(error, DBAPIError) and error.orig is not None
        else error
    )


def is_away(error: BaseException) -> bool:
    """True where the connection could not be made or has dropped."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    cause = driver_error(error)
    if isinstance(cause, psycopg2.InterfaceError):
        return True
    if type(cause) is psycopg2.DatabaseError:
        return True  # libpq lost the server in the middle of a COPY and has no words for it
    code = getattr(cause, "pgcode", None) or ""
    dropped = code.startswith(("08", "57P")) or code == "53300"
    return isinstance(cause, psycopg2.OperationalError) and (not code or dropped)


def _remedy(
    error: BaseException, cause: BaseException
) -> tuple[type[StoreUnavailable], str] | None:
    words = str(cause).lower()
    if (
        isinstance(cause, psycopg2.errors.DiskFull)
        or "disk is full" in words
        or "no space left" in words
    ):
        return (
            StoreUnavailable,
            "its disk is full; free space there, then start the step again",
        )
    if is_away(error):
        kind = (
            StoreUnavailable if any(sign in words for sign in FOR_GOOD) else StoreAway
        )
        return (
            kind,
            "see that it runs and is reachable, and that RELEVO_WAREHOUSE_URL is right",
        )
    if getattr(cause, "pgcode", None) in NO_TABLES or (
        isinstance(cause, sqlite3.Error) and "no such table" in words
    ):
        return (
            StoreUnavailable,
            "its tables are made when the loop starts: relevo up or relevo run",
        )
    if isinstance(cause, sqlite3.OperationalError) and "locked" in words:
        return (
            StoreUnavailable,
            "another process has been writing all the while; see what holds it",
        )
    if isinstance(cause, sqlite3.OperationalError) and (
        "unable to open" in words or "readonly" in words
    ):
        return StoreUnavailable, "see that its folder exists and may be written to"
    if isinstance(cause, sqlite3.DatabaseError) and (
        "malformed" in words or "not a database" in words or "i/o" in words
    ):
        return StoreUnavailable, "the file is damaged; restore it"
    return None


def explain(error: BaseException, url: sa.URL) -> StoreUnavailable | None:
    """The error to raise in its place; None where it is no fault of the store."""
    cause = driver_error(error)
    found = _remedy(error, cause)
    if found is None:
        return None
    kind, remedy = found
    said = " ".join(str(cause).split()) or type(cause).__name__
    return kind(f"{where(url)}: {said}; {remedy}")


@contextmanager
def translated(url: sa.URL) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, psycopg2.Error, sqlite3.Error) as error:
        explained = explain(error, url)
        if explained is None:
            raise
        raise explained from error


def parsed(url: str) -> sa.URL:
    """A PostgreSQL or SQLite URL, with the driver that is installed."""
    try:
        found = sa.make_url(url)
    except sa.exc.ArgumentError:  # it is not shown, for it may hold a password
        raise InvalidSetting(f"RELEVO_WAREHOUSE_URL: is no URL; {WANTED_URL}") from None
    backend = found.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return found.set(drivername="postgresql+psycopg2")
    if backend == "sqlite" and found.database not in (None, "", ":memory:"):
        return found.set(drivername="sqlite+pysqlite")
    raise InvalidSetting(
        f"RELEVO_WAREHOUSE_URL: {found.render_as_string(hide_password=True)!r} is no warehouse; {WANTED_URL}"
    )
