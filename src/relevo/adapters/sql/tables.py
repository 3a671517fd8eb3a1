"""The fixed tables, as the newest migration leaves them.

On PostgreSQL they lie in schemas (audit.batches); SQLite has none, so there the schema is part of the name (audit__batches).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

REVISION = "0002"  # the migration that makes exactly these tables
SCHEMAS = ("raw", "clean", "quarantine", "audit", "predictions")


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, aware when it comes out. Where a database knows no time zones, it holds UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: sa.Dialect
    ) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(
                f"{value} has no time zone; moments are written as aware datetimes"
            )
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(
        self, value: datetime | None, _dialect: sa.Dialect
    ) -> datetime | None:
        if value is None:
            return None
        return (
            value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        )


def place(schema: str, name: str, dialect: str) -> tuple[str, str | None]:
    """Name and schema of a table in this kind of database."""
    return (f"{schema}__{name}", None) if dialect == "sqlite" else (name, schema)


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _text(name: str, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


class Tables:
    """Every fixed table, placed for one kind of database."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.metadata = sa.MetaData()
        self.attempts = self._attempts()
        self.batches = self._batches()
        self.cells = self._cells()
        self.training_requests = self._training_requests()
        self.decisions = self._decisions()
        self.trainings = self._trainings()
        self.verdicts = self._verdicts()
        self.moves = self._moves()
        self.gaps = self._gaps()
        self.leases = self._leases()
        self.log = self._log()
        self.labels = self._labels()

    def _table(self, schema: str, name: str, *parts: sa.schema.SchemaItem) -> sa.Table:
        placed, in_schema = place(schema, name, self.dialect)
        return sa.Table(placed, self.metadata, *parts, schema=in_schema)

    def _attempts(self) -> sa.Table:
        return self._table(
            "audit", "attempts",
            _id(), _text("case"), _text("source"), _text("object_key"), _text("outcome"), _text("format", ""),
            sa.Column("number", sa.Integer), _text("sha256", ""), _text("detail", ""),
            sa.Column("started_at", Instant, nullable=False), sa.Column("closed_at", Instant),
            sa.Index("attempts_by_outcome", "case", "source", "outcome"),
        )  # fmt: skip

    def _batches(self) -> sa.Table:
        return self._table(
            "audit", "batches",
            _id(), _text("case"), _text("source"), sa.Column("number", sa.Integer, nullable=False),
            sa.Column("rows", sa.Integer, nullable=False), sa.Column("bad_rows", sa.Integer, nullable=False),
            _text("sha256"), _text("content_sha256"), _text("object_key"), _text("state"), _text("reason", ""),
            sa.Column("loaded_at", Instant, nullable=False), sa.Column("prepared_at", Instant),
            sa.UniqueConstraint("case", "source", "number", name="batches_once"),
        )  # fmt: skip

    def _cells(self) -> sa.Table:
        return self._table(
            "quarantine", "cells",
            sa.Column("batch_id", sa.Integer, nullable=False), sa.Column("position", sa.Integer, nullable=False),
            _text("column"), _text("value"), _text("reason"),
            sa.Index("cells_by_row", "batch_id", "position"),
        )  # fmt: skip

    def _training_requests(self) -> sa.Table:
        return self._table(
            "audit", "training_requests",
            _id(), _text("case"), _text("reason"), sa.Column("requested_at", Instant, nullable=False),
            sa.Column("decision_id", sa.Integer),
            sa.Index("training_requests_by_case", "case", "decision_id"),
        )  # fmt: skip

    def _decisions(self) -> sa.Table:
        decisions = self._table(
            "audit", "decisions",
            _id(), _text("case"), sa.Column("batch_id", sa.Integer, nullable=False), sa.Column("request_id", sa.Integer),
            _text("action"), _text("sentence"), _text("evidence"), _text("policy"),
            sa.Column("decided_at", Instant, nullable=False),
        )  # fmt: skip
        asked = sa.func.coalesce(decisions.c.request_id, sa.literal_column("0"))
        sa.Index(
            "decisions_once", decisions.c.case, decisions.c.batch_id, asked, unique=True
        )
        return decisions

    def _about_decision(self) -> sa.Column[Any]:
        """A row that tells what became of a decision; there is one at most."""
        return sa.Column(
            "decision_id",
            sa.Integer,
            sa.ForeignKey(self.decisions.c.id),
            nullable=False,
            unique=True,
        )

    def _trainings(self) -> sa.Table:
        return self._table(
            "audit", "trainings",
            _id(), _text("case"), self._about_decision(), _text("version"), _text("run_id"), _text("estimator"),
            _text("batches"), _text("rows"), _text("data_sha256"), _text("metrics"),
            sa.Column("seconds", sa.Double, nullable=False), sa.Column("trained_at", Instant, nullable=False),
            sa.Index("trainings_by_case", "case"),
        )  # fmt: skip

    def _verdicts(self) -> sa.Table:
        return self._table(
            "audit", "verdicts",
            _id(), _text("case"), self._about_decision(), _text("ruling"), _text("challenger"),
            sa.Column("champion", sa.Text), sa.Column("contest_number", sa.Integer, nullable=False),
            _text("sentence"), _text("evidence"), sa.Column("ruled_at", Instant, nullable=False),
            sa.Index("verdicts_by_case", "case"),
        )  # fmt: skip

    def _moves(self) -> sa.Table:
        verdict = sa.Column(
            "verdict_id", sa.Integer, sa.ForeignKey(self.verdicts.c.id), unique=True
        )
        return self._table(
            "audit", "moves",
            _id(), _text("case"), _text("kind"), _text("version"), sa.Column("previous", sa.Text), _text("reason"),
            verdict, sa.Column("requested_at", Instant, nullable=False), sa.Column("done_at", Instant),
            sa.Index("moves_by_case", "case"),
        )  # fmt: skip

    def _gaps(self) -> sa.Table:
        return self._table(
            "audit", "gaps",
            sa.Column("case", sa.Text, primary_key=True), sa.Column("source", sa.Text, primary_key=True),
            sa.Column("number", sa.Integer, primary_key=True), _text("reason"),
            sa.Column("accepted_at", Instant, nullable=False),
        )  # fmt: skip

    def _leases(self) -> sa.Table:
        return self._table(
            "audit", "leases",
            sa.Column("case", sa.Text, primary_key=True), sa.Column("token", sa.Integer, nullable=False),
            _text("holder"), _text("host"), sa.Column("pid", sa.Integer, nullable=False), _text("process"),
            sa.Column("since", Instant, nullable=False), sa.Column("expires_at", Instant, nullable=False),
        )  # fmt: skip

    def _log(self) -> sa.Table:
        return self._table(
            "predictions", "log",
            sa.Column("receipt", sa.Text, primary_key=True), _text("case"), _text("environment"),
            sa.Column("at", Instant, nullable=False), sa.Column("version", sa.Text), _text("input"),
            sa.Column("output", sa.Double), sa.Column("output_text", sa.Text),
            sa.Column("status", sa.Integer, nullable=False), _text("error", ""),
            sa.Column("latency_ms", sa.Double),
            sa.Index("log_by_time", "case", "environment", "at"),
        )  # fmt: skip

    def _labels(self) -> sa.Table:
        return self._table(
            "predictions", "labels",
            sa.Column("receipt", sa.Text, primary_key=True), sa.Column("at", Instant, primary_key=True), _text("truth"),
        )  # fmt: skip
