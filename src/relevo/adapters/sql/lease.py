"""One worker per case: a row with a token that grows with each holder, checked by every write."""

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
from relevo.adapters.sql.faults import cause_of, code_of
from relevo.adapters.sql.process import Process
from relevo.errors import LeaseHeld, LeaseLost, StoreUnavailable

log = logging.getLogger(__name__)

TTL = timedelta(
    seconds=60
)  # for which a case stands still when its worker's machine dies
RENEW_SECONDS = 15.0  # three renewals may fail before a lease runs out
WAIT_FOR_LAST_WRITE = "20s"  # a load may take minutes: then whoever wants the lease is told, and tries again
LOCK_NOT_AVAILABLE = "55P03"
# leases that ended in this process while the database could not be written, as on a full
# disk: URL, case, token; nobody here has to wait until they expire
_ended_unsaid: set[tuple[sa.URL, str, int]] = set()


class SqlLease:
    """A lease that is held; also the fence that the holder's writes pass."""

    def __init__(self, database: Database, case: str, holder: str, token: int) -> None:
        leases = database.tables.leases
        its_own = leases.c.case == case
        self.holder = holder
        self._database = database
        self._case = case
        self._token = token
        self._row = sa.select(leases).where(its_own)
        # only while it is held: a renewal that comes late must not revive what was given back
        self._held = sa.update(leases).where(
            its_own, leases.c.token == token, leases.c.holder == holder
        )
        self._ended = threading.Event()
        self._renewing = threading.Thread(
            target=self._keep, name=f"relevo-lease-{case}", daemon=True
        )
        self._renewing.start()

    def check(self) -> None:
        self._database.read(lambda connection: self._compare(connection, self._row))

    def enter(self, connection: sa.Connection) -> None:
        """In a write's own transaction: still ours, and nobody takes over before it ends.

        FOR KEY SHARE keeps a successor out, and lets our own renewals pass.
        """
        self._compare(connection, self._row.with_for_update(read=True, key_share=True))

    def leave(self, connection: sa.Connection) -> None:
        """SQLite has one writer: a long write has kept the renewals out, so it renews."""
        if self._database.is_sqlite:
            self._renew(connection)

    def release(self) -> None:
        self._ended.set()
        free = self._held.values(holder="", pid=0, process="")
        try:
            with self._database.writing(None, patient=False) as connection:
                now = self._database.now(connection)
                connection.execute(free.values(expires_at=now))
        except StoreUnavailable as error:
            _ended_unsaid.add((self._database.url, self._case, self._token))
            log.warning(
                "the lease of %s was not given back and will expire: %s",
                self._case,
                error,
            )

    def _compare(self, connection: sa.Connection, query: sa.Select[Any]) -> None:
        row = connection.execute(query).one_or_none()
        if row is not None and row.token == self._token:
            return
        successor = "a successor"
        if row is not None and row.holder:
            successor = f"{row.holder!r} (host {row.host}, pid {row.pid})"
        raise LeaseLost(
            f"{self._case}: {self.holder!r} has lost its lease to {successor}; "
            "this process must stop, its successor does the work"
        )

    def _renew(self, connection: sa.Connection) -> bool:
        expires_at = self._database.now(connection) + TTL
        renewal = self._held.values(expires_at=expires_at)
        return connection.execute(renewal).rowcount == 1

    def _keep(self) -> None:
        while not self._ended.wait(RENEW_SECONDS):
            try:
                with self._database.writing(None, patient=False) as connection:
                    if self._renew(connection):
                        continue
            except StoreUnavailable as error:
                log.warning("the lease of %s is not renewed yet: %s", self._case, error)
                continue
            if not self._ended.is_set():
                log.error(
                    "%s: %r has lost its lease; its next write will be refused",
                    self._case,
                    self.holder,
                )
            return


@contextmanager
def leased(database: Database, case: str, holder: str) -> Iterator[SqlLease]:
    claim = _Claim(database, case, holder)
    database.read(claim.peek)
    token = database.write(None, claim.take)
    lease = SqlLease(database, case, holder, token)
    database.fences[case] = lease
    try:
        yield lease
    finally:
        if database.fences.get(case) is lease:
            del database.fences[case]
        lease.release()


class _Claim:
    """Somebody wants a lease."""

    def __init__(self, database: Database, case: str, holder: str) -> None:
        self._database = database
        self._case = case
        self._holder = holder
        self._process = Process.this()
        self._leases = database.tables.leases
        self._row = sa.select(self._leases).where(self._leases.c.case == case)

    def peek(self, connection: sa.Connection) -> None:
        """Refuse at once, without waiting for the holder's write to end."""
        row = connection.execute(self._row).one_or_none()
        if row is not None:
            self._refuse_where_held(connection, row)

    def take(self, connection: sa.Connection) -> int:
        """The new token."""
        values = {
            "case": self._case,
            "token": 0,
            "holder": "",
            "host": self._process.host,
            "pid": self._process.pid,
            "process": self._process.mark,
            "since": self._database.now(connection),
            "expires_at": self._database.now(connection),
        }
        insert_once(connection, self._leases, values)
        row = self._locked(connection)
        self._refuse_where_held(connection, row)
        now = self._database.now(connection)
        values |= {
            "token": row.token + 1,
            "holder": self._holder,
            "since": now,
            "expires_at": now + TTL,
        }
        its_own = self._leases.c.case == self._case
        connection.execute(sa.update(self._leases).where(its_own).values(values))
        return int(row.token) + 1

    def _locked(self, connection: sa.Connection) -> sa.Row[Any]:
        """The row, once the last write of whoever holds it has ended."""
        try:
            if not self._database.is_sqlite:
                wait = sa.func.set_config("lock_timeout", WAIT_FOR_LAST_WRITE, True)
                connection.execute(sa.select(wait))
            return connection.execute(self._row.with_for_update()).one()
        except OperationalError as error:
            if code_of(cause_of(error)) != LOCK_NOT_AVAILABLE:
                raise
            raise LeaseHeld(
                f"{self._case}: the last write of its holder has not ended yet; try again when it has"
            ) from error

    def _refuse_where_held(self, connection: sa.Connection, row: sa.Row[Any]) -> None:
        expired = row.expires_at <= self._database.now(connection)
        if expired or row.holder in ("", self._holder):
            return
        if self._process.knows_dead(row.host, row.pid, row.process):
            return
        if (self._database.url, row.case, row.token) in _ended_unsaid:
            return
        raise LeaseHeld(
            f"{row.case} is being worked on by {row.holder!r} (host {row.host}, pid {row.pid}, "
            f"since {row.since:%Y-%m-%d %H:%M:%S} UTC, renewed to {row.expires_at:%H:%M:%S}); wait until it ends, "
            f"or end that process: its lease runs out {TTL.total_seconds():.0f} s after"
        )
