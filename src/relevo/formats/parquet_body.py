"""Parquet of any types, by way of a temporary file: it is read from its end, a stream is not."""

import shutil
import tempfile
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from relevo.formats.block import Block
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
            block = Block(len(batch), {})
            for name, values in zip(batch.schema.names, batch.columns, strict=True):
                if name in self.kinds:
                    block.columns[name] = values
                else:
                    block.note_extras(name, values.to_pylist())
            yield block
