"""Batches: loaded whole or not at all, once each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sqlalchemy as sa

from relevo.adapters.sql.attempts import Details, SqlAttempts
from relevo.adapters.sql.case_tables import raw_table, table_name
from relevo.adapters.sql.database import Database
from relevo.adapters.sql.entries import Entries, insert_once
from relevo.adapters.sql.storable import cell_rows, raw_rows
from relevo.adapters.sql.transfer import Transfer
from relevo.domain.arrival import BadCell, BatchSummary, RawChunk
from relevo.domain.batch import (
    Ahead,
    Attempt,
    Batch,
    BatchState,
    Known,
    Loaded,
    LoadResult,
    Outcome,
)
from relevo.domain.use_case import UseCase
from relevo.errors import NotFound, SourceContradiction


class SqlBatches:
    def __init__(
        self, database: Database, transfer: Transfer, attempts: SqlAttempts
    ) -> None:
        self._database = database
        self._transfer = transfer
        self._attempts = attempts
        self._table = database.tables.batches
        self._cells = database.tables.cells.c
        self._entries = Entries(database, self._table, Batch)

    def load(
        self,
        case: UseCase,
        attempt: Attempt,
        chunks: Iterator[RawChunk],
        summarize: Callable[[], BatchSummary],
        *,
        due: int,
    ) -> LoadResult:
        with self._database.writing(case.name) as connection:
            batch_id = self._next_id(connection)
            self._write_rows(connection, case, batch_id, chunks)
            summary = summarize()
            if summary.number > due:  # known only now: JSON may name it behind its rows
                connection.rollback()
                return Ahead(summary.number)
            batch = Batch(
                id=batch_id,
                case=case.name,
                source=attempt.source,
                number=summary.number,
                rows=summary.rows,
                bad_rows=summary.bad_rows,
                sha256=summary.sha256,
                content_sha256=summary.content_sha256,
                object_key=attempt.object_key,
                state=_state_of(summary, case),
                loaded_at=self._database.now(connection),
            )
            if self._insert(connection, batch, attempt):
                return Loaded(batch)
            connection.rollback()
        return Known(self._known(attempt, summary))

    def get(self, batch_id: int) -> Batch:
        return self._entries.get(batch_id)

    def find(self, case: str, source: str, number: int) -> Batch | None:
        batches = self._entries.find(case=case, source=source, number=number)
        return next(iter(batches), None)

    def of(self, case: str, source: str | None = None) -> list[Batch]:
        return self._entries.find(case=case, source=source)

    def last(self, case: str, source: str) -> Batch | None:
        table = self._table.c
        newest = sa.select(sa.func.max(table.id)).where(
            table.case == case, table.source == source
        )
        return next(
            iter(self._entries.find(table.id == newest.scalar_subquery())), None
        )

    def twin(self, batch: Batch) -> Batch | None:
        table = self._table.c
        earlier = self._entries.find(
            table.id < batch.id,
            table.rows > 0,
            case=batch.case,
            content_sha256=batch.content_sha256,
        )
        return next(iter(earlier), None)

    def rows_until(self, case: str, batch_id: int) -> int:
        table = self._table.c
        query = sa.select(sa.func.coalesce(sa.func.sum(table.rows), 0)).where(
            table.case == case, table.id <= batch_id
        )
        return int(self._database.fetch(query)[0][0])

    def set_state(self, batch: Batch, state: BatchState, reason: str) -> Batch:
        return self._database.write(
            batch.case,
            lambda connection: self._entries.update(
                connection, batch.id, state=state, reason=reason
            ),
        )

    def bad_cells(self, batch: Batch, limit: int = 100) -> list[BadCell]:
        cells = self._cells
        query = (
            sa.select(cells.position, cells.column, cells.value, cells.reason)
            .where(cells.batch_id == batch.id)
            .order_by(cells.position, cells.column, cells.reason)
            .limit(limit)
        )
        return [BadCell(*row) for row in self._database.fetch(query)]

    def bad_cell_counts(self, batch: Batch) -> list[tuple[str, str, int]]:
        cells, count = self._cells, sa.func.count()
        query = (
            sa.select(cells.column, cells.reason, count)
            .where(cells.batch_id == batch.id)
            .group_by(cells.column, cells.reason)
            .order_by(count.desc(), cells.column, cells.reason)
        )
        return [tuple(row) for row in self._database.fetch(query)]

    def _next_id(self, connection: sa.Connection) -> int:
        """Known before the batch is, for its rows are written first."""
        next_id: sa.ColumnElement[int] = sa.func.nextval(
            sa.func.pg_get_serial_sequence("audit.batches", "id")
        )
        if self._database.is_sqlite:  # nobody else writes during this transaction
            next_id = sa.func.coalesce(sa.func.max(self._table.c.id), 0) + 1
        return int(connection.execute(sa.select(next_id)).scalar_one())

    def _write_rows(
        self,
        connection: sa.Connection,
        case: UseCase,
        batch_id: int,
        chunks: Iterator[RawChunk],
    ) -> None:
        dialect = self._database.dialect
        table = raw_table(case, dialect)
        cells = table_name("quarantine", "cells", dialect)
        with self._transfer.writer(connection) as put:
            for chunk in chunks:
                rows = raw_rows(table, batch_id, chunk.first_position, chunk.rows)
                put(table.sql, rows)
                if chunk.bad:
                    put(cells, cell_rows(batch_id, chunk.bad))

    def _insert(
        self, connection: sa.Connection, batch: Batch, attempt: Attempt
    ) -> bool:
        """The batch comes to be and its attempt is closed; False where its number is taken."""
        values = {name: getattr(batch, name) for name in Batch.__slots__}
        if not insert_once(connection, self._table, values):
            return False
        details: Details = {"number": batch.number, "sha256": batch.sha256}
        self._attempts.close_in(connection, attempt, Outcome.LOADED, details)
        return True

    def _known(self, attempt: Attempt, summary: BatchSummary) -> Batch:
        batch = self.find(attempt.case, attempt.source, summary.number)
        if batch is None:
            raise NotFound(
                f"batch {summary.number} of {attempt.case} was there and is gone; run the step again"
            )
        if batch.content_sha256 != summary.content_sha256:
            raise SourceContradiction(
                f"batch {summary.number} of {attempt.case}: {attempt.source} answered other rows than before "
                f"(SHA-256 {summary.content_sha256} in {attempt.object_key}, {batch.content_sha256} in {batch.object_key}); "
                "find out which are right: the loop goes on when the source answers the first ones again, or has new numbers"
            )
        self._attempts.close(
            attempt, Outcome.KNOWN, number=summary.number, sha256=summary.sha256
        )
        return batch


def _state_of(summary: BatchSummary, case: UseCase) -> BatchState:
    """Stopped where more rows are bad than the case's policy allows."""
    bad_share = summary.bad_rows / max(summary.rows, 1)
    if bad_share > case.policy.bad_rows_share:
        return BatchState.STOPPED
    return BatchState.LOADED
