"""The fixed tables, as the newest migration leaves them.

On PostgreSQL they lie in schemas (audit.batches); SQLite has none, so there the schema is part of the name (audit__batches).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from relevo.domain.batch import BatchState, Outcome
from relevo.domain.evidence import Action, Evidence, MoveKind, Ruling

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
        if dialect.name == "sqlite":
            return utc.replace(tzinfo=None)
        return utc

    def process_result_value(
        self, value: datetime | None, dialect: sa.Dialect
    ) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


class TextOf(TypeDecorator[Any]):
    """Text in the database, an object in Python: `dump` makes the one, `load` the other."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, load: Callable[[str], Any], dump: Callable[[Any], str]) -> None:
        super().__init__()
        self.load = load
        self.dump = dump

    def process_bind_param(self, value: Any, _dialect: sa.Dialect) -> str:
        return self.dump(value)

    def process_result_value(self, value: Any, _dialect: sa.Dialect) -> Any:
        return self.load(value)


def place(schema: str, name: str, dialect: str) -> tuple[str, str | None]:
    """Name and schema of a table in this kind of database."""
    return (f"{schema}__{name}", None) if dialect == "sqlite" else (name, schema)


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
            "audit",
            "attempts",
            _id(),
            _text("case"),
            _text("source"),
            _text("object_key"),
            _enum("outcome", Outcome),
            _text("format", default=""),
            sa.Column("number", sa.Integer),
            _text("sha256", default=""),
            _text("detail", default=""),
            _instant("started_at"),
            sa.Column("closed_at", Instant),
            sa.Index("attempts_by_outcome", "case", "source", "outcome"),
        )

    def _batches(self) -> sa.Table:
        return self._table(
            "audit",
            "batches",
            _id(),
            _text("case"),
            _text("source"),
            _integer("number"),
            _integer("rows"),
            _integer("bad_rows"),
            _text("sha256"),
            _text("content_sha256"),
            _text("object_key"),
            _enum("state", BatchState),
            _text("reason", default=""),
            _instant("loaded_at"),
            sa.Column("prepared_at", Instant),
            sa.UniqueConstraint("case", "source", "number", name="batches_once"),
        )

    def _cells(self) -> sa.Table:
        return self._table(
            "quarantine",
            "cells",
            _integer("batch_id"),
            _integer("position"),
            _text("column"),
            _text("value"),
            _text("reason"),
            sa.Index("cells_by_row", "batch_id", "position"),
        )

    def _training_requests(self) -> sa.Table:
        return self._table(
            "audit",
            "training_requests",
            _id(),
            _text("case"),
            _text("reason"),
            _instant("requested_at"),
            sa.Column("decision_id", sa.Integer),
            sa.Index("training_requests_by_case", "case", "decision_id"),
        )

    def _decisions(self) -> sa.Table:
        decisions = self._table(
            "audit",
            "decisions",
            _id(),
            _text("case"),
            _integer("batch_id"),
            sa.Column("request_id", sa.Integer),
            _enum("action", Action),
            _text("sentence"),
            _evidence(),
            _json("policy"),
            _instant("decided_at"),
        )
        # null would differ from null: a batch has one decision without a request
        request = sa.func.coalesce(decisions.c.request_id, sa.literal_column("0"))
        key = (decisions.c.case, decisions.c.batch_id, request)
        sa.Index("decisions_once", *key, unique=True)
        return decisions

    def _trainings(self) -> sa.Table:
        return self._table(
            "audit",
            "trainings",
            _id(),
            _text("case"),
            self._decision_id(),
            _text("version"),
            _text("run_id"),
            _text("estimator"),
            _json("batches", tuple),
            _json("rows"),
            _text("data_sha256"),
            _json("metrics"),
            sa.Column("seconds", sa.Double, nullable=False),
            _instant("trained_at"),
            sa.Index("trainings_by_case", "case"),
        )

    def _verdicts(self) -> sa.Table:
        return self._table(
            "audit",
            "verdicts",
            _id(),
            _text("case"),
            self._decision_id(),
            _enum("ruling", Ruling),
            _text("challenger"),
            sa.Column("champion", sa.Text),
            _integer("contest_number"),
            _text("sentence"),
            _evidence(),
            _instant("ruled_at"),
            sa.Index("verdicts_by_case", "case"),
        )

    def _decision_id(self) -> sa.Column[Any]:
        """Of a row that tells what became of a decision; there is one at most."""
        decision = sa.ForeignKey(self.decisions.c.id)
        return sa.Column(
            "decision_id", sa.Integer, decision, nullable=False, unique=True
        )

    def _moves(self) -> sa.Table:
        verdict = sa.ForeignKey(self.verdicts.c.id)
        return self._table(
            "audit",
            "moves",
            _id(),
            _text("case"),
            _enum("kind", MoveKind),
            _text("version"),
            sa.Column("previous", sa.Text),
            _text("reason"),
            sa.Column("verdict_id", sa.Integer, verdict, unique=True),
            _instant("requested_at"),
            sa.Column("done_at", Instant),
            sa.Index("moves_by_case", "case"),
        )

    def _gaps(self) -> sa.Table:
        return self._table(
            "audit",
            "gaps",
            sa.Column("case", sa.Text, primary_key=True),
            sa.Column("source", sa.Text, primary_key=True),
            sa.Column("number", sa.Integer, primary_key=True),
            _text("reason"),
            _instant("accepted_at"),
        )

    def _leases(self) -> sa.Table:
        return self._table(
            "audit",
            "leases",
            sa.Column("case", sa.Text, primary_key=True),
            _integer("token"),
            _text("holder"),
            _text("host"),
            _integer("pid"),
            _text("process"),
            _instant("since"),
            _instant("expires_at"),
        )

    def _log(self) -> sa.Table:
        return self._table(
            "predictions",
            "log",
            sa.Column("receipt", sa.Text, primary_key=True),
            _text("case"),
            _text("environment"),
            _instant("at"),
            sa.Column("version", sa.Text),
            _text("input"),
            sa.Column("output", sa.Double),
            sa.Column("output_text", sa.Text),
            _integer("status"),
            _text("error", default=""),
            sa.Column("latency_ms", sa.Double),
            sa.Index("log_by_time", "case", "environment", "at"),
        )

    def _labels(self) -> sa.Table:
        return self._table(
            "predictions",
            "labels",
            sa.Column("receipt", sa.Text, primary_key=True),
            sa.Column("at", Instant, primary_key=True),
            _text("truth"),
        )


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _integer(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, nullable=False)


def _instant(name: str) -> sa.Column[Any]:
    return sa.Column(name, Instant, nullable=False)


def _text(name: str, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def _enum(name: str, kind: type[StrEnum]) -> sa.Column[Any]:
    return sa.Column(name, TextOf(kind, str), nullable=False)


def _json(name: str, load: Callable[[Any], Any] = dict) -> sa.Column[Any]:
    kind = TextOf(lambda text: load(json.loads(text)), _dumped)
    return sa.Column(name, kind, nullable=False)


def _evidence() -> sa.Column[Any]:
    def restored(facts: list[dict[str, Any]]) -> tuple[Evidence, ...]:
        return tuple(Evidence(**fact) for fact in facts)

    return _json("evidence", restored)


def _dumped(value: object) -> str:
    return json.dumps(value, default=asdict)
