"""A stream of bytes, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

BLOCK_SIZE = 1 << 20


def blocks_of(stream: BinaryIO) -> Iterator[bytes]:
    return iter(partial(stream.read, BLOCK_SIZE), b"")
