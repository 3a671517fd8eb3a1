"""A body of a batch, whatever its format: hashed as it is read, and quoted where it cannot be."""

import hashlib
import io
from collections.abc import Collection, Iterator
from typing import BinaryIO

from relevo.domain.contract import Contract
from relevo.errors import SourceUnavailable
from relevo.formats.block import Block

STREAM_BYTES = 1024 * 1024
SHOWN = 80


class HashedStream(io.RawIOBase):
    """Hashes what is read through it; closing it leaves the stream beneath open."""

    def __init__(self, stream: BinaryIO, what: str) -> None:
        self.what = what
        self._stream = stream
        self._sha256 = hashlib.sha256()
        self._head = b""

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        part = self._stream.read(len(buffer))
        self._sha256.update(part)
        self._head += part[: SHOWN - len(self._head)]
        buffer[: len(part)] = part
        return len(part)

    def malformed(self, why: str) -> SourceUnavailable:
        head = self._head.decode("utf-8", "backslashreplace")
        what = f"{self.what} {why}; it begins with {head!r}"
        # the source has answered, so its cursor may have moved on
        return SourceUnavailable(
            f"{what}; look at what the source answers and ask it again",
            maybe_answered=True,
        )


class BatchBody:
    """Iterate once for blocks of rows; then `number` and `content_sha256` are known."""

    number: int | None = None  # the batch number that the body carries

    def __init__(
        self, stream: HashedStream, contract: Contract, rows_per_block: int
    ) -> None:
        self.stream = stream
        self.rows_per_block = rows_per_block
        self.kinds = {column.name: column.kind for column in contract}

    def __iter__(self) -> Iterator[Block]:
        raise NotImplementedError

    @property
    def content_sha256(self) -> str:
        """Of the rows alone, the same under another number; of all bytes for most formats."""
        return self.stream.sha256

    def require_columns(self, header: Collection[str]) -> None:
        if self.kinds.keys().isdisjoint(header):
            raise self.stream.malformed(
                f"has none of the contract's columns; they are {', '.join(sorted(self.kinds))}"
            )
