"""One worker a case: a row with a token that grows with each holder, checked by every write."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from relevo.adapters.sql.database import Database
from relevo.adapters.sql.entries import insert_once
from relevo.adapters.sql.process import Process
from relevo.errors import LeaseHeld, LeaseLost, StoreUnavailable

log = logging.getLogger(__name__)

TTL = timedelta(seconds=60)
RENEW_SECONDS = 15.0
WAIT_FOR_LAST_WRITE = "20s"
LOCK_NOT_AVAILABLE = "55P03"


class SqlLease:
    """A lease that is held; also the fence that the holder's writes pass."""

    def __init__(self, database: Database, case: str, holder: str, token: int) -> None:
        self.holder = holder
        self._database = database
        self._case = case
        self._token = token
        self._leases = database.tables.leases
        self._ended = threading.Event()
        self._renewing = threading.Thread(
            target=self._keep, name=f"relevo-lease-{case}", daemon=True
        )
        self._renewing.start()

    def check(self) -> None:
        self._database.read(lambda connection: self._compare(connection, self._row()))

    def enter(self, connection: sa.Connection) -> None:
        """In a write's own transaction: still ours, and nobody takes over before it ends.

        FOR KEY SHARE keeps a successor out, and lets our own renewals pass.
        """
        self._compare(
            connection, self._row().with_for_update(read=True, key_share=True)
        )

    def leave(self, connection: sa.Connection) -> None:
        """SQLite has one writer: a long write has kept the renewals out, so it renews."""
        if self._database.is_sqlite:
            self._renew(connection)

    def release(self) -> None:
        self._ended.set()
        free = self._mine().values(
            holder="", pid=0, process="", expires_at=sa.bindparam("moment")
        )
        try:
            with self._database.writing_once() as connection:
                connection.execute(free, {"moment": self._database.now(connection)})
        except StoreUnavailable as error:
            log.warning(
                "the lease of %s was not given back and will expire: %s",
                self._case,
                error,
            )

    def _row(self) -> sa.Select[Any]:
        leases = self._leases.c
        return sa.select(leases.token, leases.holder, leases.host, leases.pid).where(
            leases.case == self._case
        )

    def _mine(self) -> sa.Update:
        """The row while it is held: a renewal that comes late must not revive what was given back."""
        leases = self._leases.c
        return sa.update(self._leases).where(
            leases.case == self._case,
            leases.token == self._token,
            leases.holder == self.holder,
        )

    def _compare(self, connection: sa.Connection, row: sa.Select[Any]) -> None:
        found = connection.execute(row).one_or_none()
        if found is None or found.token != self._token:
            successor = (
                f"{found.holder!r} (host {found.host}, pid {found.pid})"
                if found and found.holder
                else "a successor"
            )
            raise LeaseLost(
                f"{self._case}: {self.holder!r} has lost its lease to {successor}; "
                "this process must stop, its successor does the work"
            )

    def _renew(self, connection: sa.Connection) -> bool:
        moment = self._database.now(connection) + TTL
        return connection.execute(self._mine().values(expires_at=moment)).rowcount == 1

    def _keep(self) -> None:
        while not self._ended.wait(RENEW_SECONDS):
            try:
                with self._database.writing_once() as connection:
                    ours = self._renew(connection)
            except StoreUnavailable as error:
                log.warning("the lease of %s is not renewed yet: %s", self._case, error)
                continue
            if not ours:
                if not self._ended.is_set():
                    log.error(
                        "%s: %r has lost its lease; its next write will be refused",
                        self._case,
                        self.holder,
                    )
                return


@contextmanager
def leased(database: Database, case: str, holder: str) -> Iterator[SqlLease]:
    database.read(lambda connection: _peek(database, connection, case, holder))
    token = database.write(
        None, lambda connection: _take(database, connection, case, holder)
    )
    lease = SqlLease(database, case, holder, token)
    database.fences[case] = lease
    try:
        yield lease
    finally:
        if database.fences.get(case) is lease:
            del database.fences[case]
        lease.release()


def _peek(
    database: Database, connection: sa.Connection, case: str, holder: str
) -> None:
    """Refuse at once, without waiting for the holder's write to end."""
    row = connection.execute(_row_of(database, case)).one_or_none()
    if row is not None:
        _refuse_where_held(row, holder, Process.this(), database, connection)


def _row_of(database: Database, case: str) -> sa.Select[Any]:
    leases = database.tables.leases
    return sa.select(leases).where(leases.c.case == case)


def _take(database: Database, connection: sa.Connection, case: str, holder: str) -> int:
    """The new token. Taking the row waits for the last write of whoever holds it."""
    leases, me = database.tables.leases, Process.this()
    now = database.now(connection)
    insert_once(
        connection, leases,
        {"case": case, "token": 0, "holder": "", "host": "", "pid": 0, "process": "", "since": now, "expires_at": now},
    )  # fmt: skip
    try:
        if not database.is_sqlite:
            connection.execute(
                sa.select(sa.func.set_config("lock_timeout", WAIT_FOR_LAST_WRITE, True))
            )
        held = connection.execute(_row_of(database, case).with_for_update()).one()
    except OperationalError as error:
        if getattr(error.orig, "pgcode", None) != LOCK_NOT_AVAILABLE:
            raise
        raise LeaseHeld(
            f"{case}: the last write of its holder has not ended yet; try again when it has"
        ) from error
    _refuse_where_held(held, holder, me, database, connection)
    now = database.now(connection)
    mine = {
        "holder": holder,
        "host": me.host,
        "pid": me.pid,
        "process": me.mark,
        "since": now,
        "expires_at": now + TTL,
    }
    connection.execute(
        sa.update(leases)
        .where(leases.c.case == case)
        .values(token=held.token + 1, **mine)
    )
    return int(held.token) + 1


def _refuse_where_held(
    row: sa.Row[Any],
    holder: str,
    me: Process,
    database: Database,
    connection: sa.Connection,
) -> None:
    free = row.holder in ("", holder) or row.expires_at <= database.now(connection)
    if free or me.knows_dead(row.host, row.pid, row.process):
        return
    raise LeaseHeld(
        f"{row.case} is being worked on by {row.holder!r} (host {row.host}, pid {row.pid}, since {row.since:%Y-%m-%d %H:%M:%S} "
        f"UTC, renewed to {row.expires_at:%H:%M:%S}); wait until it ends, or end that process: its lease runs out "
        f"{TTL.total_seconds():.0f} s after"
    )
