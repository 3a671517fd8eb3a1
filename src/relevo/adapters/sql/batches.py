"""Batches: loaded whole or not at all, once each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from relevo.adapters.sql.attempts import Attempts
from relevo.adapters.sql.row_part import RowPart
from relevo.adapters.sql.storable import cell_rows, raw_rows
from relevo.domain.arrival import BadCell, BatchSummary, RawChunk
from relevo.domain.batch import Attempt, Batch, BatchState, Outcome
from relevo.domain.use_case import UseCase
from relevo.errors import NotFound, SourceContradiction
from relevo.ports.warehouse import SummaryAtEnd


class _KnownNumber(Exception):
    """A batch of the same case, source and number is there; what was loaded is rolled back."""

    def __init__(self, facts: BatchSummary) -> None:
        self.facts = facts


class Batches(Attempts, RowPart):
    def load(
        self,
        case: UseCase,
        attempt: Attempt,
        chunks: Iterator[RawChunk],
        facts: SummaryAtEnd,
    ) -> Batch:
        """More bad rows than the case's policy allows: the batch is there, and its state is STOPPED."""
        try:
            with self.database.writing(case.name) as connection:
                batch_id = self._next_id(connection)
                self._write_rows(connection, case, batch_id, chunks)
                return self._settle(connection, case, attempt, batch_id, facts())
        except _KnownNumber as known:
            return self._met_again(attempt, known.facts)

    def batch(self, batch_id: int) -> Batch:
        found = self._batches(self._tables.batches.c.id == batch_id)
        if not found:
            raise NotFound(f"no batch with id {batch_id} in {self.database.where}")
        return found[0]

    def find_batch(self, case: str, source: str, number: int) -> Batch | None:
        table = self._tables.batches.c
        return next(
            iter(
                self._batches(
                    table.case == case, table.source == source, table.number == number
                )
            ),
            None,
        )

    def batches(self, case: str, source: str | None = None) -> list[Batch]:
        table = self._tables.batches.c
        return self._batches(
            table.case == case,
            *([table.source == source] if source is not None else []),
        )

    def last_batch(self, case: str, source: str) -> Batch | None:
        table = self._tables.batches.c
        last = (
            sa.select(sa.func.max(table.id))
            .where(table.case == case, table.source == source)
            .scalar_subquery()
        )
        return next(iter(self._batches(table.id == last)), None)

    def twin(self, batch: Batch) -> Batch | None:
        table = self._tables.batches.c
        same = (
            table.case == batch.case,
            table.content_sha256 == batch.content_sha256,
            table.rows > 0,
        )
        return next(iter(self._batches(*same, table.id < batch.id)), None)

    def rows_until(self, case: str, batch_id: int) -> int:
        table = self._tables.batches.c
        query = sa.select(sa.func.coalesce(sa.func.sum(table.rows), 0)).where(
            table.case == case, table.id <= batch_id
        )
        return self.database.read(
            lambda connection: int(connection.execute(query).scalar_one())
        )

    def set_batch_state(self, batch: Batch, state: BatchState, reason: str) -> Batch:
        table = self._tables.batches
        update = (
            sa.update(table)
            .where(table.c.id == batch.id)
            .values(state=state, reason=reason)
        )
        self.database.write(batch.case, lambda connection: connection.execute(update))
        return self.batch(batch.id)

    def bad_cells(self, batch: Batch, limit: int = 100) -> list[BadCell]:
        cells = self._tables.cells.c
        query = sa.select(
            cells.position, cells.column, cells.value, cells.reason
        ).where(cells.batch_id == batch.id)
        query = query.order_by(cells.position, cells.column, cells.reason).limit(limit)
        return self.database.read(
            lambda connection: [BadCell(*row) for row in connection.execute(query)]
        )

    def bad_cell_counts(self, batch: Batch) -> list[tuple[str, str, int]]:
        cells, count = self._tables.cells.c, sa.func.count()
        query = sa.select(cells.column, cells.reason, count).where(
            cells.batch_id == batch.id
        )
        query = query.group_by(cells.column, cells.reason).order_by(
            count.desc(), cells.column, cells.reason
        )
        return self.database.read(
            lambda connection: [
                (row[0], row[1], row[2]) for row in connection.execute(query)
            ]
        )

    def _batches(self, *conditions: sa.ColumnElement[bool]) -> list[Batch]:
        table = self._tables.batches
        query = sa.select(table).where(*conditions).order_by(table.c.id)
        return self.database.read(
            lambda connection: [_batch(row) for row in connection.execute(query)]
        )

    def _next_id(self, connection: sa.Connection) -> int:
        if (
            self.database.is_sqlite
        ):  # where this transaction is the only one that writes
            highest = sa.select(
                sa.func.coalesce(sa.func.max(self._tables.batches.c.id), 0)
            )
            return int(connection.execute(highest).scalar_one()) + 1
        sequence = sa.func.pg_get_serial_sequence("audit.batches", "id")
        return int(
            connection.execute(sa.select(sa.func.nextval(sequence))).scalar_one()
        )

    def _write_rows(
        self,
        connection: sa.Connection,
        case: UseCase,
        batch_id: int,
        chunks: Iterator[RawChunk],
    ) -> None:
        table = self._raw(case)
        with self._transfer.writer(connection) as writer:
            for chunk in chunks:
                writer.put(
                    table.sql,
                    raw_rows(table, batch_id, chunk.first_position, chunk.rows),
                )
                if chunk.bad:
                    writer.put(self._cells, cell_rows(batch_id, chunk.bad))

    def _settle(
        self,
        connection: sa.Connection,
        case: UseCase,
        attempt: Attempt,
        batch_id: int,
        facts: BatchSummary,
    ) -> Batch:
        """The batch comes to be, and the attempt has become it."""
        stopped = (
            facts.rows > 0 and facts.bad_rows / facts.rows > case.policy.bad_rows_share
        )
        batch = Batch(
            batch_id, case.name, attempt.source, facts.number, facts.rows, facts.bad_rows, facts.sha256,
            facts.content_sha256, attempt.object_key, BatchState.STOPPED if stopped else BatchState.LOADED,
            self.database.now(connection),
        )  # fmt: skip
        values = {field: getattr(batch, field) for field in Batch.__slots__}
        try:
            connection.execute(sa.insert(self._tables.batches).values(values))
        except IntegrityError as error:
            raise _KnownNumber(facts) from error
        self._close(
            connection,
            attempt,
            Outcome.LOADED,
            {"number": facts.number, "sha256": facts.sha256},
        )
        return batch

    def _met_again(self, attempt: Attempt, facts: BatchSummary) -> Batch:
        known = self.find_batch(attempt.case, attempt.source, facts.number)
        if known is None:
            raise NotFound(
                f"batch {facts.number} of {attempt.case} was there and is gone; run the step again"
            )
        if known.content_sha256 != facts.content_sha256:
            raise SourceContradiction(
                f"batch {facts.number} of {attempt.case}: {attempt.source} answered other rows than before "
                f"(SHA-256 {facts.content_sha256} in {attempt.object_key}, {known.content_sha256} in {known.object_key}); "
                "find out which are right: the loop goes on when the source answers the first ones again, or has new numbers"
            )
        self.close_attempt(
            attempt, Outcome.KNOWN, number=facts.number, sha256=facts.sha256
        )
        return known


def _batch(row: sa.Row[Any]) -> Batch:
    return Batch(
        row.id, row.case, row.source, row.number, row.rows, row.bad_rows, row.sha256, row.content_sha256, row.object_key,
        BatchState(row.state), row.loaded_at, row.reason,
    )  # fmt: skip
