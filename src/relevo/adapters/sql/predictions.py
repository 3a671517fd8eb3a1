"""Logged predictions and their labels, in the warehouse's database. It makes no tables: the loop does."""

from __future__ import annotations

import io
import logging
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
import psycopg2
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from relevo.adapters.sql.database import Database
from relevo.adapters.sql.faults import driver_error
from relevo.adapters.sql.tables import Instant
from relevo.domain.prediction import Label, LiveError, LoggedPrediction, Minute
from relevo.domain.use_case import Task
from relevo.errors import LinesRefused, StoreUnavailable

Found = TypeVar("Found")
READ_SIZE = (
    64 << 20
)  # a COPY takes all lines in one go: each read would need the interpreter
# Escapes of what a database cannot hold as text: NUL, and halves of a surrogate pair. What is in the group is harmless.
UNSTORABLE = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u0000|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
NUMBER = r"^-?\d{1,200}(\.\d{1,100})?([eE][-+]?\d{1,2})?$"
_log = logging.getLogger(__name__)


class SqlPredictions:
    def __init__(self, url: str) -> None:
        self.database = Database(url, patience=0)
        self._log, self._labels = self.database.tables.log, self.database.tables.labels
        self._ship = _through_json_each if self.database.is_sqlite else _through_copy

    def close(self) -> None:
        self.database.dispose()

    def ship(self, lines: bytes) -> int:
        with self.database.writing_once() as connection, self._explained():
            return self._ship(connection, self._log, _storable(lines))

    def find(self, receipt: str) -> LoggedPrediction | None:
        found = self._predictions(
            self._with_label().where(self._log.c.receipt == receipt)
        )
        return found[0] if found else None

    def label(self, labels: Sequence[tuple[str, str]]) -> None:
        if not labels:
            return
        insert = (sqlite.insert if self.database.is_sqlite else postgresql.insert)(
            self._labels
        )
        insert = insert.on_conflict_do_update(
            index_elements=["receipt", "at"], set_={"truth": insert.excluded.truth}
        )
        with self.database.writing_once() as connection, self._explained():
            now = self.database.now(connection)
            rows = [
                {
                    "receipt": receipt,
                    "at": now + timedelta(microseconds=place),
                    "truth": _text(truth),
                }
                for place, (receipt, truth) in enumerate(labels)
            ]
            connection.execute(insert, rows)

    def live_error(
        self, case: str, environment: str, since: datetime, task: Task
    ) -> LiveError:
        log, truth = self._log.c, self._labels.c.truth
        if task == "classification":
            right = sa.cast(log.output_text == truth, sa.Integer)
            columns: tuple[sa.ColumnElement[Any], ...] = (
                sa.func.count(),
                sa.func.avg(right),
            )
        else:
            actual = self._number(truth)
            error = sa.func.abs(log.output - actual)
            share = error / sa.func.nullif(sa.func.abs(actual), 0.0)
            columns = (sa.func.count(error), sa.func.avg(error), sa.func.avg(share))
        here = (
            log.case == case,
            log.environment == environment,
            log.at >= since,
            log.status < 400,
        )
        known = self._with_label(*columns).where(*here, truth.is_not(None))
        rows, *means = self._read(lambda connection: connection.execute(known).one())
        found = [None if mean is None else float(mean) for mean in means]
        return (
            LiveError(rows, accuracy=found[0])
            if task == "classification"
            else LiveError(rows, *found)
        )

    def recent(self, case: str, environment: str, limit: int) -> list[LoggedPrediction]:
        log = self._log.c
        here = self._with_label().where(
            log.case == case, log.environment == environment
        )
        return self._predictions(
            here.order_by(log.at.desc(), log.receipt.desc()).limit(limit)
        )

    def minutes(self, case: str, environment: str, since: datetime) -> list[Minute]:
        log = self._log.c
        minute: sa.ColumnElement[Any] = sa.func.date_trunc("minute", log.at)
        if self.database.is_sqlite:
            minute = sa.type_coerce(
                sa.func.strftime("%Y-%m-%d %H:%M:00.000000", log.at), Instant
            )
        failed = sa.func.sum(sa.case((log.status >= 500, 1), else_=0))
        columns = (
            sa.func.count(),
            failed,
            sa.func.avg(log.latency_ms),
            sa.func.max(log.latency_ms),
        )
        here = (log.case == case, log.environment == environment, log.at >= since)
        query = (
            sa.select(minute.label("minute"), *columns)
            .where(*here)
            .group_by("minute")
            .order_by("minute")
        )
        rows = self._read(lambda connection: connection.execute(query).all())
        return [Minute(at.astimezone(UTC), *rest) for at, *rest in rows]

    def _with_label(self, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
        """Predictions, each beside its newest label."""
        label, later = self._labels.c, self._labels.alias().c
        corrected = sa.exists().where(
            later.receipt == label.receipt, later.at > label.at
        )
        its_own = sa.and_(label.receipt == self._log.c.receipt, ~corrected)
        shown = columns or (*self._log.c, label.truth, label.at.label("labelled_at"))
        return sa.select(*shown).select_from(self._log.outerjoin(self._labels, its_own))

    def _number(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[float]:
        """A truth as a number; null where it is none."""
        if self.database.is_sqlite:
            kind = sa.func.json_type(sa.case((sa.func.json_valid(text) == 1, text)))
            return sa.case((kind.in_(["integer", "real"]), sa.cast(text, sa.Double)))
        return sa.case((text.op("~")(NUMBER), sa.cast(text, sa.Double)))

    def _predictions(self, query: sa.Select[Any]) -> list[LoggedPrediction]:
        return [
            _prediction(row)
            for row in self._read(
                lambda connection: connection.execute(query).mappings().all()
            )
        ]

    def _read(self, work: Callable[[sa.Connection], Found]) -> Found:
        with self.database.reading_once() as connection, self._explained():
            return work(connection)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, psycopg2.Error, sqlite3.Error, UnicodeDecodeError) as error:
            cause = driver_error(error)
            said = " ".join(str(cause).split())
            if _is_about_missing_tables(cause):
                raise StoreUnavailable(
                    f"{self.database.where} has no tables for predictions yet ({said}); they are made when the loop "
                    "starts on this database: run `relevo up` or `relevo run`, or see that RELEVO_WAREHOUSE_URL is the loop's"
                ) from error
            if _is_about_rights(cause):
                raise StoreUnavailable(
                    f"{self.database.where}: {said}; it needs SELECT and INSERT on the schema predictions, UPDATE on its "
                    "labels, and TEMPORARY on the database, and must not be a replica"
                ) from error
            if _is_about_lines(cause):
                raise LinesRefused(
                    f"{self.database.where} cannot hold a line: {said}"
                ) from error
            raise


def _through_copy(connection: sa.Connection, log: sa.Table, lines: bytes) -> int:
    """The server takes the lines apart. The quote and the delimiter are bytes that JSON text cannot contain."""
    names = ", ".join(f'"{column.name}"' for column in log.columns)
    typed = ", ".join(
        f'"{column.name}" {column.type.compile(connection.dialect)}'
        for column in log.columns
    )
    cursor: Any = connection.connection.cursor()
    cursor.execute("CREATE TEMPORARY TABLE arriving (line json) ON COMMIT DROP")
    how = r"(FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')"
    cursor.copy_expert(f"COPY arriving FROM STDIN {how}", io.BytesIO(lines), READ_SIZE)
    if cursor.rowcount != (sent := lines.count(b"\n")):
        raise LinesRefused(
            f"only {cursor.rowcount} of {sent} lines arrived; one of them is no JSON"
        )
    cursor.execute(
        f"INSERT INTO {log.fullname} ({names}) SELECT {names} "  # noqa: S608
        f"FROM arriving, json_to_record(line) AS read ({typed}) ON CONFLICT DO NOTHING"
    )
    return int(cursor.rowcount)


def _through_json_each(connection: sa.Connection, log: sa.Table, lines: bytes) -> int:
    names = ", ".join(f'"{column.name}"' for column in log.columns)
    values = ", ".join(_sqlite_value(column) for column in log.columns)
    statement = f"INSERT INTO {log.name} ({names}) SELECT {values} FROM json_each(?) WHERE true ON CONFLICT DO NOTHING"  # noqa: S608
    array = (b"[%s]" % lines.rstrip(b"\n").replace(b"\n", b",")).decode()
    return connection.exec_driver_sql(statement, (array,)).rowcount


def _sqlite_value(column: sa.Column[Any]) -> str:
    value = f"json_extract(value, '$.{column.name}')"
    return (
        f"replace(substr(rtrim({value}, 'Z') || '.000000', 1, 26), 'T', ' ')"
        if column.name == "at"
        else value
    )


def _storable(lines: bytes) -> bytes:
    """As in RAW: U+FFFD stands for what no database can store. The object store has the line as it was."""
    if b"\\u" not in lines:  # as nearly always: what can be stored is not escaped
        return lines
    stored = UNSTORABLE.sub(lambda found: found[1] or rb"\ufffd", lines)
    if stored != lines:
        _log.warning(
            "predictions hold characters that no database can store; there they are U+FFFD"
        )
    return stored


def _text(truth: str) -> str:
    return re.sub("[\x00\ud800-\udfff]", "\ufffd", truth)


def _is_about_missing_tables(cause: BaseException) -> bool:
    if isinstance(cause, psycopg2.Error):
        return cause.pgcode in ("42P01", "3F000")
    return isinstance(cause, sqlite3.OperationalError) and "no such table" in str(cause)


def _is_about_rights(cause: BaseException) -> bool:
    return isinstance(cause, psycopg2.Error) and cause.pgcode in ("42501", "25006")


def _is_about_lines(cause: BaseException) -> bool:
    if isinstance(cause, psycopg2.Error):
        return (cause.pgcode or "").startswith("22") or cause.pgcode == "23502"
    malformed = isinstance(cause, sqlite3.OperationalError) and "malformed JSON" in str(
        cause
    )
    return malformed or isinstance(cause, (sqlite3.IntegrityError, UnicodeDecodeError))


def _prediction(row: sa.RowMapping) -> LoggedPrediction:
    label: Label | None = None
    if row["labelled_at"] is not None:
        label = {"truth": row["truth"], "at": _moment(row["labelled_at"])}
    return {
        "receipt": row["receipt"],
        "case": row["case"],
        "environment": row["environment"],
        "at": _moment(row["at"]),
        "version": row["version"],
        "input": msgspec.json.decode(row["input"]),
        "output": row["output"],
        "output_text": row["output_text"],
        "status": row["status"],
        "error": row["error"],
        "latency_ms": row["latency_ms"],
        "label": label,
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
