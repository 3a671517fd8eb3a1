"""The fixed tables: attempts, batches, quarantine, the record of decisions, leases, predictions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from relevo.adapters.sql.tables import Instant, place

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _arrivals()
    _decisions()
    _outcomes()
    _locks()
    _predictions()


def _create(schema: str, name: str, *parts: sa.schema.SchemaItem) -> None:
    placed, in_schema = place(schema, name, op.get_bind().dialect.name)
    op.create_table(placed, *parts, schema=in_schema)


def _index(
    name: str, schema: str, table: str, columns: list[Any], *, unique: bool = False
) -> None:
    placed, in_schema = place(schema, table, op.get_bind().dialect.name)
    op.create_index(name, placed, columns, unique=unique, schema=in_schema)


def _key(schema: str, table: str) -> sa.ForeignKey:
    placed, in_schema = place(schema, table, op.get_bind().dialect.name)
    return sa.ForeignKey(f"{in_schema}.{placed}.id" if in_schema else f"{placed}.id")


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _text(name: str, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def _arrivals() -> None:
    _create(
        "audit", "attempts",
        _id(), _text("case"), _text("source"), _text("object_key"), _text("outcome"), _text("format", ""),
        sa.Column("number", sa.Integer), _text("sha256", ""), _text("detail", ""),
        sa.Column("started_at", Instant, nullable=False), sa.Column("closed_at", Instant),
    )  # fmt: skip
    _index("attempts_by_outcome", "audit", "attempts", ["case", "source", "outcome"])
    _create(
        "audit", "batches",
        _id(), _text("case"), _text("source"), sa.Column("number", sa.Integer, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False), sa.Column("bad_rows", sa.Integer, nullable=False),
        _text("sha256"), _text("content_sha256"), _text("object_key"), _text("state"), _text("reason", ""),
        sa.Column("loaded_at", Instant, nullable=False), sa.Column("prepared_at", Instant),
        sa.UniqueConstraint("case", "source", "number", name="batches_once"),
    )  # fmt: skip
    _create(
        "quarantine", "cells",
        sa.Column("batch_id", sa.Integer, nullable=False), sa.Column("position", sa.Integer, nullable=False),
        _text("column"), _text("value"), _text("reason"),
    )  # fmt: skip
    _index("cells_by_row", "quarantine", "cells", ["batch_id", "position"])


def _decisions() -> None:
    _create(
        "audit", "requests",
        _id(), _text("case"), _text("reason"), sa.Column("asked_at", Instant, nullable=False),
        sa.Column("decision_id", sa.Integer),
    )  # fmt: skip
    _index("requests_by_case", "audit", "requests", ["case", "decision_id"])
    _create(
        "audit", "decisions",
        _id(), _text("case"), sa.Column("batch_id", sa.Integer, nullable=False), sa.Column("request_id", sa.Integer),
        _text("action"), _text("sentence"), _text("evidence"), _text("policy"),
        sa.Column("decided_at", Instant, nullable=False),
    )  # fmt: skip
    _index(
        "decisions_once",
        "audit",
        "decisions",
        ["case", "batch_id", sa.text("coalesce(request_id, 0)")],
        unique=True,
    )


def _outcomes() -> None:
    _create(
        "audit", "trainings",
        _id(), _text("case"), sa.Column("decision_id", sa.Integer, _key("audit", "decisions"), nullable=False, unique=True),
        _text("version"), _text("run_id"), _text("estimator"), _text("batches"), _text("rows"), _text("data_sha256"),
        _text("metrics"), sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("trained_at", Instant, nullable=False),
    )  # fmt: skip
    _index("trainings_by_case", "audit", "trainings", ["case"])
    _create(
        "audit", "verdicts",
        _id(), _text("case"), sa.Column("decision_id", sa.Integer, _key("audit", "decisions"), nullable=False, unique=True),
        _text("ruling"), _text("challenger"), sa.Column("champion", sa.Text),
        sa.Column("contest_number", sa.Integer, nullable=False), _text("sentence"), _text("evidence"),
        sa.Column("ruled_at", Instant, nullable=False),
    )  # fmt: skip
    _index("verdicts_by_case", "audit", "verdicts", ["case"])
    _create(
        "audit", "moves",
        _id(), _text("case"), _text("kind"), _text("version"), sa.Column("previous", sa.Text), _text("reason"),
        sa.Column("verdict_id", sa.Integer, _key("audit", "verdicts"), unique=True),
        sa.Column("asked_at", Instant, nullable=False), sa.Column("done_at", Instant),
    )  # fmt: skip
    _index("moves_by_case", "audit", "moves", ["case"])


def _locks() -> None:
    _create(
        "audit", "gaps",
        sa.Column("case", sa.Text, primary_key=True), sa.Column("source", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True), _text("reason"),
        sa.Column("accepted_at", Instant, nullable=False),
    )  # fmt: skip
    _create(
        "audit", "leases",
        sa.Column("case", sa.Text, primary_key=True), sa.Column("token", sa.Integer, nullable=False),
        _text("holder"), _text("host"), sa.Column("pid", sa.Integer, nullable=False), _text("process"),
        sa.Column("since", Instant, nullable=False), sa.Column("expires_at", Instant, nullable=False),
    )  # fmt: skip


def _predictions() -> None:
    _create(
        "predictions", "log",
        sa.Column("receipt", sa.Text, primary_key=True), _text("case"), _text("environment"),
        sa.Column("at", Instant, nullable=False), sa.Column("version", sa.Text), _text("input"),
        sa.Column("output", sa.Double), sa.Column("output_text", sa.Text),
        sa.Column("status", sa.Integer, nullable=False), _text("error", ""), sa.Column("latency_ms", sa.Double),
    )  # fmt: skip
    _index("log_by_time", "predictions", "log", ["case", "environment", "at"])
    _create(
        "predictions", "labels",
        sa.Column("receipt", sa.Text, primary_key=True), sa.Column("at", Instant, primary_key=True), _text("truth"),
    )  # fmt: skip
