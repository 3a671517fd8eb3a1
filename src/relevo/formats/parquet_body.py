"""Parquet of any types. Copied to a temporary file first, since it is read from its end and a store's stream is not."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from relevo.domain.contract import Contract
from relevo.formats.block import Block
from relevo.formats.json_window import SHOWN, malformed

_BLOCK = 1024 * 1024


class ParquetBody:
    """Iterate for blocks of rows."""

    def __init__(
        self, stream: BinaryIO, contract: Contract, rows_per_block: int, what: str
    ) -> None:
        self._stream = stream
        self._contract = contract
        self._rows_per_block = rows_per_block
        self._what = what
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[Block]:
        with tempfile.TemporaryFile() as copy:
            while part := self._stream.read(_BLOCK):
                self._hash.update(part)
                copy.write(part)
            copy.seek(0)
            head = copy.read(SHOWN)
            try:
                yield from self._blocks(pq.ParquetFile(copy), head)
            except (pa.ArrowException, OSError) as error:
                raise malformed(self._what, f"is not Parquet: {error}", head) from None

    def _blocks(self, file: pq.ParquetFile, head: bytes) -> Iterator[Block]:
        wanted = {column.name for column in self._contract}
        if not wanted.intersection(file.schema_arrow.names):
            raise malformed(
                self._what,
                f"has none of the contract's columns; they are {', '.join(sorted(wanted))}",
                head,
            )
        for batch in file.iter_batches(self._rows_per_block):
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            extras: dict[int, dict[str, object]] = {}
            for name in columns.keys() - wanted:
                for index, value in enumerate(columns[name].to_pylist()):
                    if value is not None:
                        extras.setdefault(index, {})[name] = value
            yield Block(
                len(batch),
                {n: v for n, v in columns.items() if n in wanted},
                extras=extras,
            )
