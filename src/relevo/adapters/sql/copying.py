"""Rows in and out of PostgreSQL by COPY, with the server and this process at work at the same time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from types import TracebackType
from typing import Any, Self, cast

import psycopg2
import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa

from relevo.adapters.sql.case_tables import quoted

READ_SIZE = (
    8 << 20
)  # a chunk in one go: each read must take the interpreter from the thread that makes the next
BLOCK_BYTES = 4 << 20
BLOCKS_AHEAD = 2


class CopyWriter:
    """COPY … FROM STDIN, a statement a block, in a thread of its own: the next block is made while one is sent."""

    def __init__(self, connection: sa.Connection) -> None:
        self._cursor: Any = connection.connection.cursor()
        self._blocks: queue.Queue[tuple[str, pa.Buffer] | None] = queue.Queue(
            BLOCKS_AHEAD
        )
        self._error: BaseException | None = None
        self._thread = threading.Thread(
            target=self._send, name="relevo-copy-in", daemon=True
        )

    def put(self, table: str, rows: pa.RecordBatch) -> None:
        if self._error is not None:
            raise self._error
        names = ", ".join(quoted(name) for name in rows.schema.names)
        self._blocks.put(
            (f"COPY {table} ({names}) FROM STDIN (FORMAT csv)", _as_csv(rows))
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait until all is sent: nobody else may use the connection before."""
        self._blocks.put(None)
        self._thread.join()
        self._cursor.close()
        if self._error is not None and kind is None:
            raise self._error

    def _send(self) -> None:
        while (block := self._blocks.get()) is not None:
            if self._error is not None:
                continue  # emptied, so that put() never waits for a dead thread
            statement, csv = block
            try:
                self._cursor.copy_expert(statement, pa.BufferReader(csv), READ_SIZE)
            except BaseException as error:  # noqa: BLE001
                self._error = error


def _as_csv(rows: pa.RecordBatch) -> pa.Buffer:
    """All text is quoted and a null is nothing at all, so that "" stays the empty text."""
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(
        rows,
        sink,
        pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed"),
    )
    return sink.getvalue()


class _Stopped(Exception):
    """The reader of the rows has gone."""


class _CopyReader:
    """COPY … TO STDOUT in a thread of its own, which calls write() with a row at a time."""

    def __init__(self, connection: sa.Connection, query: str) -> None:
        self._connection = connection
        self._query = query
        self._pending = BytesIO()
        self._blocks: queue.Queue[bytes | BaseException | None] = queue.Queue(
            BLOCKS_AHEAD
        )
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._receive, name="relevo-copy-out", daemon=True
        )

    def write(self, row: bytes) -> int:
        if self._pending.tell() >= BLOCK_BYTES:
            self._hand_over()
        return self._pending.write(row)

    def blocks(self) -> Iterator[bytes]:
        self._thread.start()
        block: bytes | BaseException | None = b""
        try:
            while isinstance(block := self._blocks.get(), bytes):
                yield block
        finally:
            if isinstance(block, bytes):
                self._stop()
            self._thread.join()
        if block is not None:
            raise block

    def _hand_over(self) -> None:
        block, self._pending = self._pending.getvalue(), BytesIO()
        if self._stopped.is_set():
            raise _Stopped
        if block:
            self._blocks.put(block)

    def _receive(self) -> None:
        try:
            cursor: Any = self._connection.connection.cursor()
            cursor.copy_expert(f"COPY ({self._query}) TO STDOUT (FORMAT csv)", self)
            self._hand_over()
            self._blocks.put(None)
        except _Stopped:
            self._blocks.put(None)
        except BaseException as error:  # noqa: BLE001
            self._blocks.put(error)

    def _stop(self) -> None:
        """End the thread. Rows that are still on their way can only be thrown away with their connection."""
        self._stopped.set()
        with suppress(psycopg2.Error):  # the connection is thrown away in any case
            cast(Any, self._connection.connection.dbapi_connection).cancel()
        while self._thread.is_alive():
            try:
                self._blocks.get(timeout=0.05)
            except queue.Empty:
                continue
        self._connection.invalidate()


class CopyTransfer:
    def writer(self, connection: sa.Connection) -> CopyWriter:
        return CopyWriter(connection)

    def read(
        self, connection: sa.Connection, query: str, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        types = {field.name: field.type for field in schema}
        convert = pyarrow.csv.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        )
        reader = _CopyReader(connection, query)
        for block in reader.blocks():
            read = pyarrow.csv.ReadOptions(
                column_names=schema.names, use_threads=False, block_size=len(block) + 1
            )
            parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
            yield from pyarrow.csv.read_csv(
                BytesIO(block), read, parse, convert
            ).to_batches()
