"""Parquet of any types. Copied to a temporary file first, since it is read from its end and a store's stream is not."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from relevo.domain.contract import Contract
from relevo.errors import SourceUnavailable
from relevo.formats.block import Block, note_extras
from relevo.formats.json_window import SHOWN, malformed

_BLOCK = 1024 * 1024


class ParquetBody:
    """Parquet holds rows and nothing else."""

    number: int | None = None

    def __init__(
        self, stream: BinaryIO, contract: Contract, rows_per_block: int, what: str
    ) -> None:
        self._stream = stream
        self._contract = contract
        self._rows_per_block = rows_per_block
        self._what = what
        self._hash = hashlib.sha256()
        self._head = b""

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    content_sha256 = sha256

    def malformed(self, why: str) -> SourceUnavailable:
        return malformed(self._what, why, self._head)

    def __iter__(self) -> Iterator[Block]:
        with tempfile.TemporaryFile() as copy:
            while part := self._stream.read(_BLOCK):
                self._hash.update(part)
                copy.write(part)
            copy.seek(0)
            self._head = copy.read(SHOWN)
            try:
                yield from self._blocks(pq.ParquetFile(copy))
            except (pa.ArrowException, OSError) as error:
                raise self.malformed(f"is not Parquet: {error}") from None

    def _blocks(self, file: pq.ParquetFile) -> Iterator[Block]:
        names = {column.name for column in self._contract}
        if not names.intersection(file.schema_arrow.names):
            raise self.malformed(
                f"has none of the contract's columns; they are {', '.join(sorted(names))}"
            )
        for batch in file.iter_batches(self._rows_per_block):
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            extras: dict[int, dict[str, object]] = {}
            for name in columns.keys() - names:
                note_extras(extras, name, columns.pop(name).to_pylist())
            yield Block(len(batch), columns, extras=extras)
