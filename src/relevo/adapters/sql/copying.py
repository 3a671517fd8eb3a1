"""Rows in and out of PostgreSQL by COPY, with the server and this process at work at the same time."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import Any, cast

import psycopg2
import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa

from relevo.adapters.sql.case_tables import quoted_name
from relevo.adapters.sql.transfer import Put

# a block in one go: each read must take the interpreter from the thread that makes the next
READ_SIZE = 8 << 20

BLOCK_BYTES = 4 << 20
BLOCKS_AHEAD = 2


class CopyTransfer:
    @contextmanager
    def writer(self, connection: sa.Connection) -> Iterator[Put]:
        """COPY … FROM STDIN, one statement per block, in a thread: the next block is made while one is sent."""
        cursor: Any = connection.connection.cursor()
        sent: deque[Future[None]] = deque()

        def put(table: str, rows: pa.RecordBatch) -> None:
            names = ", ".join(map(quoted_name, rows.schema.names))
            statement = f"COPY {table} ({names}) FROM STDIN (FORMAT csv)"
            csv = pa.BufferReader(_as_csv(rows))
            while len(sent) > BLOCKS_AHEAD:
                sent.popleft().result()
            sent.append(sender.submit(cursor.copy_expert, statement, csv, READ_SIZE))

        # leaving it waits until all is sent: nobody else may use the connection before
        with ThreadPoolExecutor(1, "relevo-copy-in") as sender:
            yield put
            for block in sent:
                block.result()
        cursor.close()

    def read(
        self, connection: sa.Connection, query: str, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        convert = pyarrow.csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        )
        parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
        for block in _CopyReader(connection, query).blocks():
            read = pyarrow.csv.ReadOptions(
                column_names=schema.names, use_threads=False, block_size=len(block) + 1
            )
            table = pyarrow.csv.read_csv(BytesIO(block), read, parse, convert)
            yield from table.to_batches()


def _as_csv(rows: pa.RecordBatch) -> pa.Buffer:
    """All text is quoted and a null is nothing at all, so that "" stays the empty text."""
    sink = pa.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    pyarrow.csv.write_csv(rows, sink, options)
    return sink.getvalue()


class _Stopped(Exception):
    """Nobody reads the rows any more."""


class _CopyReader:
    """COPY … TO STDOUT in a thread of its own, which calls write() with a row at a time."""

    def __init__(self, connection: sa.Connection, query: str) -> None:
        self._connection = connection
        self._query = query
        self._pending = BytesIO()
        # blocks of CSV; at the end None, or what went wrong
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
        end: BaseException | None = None
        try:
            cursor: Any = self._connection.connection.cursor()
            cursor.copy_expert(f"COPY ({self._query}) TO STDOUT (FORMAT csv)", self)
            self._hand_over()
        except _Stopped:
            pass
        except BaseException as error:  # noqa: BLE001
            end = error
        self._blocks.put(end)

    def _stop(self) -> None:
        """End the thread. Rows that are still on their way can only be thrown away with their connection."""
        self._stopped.set()
        with suppress(psycopg2.Error):  # the connection is thrown away in any case
            cast(Any, self._connection.connection.dbapi_connection).cancel()
        while self._thread.is_alive():
            with suppress(queue.Empty):
                self._blocks.get(timeout=0.05)
        self._connection.invalidate()
