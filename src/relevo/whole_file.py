"""Files and folders that are there whole or not at all, and survive a loss of power once they are there."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

UNFINISHED = ".relevo-unfinished-"  # begins the name of what is still being written
SWEPT_AFTER = (
    24 * 3600.0
)  # no write takes a day: what is older belongs to a process that was killed


@contextmanager
def whole_file(path: Path) -> Iterator[Callable[[bytes], None]]:
    """Gives a `write`. What was written is at `path` once the block has ended well; else nothing is."""
    _sweep(path.parent)
    unfinished = path.with_name(f"{UNFINISHED}{uuid4()}")
    try:
        # without a buffer, which would name a full disk only when it is flushed
        with unfinished.open("xb", buffering=0) as file:

            def write(content: bytes) -> None:
                rest = memoryview(content)
                while rest:
                    rest = rest[file.write(rest) :]

            yield write
            os.fsync(file.fileno())
        unfinished.replace(path)
        sync(path.parent)  # the new name is the folder's to keep
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: bytes) -> None:
    with whole_file(path) as write:
        write(content)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Gives a folder to fill, which is at `path` once the block has ended well; else nothing is."""
    unfinished = path.with_name(f"{UNFINISHED}{uuid4()}")
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def sync(path: Path) -> None:
    """See that a file's content, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    for path in folder.glob(f"{UNFINISHED}*"):
        with suppress(FileNotFoundError):  # its writer has just finished
            if path.is_file() and time.time() - path.stat().st_mtime > SWEPT_AFTER:
                path.unlink()
