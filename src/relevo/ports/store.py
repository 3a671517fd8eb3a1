"""Where bytes are kept."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol


class ObjectStore(Protocol):
    """Bytes under a key. What is put is there whole or not at all, and survives the process."""

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """Store under `key`, durable on return; the number of bytes."""

    def open(self, key: str) -> AbstractContextManager[BinaryIO]: ...

    def exists(self, key: str) -> bool: ...

    def list(self, prefix: str) -> list[str]: ...

    def delete(self, key: str) -> None: ...
