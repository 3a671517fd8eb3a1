"""Requests to a source, on record before they are made; and what people gave up."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from relevo.adapters.sql.inserting import insert_once
from relevo.adapters.sql.part import Part
from relevo.domain.batch import Attempt, Outcome


class Attempts(Part):
    def open_attempt(self, case: str, source: str) -> Attempt:
        table = self._tables.attempts

        def work(connection: sa.Connection) -> Attempt:
            now = self.database.now(connection)
            values: dict[str, Any] = {
                "case": case,
                "source": source,
                "outcome": Outcome.OPEN,
                "started_at": now,
            }
            found = connection.execute(
                sa.insert(table).values(**values, object_key="").returning(table.c.id)
            ).scalar_one()
            key = f"landing/{case}/{_safe(source)}/{found:08d}-{now:%Y%m%dT%H%M%S}"
            connection.execute(
                sa.update(table).where(table.c.id == found).values(object_key=key)
            )
            return Attempt(found, case, source, key, Outcome.OPEN, now)

        return self.database.write(case, work, repeatable=False)

    def close_attempt(
        self,
        attempt: Attempt,
        outcome: Outcome,
        *,
        format: str = "",
        number: int | None = None,
        sha256: str = "",
        detail: str = "",
    ) -> Attempt:
        """What is left empty keeps what it was."""
        known = {"format": format, "number": number, "sha256": sha256, "detail": detail}
        values = {
            name: value for name, value in known.items() if value not in (None, "")
        }
        return self.database.write(
            attempt.case,
            lambda connection: self._close(connection, attempt, outcome, values),
        )

    def attempts(self, case: str, source: str, *outcomes: Outcome) -> list[Attempt]:
        table = self._tables.attempts
        query = (
            sa.select(table)
            .where(table.c.case == case, table.c.source == source)
            .order_by(table.c.id)
        )
        if outcomes:
            query = query.where(table.c.outcome.in_(outcomes))
        return self.database.read(
            lambda connection: [_attempt(row) for row in connection.execute(query)]
        )

    def accept_gap(self, case: str, source: str, number: int, reason: str) -> None:
        table, gaps = self._tables.attempts, self._tables.gaps
        unanswered = sa.and_(
            table.c.case == case,
            table.c.source == source,
            table.c.outcome == Outcome.UNANSWERED,
            sa.or_(table.c.number.is_(None), table.c.number == number),
        )

        def work(connection: sa.Connection) -> None:
            now = self.database.now(connection)
            gap = {
                "case": case,
                "source": source,
                "number": number,
                "reason": reason,
                "accepted_at": now,
            }
            insert_once(connection, gaps, gap)
            connection.execute(
                sa.update(table)
                .where(unanswered)
                .values(outcome=Outcome.GAP, closed_at=now)
            )

        self.database.write(case, work)

    def accepted_gaps(self, case: str, source: str) -> dict[int, str]:
        gaps = self._tables.gaps
        query = sa.select(gaps.c.number, gaps.c.reason).where(
            gaps.c.case == case, gaps.c.source == source
        )
        query = query.order_by(gaps.c.number)
        return self.database.read(
            lambda connection: {
                row.number: row.reason for row in connection.execute(query)
            }
        )

    def _close(
        self,
        connection: sa.Connection,
        attempt: Attempt,
        outcome: Outcome,
        values: dict[str, Any],
    ) -> Attempt:
        table = self._tables.attempts
        moment = (
            None
            if outcome in (Outcome.OPEN, Outcome.LANDED)
            else self.database.now(connection)
        )
        update = (
            sa.update(table)
            .where(table.c.id == attempt.id)
            .values(outcome=outcome, closed_at=moment, **values)
        )
        connection.execute(update)
        return _attempt(
            connection.execute(sa.select(table).where(table.c.id == attempt.id)).one()
        )


def _safe(source: str) -> str:
    """Fit to be a part of an object's key."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", source).strip("-") or "source"


def _attempt(row: sa.Row[Any]) -> Attempt:
    return Attempt(
        row.id, row.case, row.source, row.object_key, Outcome(row.outcome), row.started_at, row.format, row.number,
        row.sha256, row.detail,
    )  # fmt: skip
