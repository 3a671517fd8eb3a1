"""Bytes under a key, in a folder: for one machine, or a volume that all pods share."""

from __future__ import annotations

import builtins
import errno
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from relevo.adapters.objects.object_key import UNFINISHED, checked
from relevo.errors import NotFound, StoreUnavailable

SWEPT_AFTER = 24 * 3600.0


class FolderStore:
    """A key is a relative path. A put that was killed leaves no key but a hidden file, swept by a put a day later."""

    def __init__(self, path: Path | str) -> None:
        self._root = Path(path).absolute()

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        target = self._path(key)
        with self._explained(f"{target} cannot be written"):
            _make_folders(target.parent)
            _sweep(target.parent)
            unfinished = target.with_name(f"{UNFINISHED}{uuid4()}")
            descriptor = os.open(
                unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666
            )
        try:
            size = self._write(descriptor, chunks, target)
            with self._explained(f"{target} cannot be written"):
                unfinished.replace(target)
                _sync_folder(target.parent)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        return size

    def _write(self, descriptor: int, chunks: Iterable[bytes], target: Path) -> int:
        """What the chunks themselves raise passes as it is."""
        size = 0
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            for chunk in chunks:
                with self._explained(f"{target} cannot be written"):
                    _write_all(file.fileno(), chunk)
                size += len(chunk)
            with self._explained(f"{target} cannot be written"):
                os.fsync(file.fileno())
        return size

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        path = self._path(key)
        with self._explained(f"{path} cannot be read"):
            if not path.is_file():
                raise NotFound(
                    f"{key} is not in {self._root}; was it deleted, or is the store another folder?"
                )
            file = path.open("rb")
        with file:
            yield file

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def list(self, prefix: str) -> builtins.list[str]:
        """Keys that start with `prefix`, in order."""
        start = self._root / os.path.dirname(prefix)
        with self._explained(f"{start} cannot be listed"):
            files = [
                path
                for path in start.rglob("*")
                if not path.name.startswith(UNFINISHED) and path.is_file()
            ]
        keys = (path.relative_to(self._root).as_posix() for path in files)
        return sorted(key for key in keys if key.startswith(prefix))

    def delete(self, key: str) -> None:
        """No error where the key is not there."""
        with self._explained(f"{key} cannot be deleted"):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._root / checked(key)

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            remedy = (
                "free some space"
                if error.errno in (errno.ENOSPC, errno.EDQUOT)
                else "check the folder and its rights"
            )
            raise StoreUnavailable(
                f"{what}: {error.strerror or error}; {remedy} under {self._root}"
            ) from error


def _write_all(descriptor: int, chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[os.write(descriptor, left) :]


def _make_folders(path: Path) -> None:
    """As durable as what is put in them: a new folder's name is on disk before it is used."""
    if path.is_dir():
        return
    _make_folders(path.parent)
    path.mkdir(exist_ok=True)
    _sync_folder(path.parent)


def _sweep(folder: Path) -> None:
    for left in folder.glob(f"{UNFINISHED}*"):
        try:
            if time.time() - left.stat().st_mtime > SWEPT_AFTER:
                left.unlink()
        except FileNotFoundError:  # its writer has just finished
            continue


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
