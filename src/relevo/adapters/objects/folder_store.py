"""Bytes under a key, in a folder: for one machine, or a volume that all pods share."""

from __future__ import annotations

import builtins
import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from relevo.adapters.objects.object_key import checked_key
from relevo.errors import NotFound, StoreUnavailable
from relevo.whole_file import UNFINISHED, sync, whole_file


class FolderStore:
    """A key is a relative path. A put that was killed leaves no key but a hidden file, which a put a day later sweeps."""

    def __init__(self, path: Path | str) -> None:
        self._root = Path(path).absolute()

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        target = self._path(key)
        explained = partial(self._explained, f"{target} cannot be written")
        size = 0
        with ExitStack() as stack:
            with explained():
                _make_folders(target.parent)
                write = stack.enter_context(whole_file(target))
            for chunk in chunks:  # what these raise passes as it is
                with explained():
                    write(chunk)
                size += len(chunk)
            with explained():
                stack.close()
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
        start = self._root / os.path.dirname(prefix)
        with self._explained(f"{start} cannot be listed"):
            keys = [
                path.relative_to(self._root).as_posix()
                for path in start.rglob("*")
                if not path.name.startswith(UNFINISHED) and path.is_file()
            ]
        return sorted(key for key in keys if key.startswith(prefix))

    def delete(self, key: str) -> None:
        with self._explained(f"{key} cannot be deleted"):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)

    @contextmanager
    def _explained(self, problem: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            remedy = "check the folder and its rights"
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                remedy = "free some space"
            raise StoreUnavailable(
                f"{problem}: {error.strerror or error}; {remedy} under {self._root}"
            ) from error


def _make_folders(path: Path) -> None:
    """As durable as what is put in them: a new folder's name is on disk before it is used."""
    if path.is_dir():
        return
    _make_folders(path.parent)
    path.mkdir(exist_ok=True)
    sync(path.parent)
