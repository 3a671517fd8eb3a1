"""Connections and transactions: patient, fenced by the lease, and with errors that say what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import psycopg2
import sqlalchemy as sa
import stamina
from sqlalchemy.exc import DBAPIError

from relevo.adapters.sql.faults import (
    CommitUnknown,
    DatabaseUnavailable,
    database_url,
    fault_of,
    shown,
    translated,
)
from relevo.adapters.sql.tables import Tables

ResultT = TypeVar("ResultT")
WRITES = "relevo_writes"
BUSY_SECONDS = 30  # SQLite's: a batch of another case may be loading
# A peer that is cut off or frozen must not keep its transaction, and with it the case, for ever.
NOTICE_LOST_PEERS = (
    "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3 "
    "-c idle_in_transaction_session_timeout=600000"
)
PRAGMAS = (
    "journal_mode=WAL",  # readers wait for no writer
    "synchronous=FULL",  # what is committed survives a loss of power
    "foreign_keys=ON",
    f"journal_size_limit={64 << 20}",
)


class Fence(Protocol):
    """What each write of a case must pass, in its own transaction, before its first and after its last statement."""

    def enter(self, connection: sa.Connection) -> None: ...

    def leave(self, connection: sa.Connection) -> None: ...


class Database:
    """`patience`: seconds for which an unavailable database is waited for, where that is safe."""

    def __init__(self, url: str, patience: float) -> None:
        self.url = database_url(url)
        self.patience = patience
        self.dialect = self.url.get_backend_name()
        self.is_sqlite = self.dialect == "sqlite"
        self.tables = Tables(self.dialect)
        self.engine = (_sqlite if self.is_sqlite else _postgresql)(self.url)
        self.fences: dict[str, Fence] = {}

    @property
    def where(self) -> str:
        return shown(self.url)

    def read(self, work: Callable[[sa.Connection], ResultT]) -> ResultT:
        """One short read, done again while the database is unavailable, up to the patience."""

        def once() -> ResultT:
            with self.reading(patient=False) as connection:
                return work(connection)

        return self._patiently(once, DatabaseUnavailable)

    def fetch(self, query: sa.Executable) -> Sequence[Any]:
        """All rows of one query, as `read` does."""
        return self.read(lambda connection: connection.execute(query).all())

    def write(
        self,
        case: str | None,
        work: Callable[[sa.Connection], ResultT],
        *,
        repeatable: bool = True,
    ) -> ResultT:
        """One short transaction. `repeatable`: doing it twice does no harm, so a commit in doubt is done again."""

        def once() -> ResultT:
            with self.writing(case, patient=False) as connection:
                return work(connection)

        faults: list[type[Exception]] = [DatabaseUnavailable]
        if repeatable:
            faults.append(CommitUnknown)
        return self._patiently(once, *faults)

    def reading(self, *, patient: bool = True) -> AbstractContextManager[sa.Connection]:
        """A long read; only connecting is patient."""
        return self._transaction(None, patient, writes=False)

    def writing(
        self, case: str | None, *, patient: bool = True
    ) -> AbstractContextManager[sa.Connection]:
        """A long transaction; only connecting is patient. Whoever rolls it back has written nothing."""
        return self._transaction(self.fences.get(case or ""), patient, writes=True)

    def now(self, connection: sa.Connection) -> datetime:
        """One clock for all who share the database."""
        if self.is_sqlite:
            return datetime.now(UTC)
        clock = sa.select(sa.func.clock_timestamp())
        moment: datetime = connection.execute(clock).scalar_one()
        return moment.astimezone(UTC)

    def dispose(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _transaction(
        self, fence: Fence | None, patient: bool, *, writes: bool
    ) -> Iterator[sa.Connection]:
        with translated(self.url), self._connect(patient) as connection:
            connection.execution_options(**{WRITES: writes})
            transaction = connection.begin()
            try:
                if fence is not None:
                    fence.enter(connection)
                yield connection
                if not transaction.is_active:
                    return
                if fence is not None:
                    fence.leave(connection)
            except BaseException:
                _roll_back(connection, transaction)
                raise
            self._commit(connection, transaction)

    def _commit(
        self, connection: sa.Connection, transaction: sa.RootTransaction
    ) -> None:
        try:
            transaction.commit()
        except DBAPIError as error:
            fault = fault_of(error, self.url)
            if isinstance(fault, DatabaseUnavailable):
                raise CommitUnknown(str(fault)) from error
            _roll_back(connection, transaction)
            raise

    def _connect(self, patient: bool) -> sa.Connection:
        def once() -> sa.Connection:
            with translated(self.url):
                return self.engine.connect()

        if not patient or not self.patience:
            return once()
        return self._patiently(once, DatabaseUnavailable)

    def _patiently(
        self, once: Callable[[], ResultT], *faults: type[Exception]
    ) -> ResultT:
        for attempt in stamina.retry_context(
            on=faults,
            attempts=None,
            timeout=self.patience,
            wait_initial=0.1,  # a restart takes about a second: look often at first
            wait_max=5.0,
            wait_jitter=0.5,  # workers that lost it together do not come back together
        ):
            with attempt:
                return once()
        raise AssertionError("a retry context ends by an answer or an error")


def _roll_back(connection: sa.Connection, transaction: sa.RootTransaction) -> None:
    """Give up what was begun. A connection that cannot even do that is thrown away, and the server rolls back."""
    try:
        transaction.rollback()
    except (DBAPIError, psycopg2.Error):
        connection.invalidate()


def _postgresql(url: sa.URL) -> sa.Engine:
    connect_args = {
        "connect_timeout": 10,
        "options": NOTICE_LOST_PEERS,
        "client_encoding": "utf8",
    }
    # a server that was restarted leaves dead connections in the pool
    return sa.create_engine(url, pool_pre_ping=True, connect_args=connect_args)


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    def make_folder(*_: object) -> None:
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)

    sa.event.listen(engine, "do_connect", make_folder)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # the driver would begin transactions late; _begin_sqlite does it
    connection.isolation_level = None
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: sa.Connection) -> None:
    """Whoever will write takes the write lock at once: later it might be too late to wait for it."""
    begin = "BEGIN"
    if connection.get_execution_options().get(WRITES):
        begin = "BEGIN IMMEDIATE"
    connection.exec_driver_sql(begin)
