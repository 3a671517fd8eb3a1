"""RAW rows on their way to CLEAN, and CLEAN rows on their way to a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import sqlalchemy as sa

from relevo.adapters.sql.case_tables import (
    CaseTable,
    clean_table,
    execute_verbatim,
    raw_table,
    table_name,
)
from relevo.adapters.sql.database import Database
from relevo.adapters.sql.frames import FrameBuilder
from relevo.adapters.sql.storable import clean_rows
from relevo.adapters.sql.transfer import Transfer
from relevo.domain.batch import Batch
from relevo.domain.frame import Frame
from relevo.domain.identity import Split
from relevo.domain.use_case import UseCase

# the low half of an identity is spread evenly over this, in whichever split the row is
SPREAD = 2**32


class SqlRows:
    def __init__(self, database: Database, transfer: Transfer) -> None:
        self._database = database
        self._transfer = transfer

    def good(self, case: UseCase, batch: Batch) -> Iterator[pa.RecordBatch]:
        table = raw_table(case, self._database.dialect)
        cells = table_name("quarantine", "cells", self._database.dialect)
        columns = ["position", *(column.name for column in case.contract)]
        names = ["r.position", *(f"r.{table.column(name)}" for name in columns[1:])]
        query = (
            f"SELECT {', '.join(names)} FROM {table.sql} r WHERE r.batch_id = {batch.id:d} "  # noqa: S608
            f"AND NOT EXISTS (SELECT 1 FROM {cells} q "
            f"WHERE q.batch_id = {batch.id:d} AND q.position = r.position) ORDER BY r.position"
        )
        schema = pa.schema([table.schema.field(name) for name in columns])
        with self._database.reading() as connection:
            yield from self._transfer.read(connection, query, schema)

    def write_clean(
        self, case: UseCase, batch: Batch, chunks: Iterator[pa.RecordBatch]
    ) -> int:
        table = clean_table(case, self._database.dialect)
        batches = self._database.tables.batches
        written = 0
        with self._database.writing(case.name) as connection:
            # of a preparation that was killed, or of one before a person's decision
            delete = f"DELETE FROM {table.sql} WHERE batch_id = {batch.id:d}"  # noqa: S608
            connection.exec_driver_sql(delete)
            with self._transfer.writer(connection) as put:
                for chunk in chunks:
                    put(table.sql, clean_rows(table, chunk))
                    written += len(chunk)
            now = self._database.now(connection)
            update = sa.update(batches).where(batches.c.id == batch.id)
            connection.execute(update.values(prepared_at=now))
        return written

    def frame(
        self,
        case: UseCase,
        batch_ids: Sequence[int],
        splits: Sequence[Split],
        max_rows: int | None = None,
    ) -> Frame:
        table = clean_table(case, self._database.dialect)
        builder = FrameBuilder(case)
        if not batch_ids or not splits:
            return builder.build()
        names = ", ".join(map(table.column, builder.columns))
        target = table.column(case.contract.target)
        condition = f"{_among(batch_ids, splits)} AND {target} IS NOT NULL"
        with self._database.reading() as connection:
            if max_rows is not None:
                condition += _share(connection, table, condition, max_rows)
            query = (
                f"SELECT batch_id, identity, {names} FROM {table.sql} "  # noqa: S608
                f"WHERE {condition} ORDER BY batch_id, position"
            )
            for rows in self._transfer.read(connection, query, builder.schema):
                builder.add(rows)
        return builder.build()

    def count_clean(self, case: UseCase, batch_ids: Sequence[int]) -> dict[Split, int]:
        counts = dict.fromkeys(Split, 0)
        if not batch_ids:
            return counts
        table = clean_table(case, self._database.dialect)
        query = (
            f"SELECT side, count(*) FROM {table.sql} "  # noqa: S608
            f"WHERE {_among(batch_ids, list(Split))} GROUP BY side"
        )
        rows = self._database.fetch(sa.text(query))
        return counts | {Split(split): count for split, count in rows}


def _among(batch_ids: Sequence[int], splits: Sequence[Split]) -> str:
    batches = ", ".join(str(int(batch_id)) for batch_id in batch_ids)
    names = ", ".join(repr(Split(split).value) for split in splits)
    return f"batch_id IN ({batches}) AND side IN ({names})"


def _share(
    connection: sa.Connection, table: CaseTable, condition: str, max_rows: int
) -> str:
    """The condition that leaves about `max_rows` rows, the same ones in every database."""
    query = f"SELECT count(*) FROM {table.sql} WHERE {condition}"  # noqa: S608
    count = execute_verbatim(connection, query).scalar_one()
    if count <= max_rows:
        return ""
    return f" AND (identity & {SPREAD - 1}) < {SPREAD * max_rows // count}"
