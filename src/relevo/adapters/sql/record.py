"""What was decided, trained, ruled and moved. What is recorded again is answered as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from relevo.adapters.sql.database import Database
from relevo.adapters.sql.entries import Entries
from relevo.domain.evidence import Decision, Move, Training, TrainingRequest, Verdict


class SqlRecord:
    """It needs no pyarrow, which the API does not have."""

    def __init__(self, database: Database) -> None:
        tables = database.tables
        self._database = database
        self._decisions = Entries(database, tables.decisions, Decision)
        self._trainings = Entries(database, tables.trainings, Training)
        self._verdicts = Entries(database, tables.verdicts, Verdict)
        self._moves = Entries(database, tables.moves, Move)
        self._requests = Entries(database, tables.training_requests, TrainingRequest)

    def add_decision(self, decision: Decision) -> Decision:
        requests = self._requests.table

        def work(connection: sa.Connection) -> Decision:
            stored = self._decisions.keep_in(
                connection, decision, "case", "batch_id", "request_id"
            )
            # the newest request stands for all that are open
            answered = sa.update(requests).where(
                requests.c.case == stored.case,
                requests.c.id <= (stored.request_id or 0),
                requests.c.decision_id.is_(None),
            )
            connection.execute(answered.values(decision_id=stored.id))
            return stored

        return self._database.write(decision.case, work)

    def decisions(self, case: str, batch_id: int | None = None) -> list[Decision]:
        return self._decisions.find(case=case, batch_id=batch_id)

    def decision(self, decision_id: int) -> Decision:
        return self._decisions.get(decision_id)

    def add_training(self, training: Training) -> Training:
        return self._trainings.keep(training, "decision_id")

    def trainings(self, case: str, decision_id: int | None = None) -> list[Training]:
        return self._trainings.find(case=case, decision_id=decision_id)

    def last_trained_batch(self, case: str) -> int | None:
        decisions, trainings = self._decisions.table.c, self._trainings.table.c
        query = sa.select(sa.func.max(decisions.batch_id)).where(
            decisions.id == trainings.decision_id, trainings.case == case
        )
        newest: int | None = self._database.fetch(query)[0][0]
        return newest

    def add_verdict(self, verdict: Verdict) -> Verdict:
        return self._verdicts.keep(verdict, "decision_id")

    def verdicts(self, case: str, decision_id: int | None = None) -> list[Verdict]:
        return self._verdicts.find(case=case, decision_id=decision_id)

    def open_move(self, move: Move) -> Move:
        """A verdict is carried out by one move; a person may order any number."""
        if move.verdict_id is not None:
            return self._moves.keep(move, "verdict_id")
        return self._database.write(
            move.case,
            lambda connection: self._moves.add(connection, move),
            repeatable=False,
        )

    def finish_move(self, move: Move) -> Move:
        done_at = self._moves.table.c.done_at

        def work(connection: sa.Connection) -> Move:
            first = sa.func.coalesce(done_at, self._database.now(connection))
            return self._moves.update(connection, move.stored_id, done_at=first)

        return self._database.write(move.case, work)

    @contextmanager
    def alias_lock(self, case: str) -> Iterator[None]:
        with self._database.writing(case) as connection:
            if not self._database.is_sqlite:  # which has one writer anyway
                turn = sa.func.hashtextextended(f"relevo moves {case}", 0)
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(turn)))
            yield

    def move(self, move_id: int) -> Move:
        return self._moves.get(move_id)

    def moves(self, case: str) -> list[Move]:
        return self._moves.find(case=case)

    def add_request(self, case: str, reason: str) -> TrainingRequest:
        def work(connection: sa.Connection) -> TrainingRequest:
            request = TrainingRequest(
                case=case, reason=reason, requested_at=self._database.now(connection)
            )
            return self._requests.add(connection, request)

        return self._database.write(case, work, repeatable=False)

    def open_requests(self, case: str) -> list[TrainingRequest]:
        unanswered = self._requests.table.c.decision_id.is_(None)
        return self._requests.find(unanswered, case=case)
