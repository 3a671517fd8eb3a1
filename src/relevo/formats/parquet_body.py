"""Parquet of any types. Copied to a temporary file first, since it is read from its end and a store's stream is not."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from relevo.formats.block import Block, note_extras
from relevo.formats.body import STREAM_BYTES, BatchBody


class ParquetBody(BatchBody):
    """Parquet holds rows and nothing else."""

    def __iter__(self) -> Iterator[Block]:
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(self.stream, copy, STREAM_BYTES)
            try:
                yield from self._blocks(pq.ParquetFile(copy))
            except (pa.ArrowException, OSError) as error:
                raise self.stream.malformed(f"is not Parquet: {error}") from None

    def _blocks(self, file: pq.ParquetFile) -> Iterator[Block]:
        self.require_columns(file.schema_arrow.names)
        for batch in file.iter_batches(self.rows_per_block):
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            extras: dict[int, dict[str, object]] = {}
            for name in [name for name in columns if name not in self.kinds]:
                note_extras(extras, name, columns.pop(name).to_pylist())
            yield Block(len(batch), columns, extras=extras)
