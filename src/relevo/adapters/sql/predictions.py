"""Logged predictions and their labels, in the warehouse's database. It makes no tables: the loop does."""

from __future__ import annotations

import io
import logging
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import psycopg2
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from relevo.adapters.sql.columns import Instant
from relevo.adapters.sql.database import Database
from relevo.adapters.sql.faults import (
    DRIVER_ERRORS,
    cause_of,
    code_of,
    lacks_tables,
    sentence_of,
)
from relevo.adapters.sql.storable_text import storable
from relevo.domain.prediction import Label, LiveError, LoggedPrediction, Minute
from relevo.domain.use_case import Task
from relevo.errors import LinesRefused, StoreUnavailable

# Escapes of what a database cannot hold as text: NUL, and halves of a surrogate pair. What is in the group is harmless.
ESCAPES = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u0000|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
# such a number fits a double: PostgreSQL raises for one that does not, and would end the whole query
DECIMAL = r"^-?\d{1,200}(\.\d{1,100})?([eE][-+]?\d{1,2})?$"
NO_RIGHTS = ("42501", "25006")
NOT_NULL_VIOLATION = "23502"
_log = logging.getLogger(__name__)


class SqlPredictions:
    """Somebody waits for each answer: it waits for no database."""

    def __init__(self, url: str) -> None:
        self.database = Database(url, patience=0)
        self._log = self.database.tables.log
        self._labels = self.database.tables.labels

    def close(self) -> None:
        self.database.dispose()

    def ship(self, lines: bytes) -> int:
        ship = _by_json_each if self.database.is_sqlite else _by_copy
        with self.database.writing(None) as connection, self._explained():
            return ship(connection, self._log, _storable_lines(lines))

    def find(self, receipt: str) -> LoggedPrediction | None:
        its_own = self._log.c.receipt == receipt
        return next(iter(self._predictions(self._with_label().where(its_own))), None)

    def label(self, labels: Sequence[tuple[str, str]]) -> None:
        if not labels:
            return
        dialect = sqlite if self.database.is_sqlite else postgresql
        insert = dialect.insert(self._labels)
        insert = insert.on_conflict_do_update(
            index_elements=["receipt", "at"], set_={"truth": insert.excluded.truth}
        )
        with self.database.writing(None) as connection, self._explained():
            now = self.database.now(connection)
            # a microsecond apart, so that of two labels for one receipt the later counts
            rows = [
                {
                    "receipt": receipt,
                    "at": now + timedelta(microseconds=index),
                    "truth": storable(truth),
                }
                for index, (receipt, truth) in enumerate(labels)
            ]
            connection.execute(insert, rows)

    def live_error(
        self, case: str, environment: str, since: datetime, task: Task
    ) -> LiveError:
        log, truth = self._log.c, self._labels.c.truth
        answered = (*self._since(case, environment, since), log.status < 400)
        labelled = self._with_label().where(*answered, truth.is_not(None))
        if task == "classification":
            correct = sa.cast(log.output_text == truth, sa.Integer)
            accuracy = sa.cast(sa.func.avg(correct), sa.Double)
            query = labelled.with_only_columns(sa.func.count(), accuracy)
            ((rows, share),) = self._fetch(query)
            return LiveError(rows, accuracy=share)
        actual = self._as_number(truth)
        error = sa.func.abs(log.output - actual)
        relative = error / sa.func.nullif(sa.func.abs(actual), 0.0)
        capped = sa.case((relative > 1, 1.0), else_=relative)
        averages = [sa.func.avg(each) for each in (error, relative, capped)]
        query = labelled.with_only_columns(sa.func.count(error), *averages)
        (row,) = self._fetch(query)
        return LiveError(*row)

    def recent(self, case: str, environment: str, limit: int) -> list[LoggedPrediction]:
        log = self._log.c
        query = self._with_label().where(
            log.case == case, log.environment == environment
        )
        newest_first = query.order_by(log.at.desc(), log.receipt.desc())
        return self._predictions(newest_first.limit(limit))

    def minutes(self, case: str, environment: str, since: datetime) -> list[Minute]:
        log = self._log.c
        minute: sa.ColumnElement[Any] = sa.func.date_trunc("minute", log.at)
        if self.database.is_sqlite:
            text = sa.func.strftime("%Y-%m-%d %H:%M:00.000000", log.at)
            minute = sa.type_coerce(text, Instant)
        query = (
            sa.select(
                minute.label("minute"),
                sa.func.count(),
                sa.func.sum(sa.case((log.status >= 500, 1), else_=0)),
                sa.func.avg(log.latency_ms),
                sa.func.max(log.latency_ms),
            )
            .where(*self._since(case, environment, since))
            .group_by("minute")
            .order_by("minute")
        )
        return [Minute(at.astimezone(UTC), *rest) for at, *rest in self._fetch(query)]

    def _since(
        self, case: str, environment: str, since: datetime
    ) -> tuple[sa.ColumnElement[bool], ...]:
        log = self._log.c
        return (log.case == case, log.environment == environment, log.at >= since)

    def _with_label(self) -> sa.Select[Any]:
        """Predictions, each beside its newest label."""
        log, label, later = self._log.c, self._labels.c, self._labels.alias().c
        corrected = sa.exists().where(
            later.receipt == label.receipt, later.at > label.at
        )
        newest = sa.and_(label.receipt == log.receipt, ~corrected)
        labelled = self._log.outerjoin(self._labels, newest)
        columns = (*log, label.truth, label.at.label("labelled_at"))
        return sa.select(*columns).select_from(labelled)

    def _as_number(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[float]:
        """A truth as a number; null where it is none."""
        if self.database.is_sqlite:
            kind = sa.func.json_type(sa.case((sa.func.json_valid(text) == 1, text)))
            return sa.case((kind.in_(["integer", "real"]), sa.cast(text, sa.Double)))
        return sa.case((text.op("~")(DECIMAL), sa.cast(text, sa.Double)))

    def _predictions(self, query: sa.Select[Any]) -> list[LoggedPrediction]:
        return [_prediction(row) for row in self._fetch(query)]

    def _fetch(self, query: sa.Select[Any]) -> Sequence[Any]:
        with self.database.reading() as connection, self._explained():
            return connection.execute(query).all()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (*DRIVER_ERRORS, UnicodeDecodeError) as error:
            cause = cause_of(error)
            problem = f"{self.database.where}: {sentence_of(cause)}"
            if lacks_tables(cause):
                raise StoreUnavailable(
                    f"{problem}; there are no tables for predictions yet; they are made when the loop starts on this "
                    "database: run `relevo up` or `relevo run`, or see that RELEVO_WAREHOUSE_URL is the loop's"
                ) from error
            if code_of(cause) in NO_RIGHTS:
                raise StoreUnavailable(
                    f"{problem}; it needs SELECT and INSERT on the schema predictions, UPDATE on its labels, and "
                    "TEMPORARY on the database, and must not be a replica"
                ) from error
            if _is_about_lines(cause):
                raise LinesRefused(
                    f"{self.database.where} cannot hold a line: {sentence_of(cause)}"
                ) from error
            raise


def _by_copy(connection: sa.Connection, log: sa.Table, lines: bytes) -> int:
    """The server takes the lines apart. The quote and the delimiter are bytes that JSON text cannot contain."""
    names = ", ".join(f'"{column.name}"' for column in log.columns)
    typed = ", ".join(
        f'"{column.name}" {column.type.compile(connection.dialect)}'
        for column in log.columns
    )
    cursor: Any = connection.connection.cursor()
    cursor.execute("CREATE TEMPORARY TABLE arriving (line json) ON COMMIT DROP")
    copy = r"COPY arriving FROM STDIN (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')"
    # all lines in one go: each read would need the interpreter
    cursor.copy_expert(copy, io.BytesIO(lines), size=64 << 20)
    sent = lines.count(b"\n")
    if cursor.rowcount != sent:
        raise LinesRefused(
            f"only {cursor.rowcount} of {sent} lines arrived; one of them is no JSON"
        )
    cursor.execute(
        f"INSERT INTO {log.fullname} ({names}) SELECT {names} "  # noqa: S608
        f"FROM arriving, json_to_record(line) AS read ({typed}) ON CONFLICT DO NOTHING"
    )
    return int(cursor.rowcount)


def _by_json_each(connection: sa.Connection, log: sa.Table, lines: bytes) -> int:
    values = {
        column.name: f"json_extract(value, '$.{column.name}')" for column in log.columns
    }
    # as SQLAlchemy writes moments to SQLite, so that they compare
    values["at"] = (
        f"replace(substr(rtrim({values['at']}, 'Z') || '.000000', 1, 26), 'T', ' ')"
    )
    names = ", ".join(f'"{name}"' for name in values)
    statement = (
        f"INSERT INTO {log.name} ({names}) SELECT {', '.join(values.values())} "  # noqa: S608
        "FROM json_each(?) WHERE true ON CONFLICT DO NOTHING"
    )
    array = (b"[%s]" % lines.rstrip(b"\n").replace(b"\n", b",")).decode()
    return connection.exec_driver_sql(statement, (array,)).rowcount


def _storable_lines(lines: bytes) -> bytes:
    """As in RAW: U+FFFD stands for what no database can store. The object store has the line as it was."""
    # as nearly always: of what can be stored, little is escaped
    if b"\\u" not in lines:
        return lines
    stored = ESCAPES.sub(lambda found: found[1] or rb"\ufffd", lines)
    if stored != lines:
        _log.warning(
            "predictions hold characters that no database can store; there they are U+FFFD"
        )
    return stored


def _is_about_lines(cause: BaseException) -> bool:
    if isinstance(cause, psycopg2.Error):
        code = code_of(cause)
        return code.startswith("22") or code == NOT_NULL_VIOLATION
    malformed = (sqlite3.IntegrityError, UnicodeDecodeError)
    return isinstance(cause, malformed) or "malformed JSON" in str(cause)


def _prediction(row: sa.Row[Any]) -> LoggedPrediction:
    values = row._asdict()
    truth, labelled_at = values.pop("truth"), values.pop("labelled_at")
    label: Label | None = None
    if labelled_at is not None:
        label = {"truth": truth, "at": _moment(labelled_at)}
    values["at"] = _moment(values["at"])
    values["input"] = msgspec.json.decode(values["input"])
    return cast(LoggedPrediction, {**values, "label": label})


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
