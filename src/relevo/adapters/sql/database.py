"""Connections and transactions: patient, fenced by the lease, and with errors that say what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import psycopg2
import sqlalchemy as sa
import stamina
from sqlalchemy.exc import DBAPIError

from relevo.adapters.sql.faults import (
    CommitUnknown,
    StoreAway,
    explain,
    parsed,
    translated,
    where,
)
from relevo.adapters.sql.tables import Tables

Answer = TypeVar("Answer")
WRITES = "relevo_writes"
BUSY_SECONDS = 30
# A peer that is cut off or frozen must not keep its transaction, and with it the case, for ever.
NOTICE_LOST_PEERS = (
    "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3 "
    "-c idle_in_transaction_session_timeout=600000"
)


class Fence(Protocol):
    """What each write of a case must pass, in its own transaction, before its first and after its last statement."""

    def enter(self, connection: sa.Connection) -> None: ...

    def leave(self, connection: sa.Connection) -> None: ...


class Database:
    def __init__(self, url: str, patience: float) -> None:
        self.url = parsed(url)
        self.patience = patience
        self.dialect = self.url.get_backend_name()
        self.is_sqlite = self.dialect == "sqlite"
        self.tables = Tables(self.dialect)
        self.engine = _sqlite(self.url) if self.is_sqlite else _postgresql(self.url)
        self.fences: dict[str, Fence] = {}

    @property
    def where(self) -> str:
        return where(self.url)

    def read(self, work: Callable[[sa.Connection], Answer]) -> Answer:
        """One short read, done again while the database is away, up to the patience."""

        def once() -> Answer:
            with self._transaction(self._connect, None, writes=False) as connection:
                return work(connection)

        return self._patiently(once, StoreAway)

    def fetch(self, query: sa.Executable) -> Sequence[Any]:
        """All rows of one query, as `read` does."""
        return self.read(lambda connection: connection.execute(query).all())

    def write(
        self,
        case: str | None,
        work: Callable[[sa.Connection], Answer],
        *,
        repeatable: bool = True,
    ) -> Answer:
        """One short transaction. `repeatable`: doing it twice does no harm, so a commit in doubt is done again."""

        def once() -> Answer:
            with self._transaction(self._connect, case, writes=True) as connection:
                return work(connection)

        return self._patiently(
            once, StoreAway, *([CommitUnknown] if repeatable else [])
        )

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A long read; only connecting is patient."""
        with self._transaction(
            self._connect_patiently, None, writes=False
        ) as connection:
            yield connection

    @contextmanager
    def writing(self, case: str | None) -> Iterator[sa.Connection]:
        """A long transaction; only connecting is patient."""
        with self._transaction(
            self._connect_patiently, case, writes=True
        ) as connection:
            yield connection

    @contextmanager
    def writing_once(self) -> Iterator[sa.Connection]:
        """A transaction that waits for no database: somebody is waiting for us, or we will be back."""
        with self._transaction(self._connect, None, writes=True) as connection:
            yield connection

    @contextmanager
    def reading_once(self) -> Iterator[sa.Connection]:
        """A read that waits for no database either."""
        with self._transaction(self._connect, None, writes=False) as connection:
            yield connection

    def now(self, connection: sa.Connection) -> datetime:
        """One clock for all who share the database."""
        if self.is_sqlite:
            return datetime.now(UTC)
        moment: datetime = connection.execute(
            sa.select(sa.func.clock_timestamp())
        ).scalar_one()
        return moment.astimezone(UTC)

    def dispose(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _transaction(
        self, connect: Callable[[], sa.Connection], case: str | None, *, writes: bool
    ) -> Iterator[sa.Connection]:
        fence = self.fences.get(case) if case is not None and writes else None
        with translated(self.url), connect() as connection:
            connection.execution_options(**{WRITES: writes})
            transaction = connection.begin()
            try:
                if fence is not None:
                    fence.enter(connection)
                yield connection
                if not transaction.is_active:  # given up by whoever was writing
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
            fault = explain(error, self.url)
            if isinstance(fault, StoreAway):
                raise CommitUnknown(str(fault)) from error
            _roll_back(connection, transaction)
            raise

    def _connect(self) -> sa.Connection:
        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        return self.engine.connect()

    def _connect_patiently(self) -> sa.Connection:
        def once() -> sa.Connection:
            with translated(self.url):
                return self._connect()

        return self._patiently(once, StoreAway)

    def _patiently(
        self, once: Callable[[], Answer], *faults: type[Exception]
    ) -> Answer:
        for attempt in stamina.retry_context(
            on=faults,
            attempts=None,
            timeout=self.patience,
            wait_initial=0.1,
            wait_max=5.0,
            wait_jitter=0.5,
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
    return sa.create_engine(
        url,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": 10,
            "options": NOTICE_LOST_PEERS,
            "client_encoding": "utf8",
        },
    )


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = (
        None  # the driver would begin transactions late; _begin_sqlite does it
    )
    for setting in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"journal_size_limit={64 << 20}",
    ):
        connection.execute(f"PRAGMA {setting}").close()


def _begin_sqlite(connection: sa.Connection) -> None:
    """Whoever will write takes the write lock at once: later it might be too late to wait for it."""
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
