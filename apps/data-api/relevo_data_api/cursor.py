"""Where a group stands in its stream: one small file per group, which outlives the process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from relevo_data_api.errors import CursorBroken


class Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a cursor file holds: a batch number means nothing without its stream."""

    stream: str
    next_batch: int


class Cursor:
    """Read and move a group's position, under `locked()`: one thread of one process at a time.

    No file yet means 0. An implausible file raises CursorBroken: it is never taken for 0.
    """

    def __init__(
        self, state_dir: Path, group_number: int, stream: str, batches: int
    ) -> None:
        self.path = state_dir / f"group-{group_number}.json"
        self._stream = stream
        self._batches = batches
        self._restart = f"GET /restart_data_generation?group_number={group_number}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        with self._explained("locked"):
            lock = self.path.with_suffix(".lock").open("a")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def read(self) -> int:
        """The number of the next batch, which is also how many have been answered."""
        with self._explained("read"):
            if not self.path.exists():
                return 0
            content = self.path.read_bytes()
        try:
            position = msgspec.json.decode(content, type=Position)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._broken(f"is corrupt: {error}") from error
        if position.stream != self._stream:
            raise self._broken(
                f"belongs to stream '{position.stream}', the settings say '{self._stream}'"
            )
        if not 0 <= position.next_batch <= self._batches:
            raise self._broken(
                f"is corrupt: next_batch {position.next_batch} is not in 0..{self._batches}"
            )
        return position.next_batch

    def write(self, next_batch: int) -> None:
        """On return the new position survives a kill and a loss of power."""
        content = msgspec.json.encode(Position(self._stream, next_batch))
        unfinished = self.path.with_suffix(".tmp")
        with self._explained("written"):
            with unfinished.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file)
            unfinished.replace(self.path)
            _fsync_directory(self.path.parent)

    @contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CursorBroken(
                f"cursor file {self.path} cannot be {done}: {error}"
            ) from error

    def _broken(self, what: str) -> CursorBroken:
        return CursorBroken(
            f"cursor file {self.path} {what}; mend it, or {self._restart} starts it over at 0"
        )


def _fsync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
