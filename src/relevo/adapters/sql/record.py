"""The record of what was decided, trained, ruled and moved. What is recorded again is answered as it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from typing import Any, TypeVar

import sqlalchemy as sa

from relevo.adapters.sql.inserting import insert_once
from relevo.adapters.sql.part import Part
from relevo.domain.evidence import (
    Action,
    Decision,
    Entry,
    Evidence,
    Move,
    MoveKind,
    Ruling,
    Training,
    TrainingRequest,
    Verdict,
)
from relevo.errors import NotFound

Recorded = TypeVar("Recorded", bound=Entry)
AS_JSON = ("evidence", "policy", "batches", "rows", "metrics")


class Record(Part):
    def record_decision(self, decision: Decision) -> Decision:
        table, requests = self._tables.decisions.c, self._tables.training_requests
        same = (
            table.case == decision.case,
            table.batch_id == decision.batch_id,
            sa.func.coalesce(table.request_id, 0) == (decision.request_id or 0),
        )

        def work(connection: sa.Connection) -> Decision:
            stored = _stored(
                connection, self._tables.decisions, decision, _decision, *same
            )
            until = (
                requests.c.case == decision.case,
                requests.c.id <= (stored.request_id or 0),
            )
            answered = sa.update(requests).where(
                *until, requests.c.decision_id.is_(None)
            )
            connection.execute(answered.values(decision_id=stored.id))
            return stored

        return self.database.write(decision.case, work)

    def decisions(self, case: str, batch_id: int | None = None) -> list[Decision]:
        table = self._tables.decisions
        return self._all(
            table, _decision, table.c.case == case, *_equal(table.c.batch_id, batch_id)
        )

    def decision(self, decision_id: int) -> Decision:
        found = self._all(
            self._tables.decisions,
            _decision,
            self._tables.decisions.c.id == decision_id,
        )
        if not found:
            raise NotFound(f"no decision {decision_id} in {self.database.where}")
        return found[0]

    def record_training(self, training: Training) -> Training:
        table = self._tables.trainings
        return self._once(
            table, training, _training, table.c.decision_id == training.decision_id
        )

    def trainings(self, case: str, decision_id: int | None = None) -> list[Training]:
        table = self._tables.trainings
        return self._all(
            table,
            _training,
            table.c.case == case,
            *_equal(table.c.decision_id, decision_id),
        )

    def last_training_batch(self, case: str) -> int | None:
        decisions, trainings = self._tables.decisions.c, self._tables.trainings.c
        query = sa.select(sa.func.max(decisions.batch_id)).where(
            decisions.id == trainings.decision_id, trainings.case == case
        )
        newest: int | None = self.database.read(
            lambda connection: connection.execute(query).scalar_one()
        )
        return newest

    def record_verdict(self, verdict: Verdict) -> Verdict:
        table = self._tables.verdicts
        return self._once(
            table, verdict, _verdict, table.c.decision_id == verdict.decision_id
        )

    def verdicts(self, case: str, decision_id: int | None = None) -> list[Verdict]:
        table = self._tables.verdicts
        return self._all(
            table,
            _verdict,
            table.c.case == case,
            *_equal(table.c.decision_id, decision_id),
        )

    def open_move(self, move: Move) -> Move:
        """A verdict is carried out by one move; a person may order any number."""
        table = self._tables.moves
        if move.verdict_id is not None:
            return self._once(table, move, _move, table.c.verdict_id == move.verdict_id)
        insert = sa.insert(table).values(_values(move)).returning(table)
        return self.database.write(
            move.case, lambda c: _move(c.execute(insert).one()), repeatable=False
        )

    def finish_move(self, move: Move) -> Move:
        table = self._tables.moves

        def work(connection: sa.Connection) -> Move:
            unfinished = sa.update(table).where(
                table.c.id == move.id, table.c.done_at.is_(None)
            )
            connection.execute(unfinished.values(done_at=self.database.now(connection)))
            return _move(
                connection.execute(sa.select(table).where(table.c.id == move.id)).one()
            )

        return self.database.write(move.case, work)

    @contextmanager
    def moving(self, case: str) -> Iterator[None]:
        with self.database.writing(case) as connection:
            if not self.database.is_sqlite:  # which has one writer anyway
                turn = sa.func.hashtextextended(f"relevo moves {case}", 0)
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(turn)))
            yield

    def move(self, move_id: int) -> Move:
        return self._all(self._tables.moves, _move, self._tables.moves.c.id == move_id)[
            0
        ]

    def moves(self, case: str) -> list[Move]:
        return self._all(self._tables.moves, _move, self._tables.moves.c.case == case)

    def add_request(self, case: str, reason: str) -> TrainingRequest:
        table = self._tables.training_requests

        def work(connection: sa.Connection) -> TrainingRequest:
            values = {
                "case": case,
                "reason": reason,
                "requested_at": self.database.now(connection),
            }
            return _request(
                connection.execute(
                    sa.insert(table).values(values).returning(table)
                ).one()
            )

        return self.database.write(case, work, repeatable=False)

    def open_requests(self, case: str) -> list[TrainingRequest]:
        table = self._tables.training_requests
        return self._all(
            table, _request, table.c.case == case, table.c.decision_id.is_(None)
        )

    def _once(
        self,
        table: sa.Table,
        entry: Recorded,
        read: Callable[[sa.Row[Any]], Recorded],
        *same: sa.ColumnElement[bool],
    ) -> Recorded:
        return self.database.write(
            entry.case,
            lambda connection: _stored(connection, table, entry, read, *same),
        )

    def _all(
        self,
        table: sa.Table,
        read: Callable[[sa.Row[Any]], Recorded],
        *conditions: sa.ColumnElement[bool],
    ) -> list[Recorded]:
        query = sa.select(table).where(*conditions).order_by(table.c.id)
        return self.database.read(
            lambda connection: [read(row) for row in connection.execute(query)]
        )


def _equal(column: sa.Column[Any], value: int | None) -> list[sa.ColumnElement[bool]]:
    return [] if value is None else [column == value]


def _stored(
    connection: sa.Connection,
    table: sa.Table,
    entry: Recorded,
    read: Callable[[sa.Row[Any]], Recorded],
    *same: sa.ColumnElement[bool],
) -> Recorded:
    insert_once(connection, table, _values(entry))
    return read(connection.execute(sa.select(table).where(*same)).one())


def _values(entry: Entry) -> dict[str, Any]:
    """The row of an entry. Its id is the database's to give; nested values are JSON."""
    values = {
        field.name: getattr(entry, field.name)
        for field in fields(entry)
        if field.name != "id"
    }
    for name in AS_JSON:
        if name == "evidence" and name in values:
            values[name] = [asdict(fact) for fact in values[name]]
        if name in values:
            values[name] = json.dumps(values[name])
    return values


