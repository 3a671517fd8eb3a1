"""RAW rows on their way to CLEAN, and CLEAN rows on their way to a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import sqlalchemy as sa

from relevo.adapters.sql.batches import Batches
from relevo.adapters.sql.case_tables import CaseTable
from relevo.adapters.sql.frames import FrameBuilder
from relevo.adapters.sql.storable import clean_rows
from relevo.domain.batch import Batch
from relevo.domain.frame import Frame
from relevo.domain.identity import Split
from relevo.domain.use_case import UseCase

SPREAD = (
    2**32
)  # the low half of an identity is spread evenly over this, whatever the row's side


class Rows(Batches):
    def good_rows(self, case: UseCase, batch: Batch) -> Iterator[pa.RecordBatch]:
        table = self._raw(case)
        names = ", ".join(
            [
                "r.position",
                *(f"r.{table.column(column.name)}" for column in case.contract),
            ]
        )
        query = (
            f"SELECT {names} FROM {table.sql} r WHERE r.batch_id = {batch.id:d} AND NOT EXISTS (SELECT 1 FROM {self._cells} q "  # noqa: S608
            f"WHERE q.batch_id = {batch.id:d} AND q.position = r.position) ORDER BY r.position"
        )
        schema = pa.schema(
            [
                table.schema.field("position"),
                *(table.schema.field(c.name) for c in case.contract),
            ]
        )
        with self.database.reading() as connection:
            yield from self._transfer.read(connection, query, schema)

    def write_clean(
        self, case: UseCase, batch: Batch, chunks: Iterator[pa.RecordBatch]
    ) -> int:
        table, batches, written = self._clean(case), self._tables.batches, 0
        with self.database.writing(case.name) as connection:
            connection.exec_driver_sql(
                f"DELETE FROM {table.sql} WHERE batch_id = {batch.id:d}"  # noqa: S608
            )
            with self._transfer.writer(connection) as writer:
                for chunk in chunks:
                    writer.put(table.sql, clean_rows(table, chunk))
                    written += len(chunk)
            now = self.database.now(connection)
            connection.execute(
                sa.update(batches)
                .where(batches.c.id == batch.id)
                .values(prepared_at=now)
            )
        return written

    def frame(
        self,
        case: UseCase,
        batch_ids: Sequence[int],
        sides: Sequence[Split],
        max_rows: int | None = None,
    ) -> Frame:
        table, builder = self._clean(case), FrameBuilder(case)
        if not batch_ids or not sides:
            return builder.build()
        wanted = f"{_among(batch_ids, sides)} AND {table.column(case.contract.target)} IS NOT NULL"
        with self.database.reading() as connection:
            if max_rows is not None:
                wanted += self._share(connection, table, wanted, max_rows)
            names = [
                table.column(name) for name in (case.contract.target, *case.features)
            ]
            query = (
                f"SELECT batch_id, identity, {', '.join(names)} FROM {table.sql} "  # noqa: S608
                f"WHERE {wanted} ORDER BY batch_id, position"
            )
            for rows in self._transfer.read(connection, query, builder.schema):
                builder.add(rows)
        return builder.build()

    def count_clean(self, case: UseCase, batch_ids: Sequence[int]) -> dict[Split, int]:
        table, counts = self._clean(case), dict.fromkeys(Split, 0)
        if not batch_ids:
            return counts
        query = f"SELECT side, count(*) FROM {table.sql} WHERE {_among(batch_ids, list(Split))} GROUP BY side"  # noqa: S608
        found = self.database.read(
            lambda connection: connection.exec_driver_sql(query).all()
        )
        return counts | {Split(side): count for side, count in found}

    def _share(
        self, connection: sa.Connection, table: CaseTable, wanted: str, max_rows: int
    ) -> str:
        """The condition that leaves about `max_rows` rows, the same ones in every database."""
        query = f"SELECT count(*) FROM {table.sql} WHERE {wanted}"  # noqa: S608
        count = (
            connection.execution_options(no_parameters=True)
            .exec_driver_sql(query)
            .scalar_one()
        )
        if count <= max_rows:
            return ""
        return f" AND (identity & {SPREAD - 1}) < {SPREAD * max_rows // count}"


def _among(batch_ids: Sequence[int], sides: Sequence[Split]) -> str:
    batches = ", ".join(str(int(batch_id)) for batch_id in batch_ids)
    return f"batch_id IN ({batches}) AND side IN ({', '.join(repr(Split(side).value) for side in sides)})"
