"""Requests to a source, on record before they are made; and the batches that people gave up."""

from __future__ import annotations

import re

import sqlalchemy as sa

from relevo.adapters.sql.database import Database
from relevo.adapters.sql.entries import Entries, insert_once
from relevo.domain.batch import Attempt, Outcome

Details = dict[str, str | int | None]
NOT_CLOSED = (Outcome.OPEN, Outcome.LANDED)


class SqlAttempts:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._table = database.tables.attempts
        self._gaps = database.tables.gaps
        self._entries = Entries(database, self._table, Attempt)

    def open(self, case: str, source: str) -> Attempt:
        def work(connection: sa.Connection) -> Attempt:
            now = self._database.now(connection)
            attempt = Attempt(
                id=0,
                case=case,
                source=source,
                object_key="",
                outcome=Outcome.OPEN,
                started_at=now,
            )
            attempt = self._entries.add(connection, attempt)
            # the id tells requests of one warehouse apart, the moment those of two on one store
            name = f"{attempt.id:08d}-{now:%Y%m%dT%H%M%S}"
            key = f"landing/{case}/{_safe(source)}/{name}"
            return self._entries.update(connection, attempt.id, object_key=key)

        # a commit in doubt is not done again: it might leave a second request on record
        return self._database.write(case, work, repeatable=False)

    def close(
        self,
        attempt: Attempt,
        outcome: Outcome,
        *,
        format: str = "",
        number: int | None = None,
        sha256: str = "",
        detail: str = "",
    ) -> Attempt:
        details: Details = {
            "format": format,
            "number": number,
            "sha256": sha256,
            "detail": detail,
        }
        return self._database.write(
            attempt.case,
            lambda connection: self.close_in(connection, attempt, outcome, details),
        )

    def close_in(
        self,
        connection: sa.Connection,
        attempt: Attempt,
        outcome: Outcome,
        details: Details,
    ) -> Attempt:
        """A detail that is empty keeps what it was."""
        values: dict[str, object] = {
            name: value for name, value in details.items() if value not in (None, "")
        }
        if outcome not in NOT_CLOSED:
            values["closed_at"] = self._database.now(connection)
        return self._entries.update(connection, attempt.id, outcome=outcome, **values)

    def of(self, case: str, source: str, *outcomes: Outcome) -> list[Attempt]:
        named = self._table.c.outcome.in_(outcomes or Outcome)
        return self._entries.find(named, case=case, source=source)

    def accept_gap(self, case: str, source: str, number: int, reason: str) -> None:
        table = self._table
        unanswered = sa.update(table).where(
            table.c.case == case,
            table.c.source == source,
            table.c.outcome == Outcome.UNANSWERED,
            sa.or_(table.c.number.is_(None), table.c.number == number),
        )

        def work(connection: sa.Connection) -> None:
            now = self._database.now(connection)
            gap = {
                "case": case,
                "source": source,
                "number": number,
                "reason": reason,
                "accepted_at": now,
            }
            insert_once(connection, self._gaps, gap)
            connection.execute(unanswered.values(outcome=Outcome.GAP, closed_at=now))

        self._database.write(case, work)

    def accepted_gaps(self, case: str, source: str) -> dict[int, str]:
        gaps = self._gaps.c
        query = (
            sa.select(gaps.number, gaps.reason)
            .where(gaps.case == case, gaps.source == source)
            .order_by(gaps.number)
        )
        return {row.number: row.reason for row in self._database.fetch(query)}


def _safe(source: str) -> str:
    """Fit to be a part of an object's key."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", source).strip("-") or "source"