def _evidence(text: str) -> tuple[Evidence, ...]:
    return tuple(Evidence(**fact) for fact in json.loads(text))


def _decision(row: sa.Row[Any]) -> Decision:
    return Decision(
        id=row.id,
        case=row.case,
        batch_id=row.batch_id,
        action=Action(row.action),
        sentence=row.sentence,
        evidence=_evidence(row.evidence),
        policy=json.loads(row.policy),
        decided_at=row.decided_at,
        request_id=row.request_id,
    )


def _training(row: sa.Row[Any]) -> Training:
    return Training(
        id=row.id,
        case=row.case,
        decision_id=row.decision_id,
        version=row.version,
        run_id=row.run_id,
        estimator=row.estimator,
        batches=tuple(json.loads(row.batches)),
        rows=json.loads(row.rows),
        data_sha256=row.data_sha256,
        metrics=json.loads(row.metrics),
        seconds=row.seconds,
        trained_at=row.trained_at,
    )


def _verdict(row: sa.Row[Any]) -> Verdict:
    return Verdict(
        id=row.id,
        case=row.case,
        decision_id=row.decision_id,
        ruling=Ruling(row.ruling),
        challenger=row.challenger,
        champion=row.champion,
        contest_number=row.contest_number,
        sentence=row.sentence,
        evidence=_evidence(row.evidence),
        ruled_at=row.ruled_at,
    )


def _move(row: sa.Row[Any]) -> Move:
    return Move(
        id=row.id,
        case=row.case,
        kind=MoveKind(row.kind),
        version=row.version,
        previous=row.previous,
        reason=row.reason,
        verdict_id=row.verdict_id,
        requested_at=row.requested_at,
        done_at=row.done_at,
    )


def _request(row: sa.Row[Any]) -> TrainingRequest:
    return TrainingRequest(
        id=row.id,
        case=row.case,
        reason=row.reason,
        requested_at=row.requested_at,
        decision_id=row.decision_id,
    )
