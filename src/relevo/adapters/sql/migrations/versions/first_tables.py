"""The fixed tables: attempts, batches, quarantine, the record of decisions, leases, predictions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

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
)
from relevo.adapters.sql.tables import placed

revision = "0001"
down_revision = None


def upgrade() -> None:
    _arrivals()
    _decisions()
    _outcomes()
    _locks()
    _predictions()


def _create(
    schema: str, name: str, *constraints: sa.schema.SchemaItem, **columns: MakeColumn
) -> None:
    made = (make(column) for column, make in columns.items())
    name, in_schema = placed(schema, name, op.get_bind().dialect.name)
    op.create_table(name, *made, *constraints, schema=in_schema)


def _once(table: str, column: str) -> tuple[sa.Constraint, sa.Constraint]:
    name, schema = placed("audit", table, op.get_bind().dialect.name)
    target = ".".join(part for part in (schema, name, "id") if part)
    return sa.ForeignKeyConstraint([column], [target]), sa.UniqueConstraint(column)


def _arrivals() -> None:
    _create(
        "audit",
        "attempts",
        sa.Index("attempts_by_outcome", "case", "source", "outcome"),
        id=ID,
        case=TEXT,
        source=TEXT,
        object_key=TEXT,
        outcome=TEXT,
        format=TEXT_OR_EMPTY,
        number=INTEGER_OR_NULL,
        sha256=TEXT_OR_EMPTY,
        detail=TEXT_OR_EMPTY,
        started_at=INSTANT,
        closed_at=INSTANT_OR_NULL,
    )
    _create(
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
        state=TEXT,
        reason=TEXT_OR_EMPTY,
        loaded_at=INSTANT,
        prepared_at=INSTANT_OR_NULL,
    )
    _create(
        "quarantine",
        "cells",
        sa.Index("cells_by_row", "batch_id", "position"),
        batch_id=INTEGER,
        position=INTEGER,
        column=TEXT,
        value=TEXT,
        reason=TEXT,
    )


def _decisions() -> None:
    _create(
        "audit",
        "requests",
        sa.Index("requests_by_case", "case", "decision_id"),
        id=ID,
        case=TEXT,
        reason=TEXT,
        asked_at=INSTANT,
        decision_id=INTEGER_OR_NULL,
    )
    request = sa.text("coalesce(request_id, 0)")
    _create(
        "audit",
        "decisions",
        sa.Index("decisions_once", "case", "batch_id", request, unique=True),
        id=ID,
        case=TEXT,
        batch_id=INTEGER,
        request_id=INTEGER_OR_NULL,
        action=TEXT,
        sentence=TEXT,
        evidence=TEXT,
        policy=TEXT,
        decided_at=INSTANT,
    )


def _outcomes() -> None:
    _create(
        "audit",
        "trainings",
        *_once("decisions", "decision_id"),
        sa.Index("trainings_by_case", "case"),
        id=ID,
        case=TEXT,
        decision_id=INTEGER,
        version=TEXT,
        run_id=TEXT,
        estimator=TEXT,
        batches=TEXT,
        rows=TEXT,
        data_sha256=TEXT,
        metrics=TEXT,
        seconds=NUMBER,
        trained_at=INSTANT,
    )
    _create(
        "audit",
        "verdicts",
        *_once("decisions", "decision_id"),
        sa.Index("verdicts_by_case", "case"),
        id=ID,
        case=TEXT,
        decision_id=INTEGER,
        ruling=TEXT,
        challenger=TEXT,
        champion=TEXT_OR_NULL,
        contest_number=INTEGER,
        sentence=TEXT,
        evidence=TEXT,
        ruled_at=INSTANT,
    )
    _create(
        "audit",
        "moves",
        *_once("verdicts", "verdict_id"),
        sa.Index("moves_by_case", "case"),
        id=ID,
        case=TEXT,
        kind=TEXT,
        version=TEXT,
        previous=TEXT_OR_NULL,
        reason=TEXT,
        verdict_id=INTEGER_OR_NULL,
        asked_at=INSTANT,
        done_at=INSTANT_OR_NULL,
    )


def _locks() -> None:
    _create(
        "audit",
        "gaps",
        case=TEXT_KEY,
        source=TEXT_KEY,
        number=INTEGER_KEY,
        reason=TEXT,
        accepted_at=INSTANT,
    )
    _create(
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


def _predictions() -> None:
    _create(
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
    _create("predictions", "labels", receipt=TEXT_KEY, at=INSTANT_KEY, truth=TEXT)
