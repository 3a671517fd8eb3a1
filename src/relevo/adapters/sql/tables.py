"""The fixed tables, as the newest migration leaves them.

On PostgreSQL they lie in schemas (audit.batches); SQLite has none, so there the schema is part of the name (audit__batches).
"""

from __future__ import annotations

import sqlalchemy as sa

from relevo.adapters.sql.columns import (
    ID,
    INSTANT,
    INSTANT_KEY,
    INSTANT_OR_NULL,
    INTEGER,
    INTEGER_KEY,
    INTEGER_OR_NULL,
    NUMBER,
    NUMBER_OR_NULL,
    TEXT,
    TEXT_KEY,
    TEXT_OR_EMPTY,
    TEXT_OR_NULL,
    MakeColumn,
    enum_of,
    json_of,
    stored_evidence,
)
from relevo.domain.batch import BatchState, Outcome
from relevo.domain.evidence import Action, MoveKind, Ruling

# the migration after which a database has exactly these tables: raise it with them
REVISION = "0002"
SCHEMAS = ("raw", "clean", "quarantine", "audit", "predictions")


def placed(schema: str, name: str, dialect: str) -> tuple[str, str | None]:
    """Name and schema of a table in this kind of database."""
    if dialect == "sqlite":
        return f"{schema}__{name}", None
    return name, schema


class Tables:
    """Every fixed table, placed for one kind of database."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.metadata = sa.MetaData()
        self._make_arrivals()
        self._make_record()
        self._make_predictions()

    def _table(
        self,
        schema: str,
        name: str,
        *constraints: sa.schema.SchemaItem,
        **columns: MakeColumn,
    ) -> sa.Table:
        made = (make(column) for column, make in columns.items())
        name, in_schema = placed(schema, name, self.dialect)
        return sa.Table(name, self.metadata, *made, *constraints, schema=in_schema)

    def _make_arrivals(self) -> None:
        self.attempts = self._table(
            "audit",
            "attempts",
            sa.Index("attempts_by_outcome", "case", "source", "outcome"),
            id=ID,
            case=TEXT,
            source=TEXT,
            object_key=TEXT,
            outcome=enum_of(Outcome),
            format=TEXT_OR_EMPTY,
            number=INTEGER_OR_NULL,
            sha256=TEXT_OR_EMPTY,
            detail=TEXT_OR_EMPTY,
            started_at=INSTANT,
            closed_at=INSTANT_OR_NULL,
        )
        self.batches = self._table(
            "audit",
            "batches",
            sa.UniqueConstraint("case", "source", "number", name="batches_once"),
            id=ID,
            case=TEXT,
            source=TEXT,
            number=INTEGER,
            rows=INTEGER,
            bad_rows=INTEGER,
            sha256=TEXT,
            content_sha256=TEXT,
            object_key=TEXT,
            state=enum_of(BatchState),
            reason=TEXT_OR_EMPTY,
            loaded_at=INSTANT,
            prepared_at=INSTANT_OR_NULL,
        )
        self.cells = self._table(
            "quarantine",
            "cells",
            sa.Index("cells_by_row", "batch_id", "position"),
            batch_id=INTEGER,
            position=INTEGER,
            column=TEXT,
            value=TEXT,
            reason=TEXT,
        )
        self.gaps = self._table(
            "audit",
            "gaps",
            case=TEXT_KEY,
            source=TEXT_KEY,
            number=INTEGER_KEY,
            reason=TEXT,
            accepted_at=INSTANT,
        )
        self.leases = self._table(
            "audit",
            "leases",
            case=TEXT_KEY,
            token=INTEGER,
            holder=TEXT,
            host=TEXT,
            pid=INTEGER,
            process=TEXT,
            since=INSTANT,
            expires_at=INSTANT,
        )

    def _make_record(self) -> None:
        self.training_requests = self._table(
            "audit",
            "training_requests",
            sa.Index("training_requests_by_case", "case", "decision_id"),
            id=ID,
            case=TEXT,
            reason=TEXT,
            requested_at=INSTANT,
            decision_id=INTEGER_OR_NULL,
        )
        self.decisions = self._table(
            "audit",
            "decisions",
            id=ID,
            case=TEXT,
            batch_id=INTEGER,
            request_id=INTEGER_OR_NULL,
            action=enum_of(Action),
            sentence=TEXT,
            evidence=json_of(stored_evidence),
            policy=json_of(dict),
            decided_at=INSTANT,
        )
        # null would differ from null: a batch has one decision without a request
        request = sa.func.coalesce(self.decisions.c.request_id, sa.literal_column("0"))
        key = (self.decisions.c.case, self.decisions.c.batch_id, request)
        sa.Index("decisions_once", *key, unique=True)
        self.trainings = self._table(
            "audit",
            "trainings",
            *_once("decision_id", self.decisions),
            sa.Index("trainings_by_case", "case"),
            id=ID,
            case=TEXT,
            decision_id=INTEGER,
            version=TEXT,
            run_id=TEXT,
            estimator=TEXT,
            batches=json_of(tuple),
            rows=json_of(dict),
            data_sha256=TEXT,
            metrics=json_of(dict),
            seconds=NUMBER,
            trained_at=INSTANT,
        )
        self.verdicts = self._table(
            "audit",
            "verdicts",
            *_once("decision_id", self.decisions),
            sa.Index("verdicts_by_case", "case"),
            id=ID,
            case=TEXT,
            decision_id=INTEGER,
            ruling=enum_of(Ruling),
            challenger=TEXT,
            champion=TEXT_OR_NULL,
            contest_number=INTEGER,
            sentence=TEXT,
            evidence=json_of(stored_evidence),
            ruled_at=INSTANT,
        )
        self.moves = self._table(
            "audit",
            "moves",
            *_once("verdict_id", self.verdicts),
            sa.Index("moves_by_case", "case"),
            id=ID,
            case=TEXT,
            kind=enum_of(MoveKind),
            version=TEXT,
            previous=TEXT_OR_NULL,
            reason=TEXT,
            verdict_id=INTEGER_OR_NULL,
            requested_at=INSTANT,
            done_at=INSTANT_OR_NULL,
        )

    def _make_predictions(self) -> None:
        self.log = self._table(
            "predictions",
            "log",
            sa.Index("log_by_time", "case", "environment", "at"),
            receipt=TEXT_KEY,
            case=TEXT,
            environment=TEXT,
            at=INSTANT,
            version=TEXT_OR_NULL,
            input=TEXT,
            output=NUMBER_OR_NULL,
            output_text=TEXT_OR_NULL,
            status=INTEGER,
            error=TEXT_OR_EMPTY,
            latency_ms=NUMBER_OR_NULL,
        )
        self.labels = self._table(
            "predictions", "labels", receipt=TEXT_KEY, at=INSTANT_KEY, truth=TEXT
        )


def _once(column: str, table: sa.Table) -> tuple[sa.Constraint, sa.Constraint]:
    """The column names an entry of `table`, of which at most one row here tells what became."""
    refers = sa.ForeignKeyConstraint([column], [table.c.id])
    return refers, sa.UniqueConstraint(column)
