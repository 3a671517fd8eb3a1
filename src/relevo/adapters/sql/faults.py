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

DRIVERS = {
    "postgresql": "postgresql+psycopg2",
    "postgres": "postgresql+psycopg2",
    "sqlite": "sqlite+pysqlite",
}
URL_REMEDY = (
    "use postgresql://user:password@host/database or sqlite:////path/to/warehouse.db"
)
NO_TABLES = ("42P01", "3F000")
# Signs of a connection that fails for good, where waiting does not help
FOR_GOOD = (
    "authentication failed",
    "does not exist",
    "no pg_hba.conf entry",
    "no password supplied",
)
SQLITE_REMEDIES = {
    "locked": "another process has been writing all the while; see what holds it",
    "unable to open": "see that its folder exists and may be written to",
    "readonly": "see that its folder exists and may be written to",
    "malformed": "the file is damaged; restore it",
    "not a database": "the file is damaged; restore it",
    "i/o": "the file is damaged; restore it",
}
DRIVER_ERRORS = (DBAPIError, psycopg2.Error, sqlite3.Error)


class DatabaseUnavailable(StoreUnavailable):
    """No connection, or it dropped before the commit was sent: nothing has happened, and it may be back soon."""


class CommitUnknown(StoreUnavailable):
    """The connection dropped while the commit was under way: it may or may not have happened."""


def shown(url: sa.URL) -> str:
    """The database without its password."""
    if url.get_backend_name() == "sqlite":
        return f"SQLite file {url.database}"
    return f"PostgreSQL {url.database!r} at {url.host or 'the local socket'}:{url.port or 5432}"


def cause_of(error: BaseException) -> BaseException:
    """The driver's own error."""
    return getattr(error, "orig", None) or error


def code_of(cause: BaseException) -> str:
    """PostgreSQL's code of the fault; "" where it has none, as when the connection dropped."""
    return getattr(cause, "pgcode", None) or ""


def sentence_of(cause: BaseException) -> str:
    return " ".join(str(cause).split()) or type(cause).__name__


def lacks_tables(cause: BaseException) -> bool:
    return code_of(cause) in NO_TABLES or "no such table" in str(cause)


def fault_of(error: BaseException, url: sa.URL) -> StoreUnavailable | None:
    """The error to raise in its place; None where it is no fault of the store."""
    cause = cause_of(error)
    sentence = sentence_of(cause)
    kind, remedy = _remedy(error, cause, sentence.lower())
    if not remedy:
        return None
    return kind(f"{shown(url)}: {sentence}; {remedy}")


def _remedy(
    error: BaseException, cause: BaseException, words: str
) -> tuple[type[StoreUnavailable], str]:
    disk_full = "disk is full" in words or "no space left" in words
    if disk_full or isinstance(cause, psycopg2.errors.DiskFull):
        return (
            StoreUnavailable,
            "its disk is full; free space there, then start the step again",
        )
    if _is_unavailable(error, cause):
        remedy = (
            "see that it runs and is reachable, and that RELEVO_WAREHOUSE_URL is right"
        )
        if any(sign in words for sign in FOR_GOOD):
            return StoreUnavailable, remedy
        return DatabaseUnavailable, remedy
    if lacks_tables(cause):
        return (
            StoreUnavailable,
            "its tables are made when the loop starts: relevo up or relevo run",
        )
    if isinstance(cause, sqlite3.DatabaseError):
        for sign, remedy in SQLITE_REMEDIES.items():
            if sign in words:
                return StoreUnavailable, remedy
    return StoreUnavailable, ""


def _is_unavailable(error: BaseException, cause: BaseException) -> bool:
    """True where the connection could not be made or has dropped."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    # libpq that lost the server in the middle of a COPY has no class of its own for it
    if isinstance(cause, psycopg2.InterfaceError) or (
        type(cause) is psycopg2.DatabaseError
    ):
        return True
    code = code_of(cause)
    dropped = not code or code.startswith(("08", "57P")) or code == "53300"
    return isinstance(cause, psycopg2.OperationalError) and dropped


@contextmanager
def translated(url: sa.URL) -> Iterator[None]:
    try:
        yield
    except DRIVER_ERRORS as error:
        fault = fault_of(error, url)
        if fault is None:
            raise
        raise fault from error


def database_url(text: str) -> sa.URL:
    """A PostgreSQL or SQLite URL, with the driver that is installed."""
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError:  # it is not shown, for it may hold a password
        raise InvalidSetting(f"RELEVO_WAREHOUSE_URL: is no URL; {URL_REMEDY}") from None
    driver = DRIVERS.get(url.get_backend_name())
    in_memory = driver == DRIVERS["sqlite"] and url.database in (None, "", ":memory:")
    if driver is None or in_memory:
        raise InvalidSetting(
            f"RELEVO_WAREHOUSE_URL: {url.render_as_string(hide_password=True)!r} is no warehouse; {URL_REMEDY}"
        )
    return url.set(drivername=driver)
