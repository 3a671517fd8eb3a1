"""Releases on this machine's own disk: what a restarted process answers from before it has asked anybody."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec

from relevo.errors import ModelRefused
from relevo.ports.store import ObjectStore
from relevo.releases.release_folder import NOT_SERVED, RELEASE_FILE
from relevo.releases.stored_release import release_prefix
from relevo.whole_file import sync, whole_folder, write_whole

CURRENT = "current.json"
KEPT = 2  # the one that serves, and the one before it, whose last requests may still read from it


class Kept(msgspec.Struct, frozen=True):
    """The release that served last."""

    version: str
    alias: str
    folder: str


class _Digest(msgspec.Struct):
    digest: str


class ReleaseCache:
    """One use case's releases. A folder is whole or not there, and named by version and digest."""

    def __init__(self, folder: Path, case: str, store: ObjectStore) -> None:
        self._root, self._case, self._store = folder / case, case, store

    def last(self) -> tuple[Kept, Path] | None:
        """What `keep` was told last; None where nothing of it is left."""
        try:
            kept = msgspec.json.decode((self._root / CURRENT).read_bytes(), type=Kept)
        except (OSError, msgspec.MsgspecError):
            return None
        folder = self._root / kept.folder
        return (kept, folder) if folder.is_dir() else None

    def fetch(self, version: str) -> Path:
        """The version's folder here, downloaded where it is not."""
        prefix = f"{release_prefix(self._case, version)}/"
        folder = self._root / f"{version}-{self._digest(prefix)[:16]}"
        if not folder.is_dir():
            self._download(prefix, folder)
        return folder

    def forget(self, folder: Path) -> None:
        """A release that was refused is fetched anew when it is asked for again."""
        shutil.rmtree(folder, ignore_errors=True)

    def keep(self, version: str, alias: str, folder: Path) -> None:
        """Start from this one next time; older ones are dropped."""
        os.utime(folder)
        kept = Kept(version, alias, folder.name)
        write_whole(self._root / CURRENT, msgspec.json.encode(kept))
        folders = [path for path in self._root.iterdir() if path.is_dir()]
        for old in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True)[
            KEPT:
        ]:
            shutil.rmtree(old, ignore_errors=True)

    def _digest(self, prefix: str) -> str:
        with self._store.open(prefix + RELEASE_FILE) as stream:
            try:
                digest = msgspec.json.decode(stream.read(), type=_Digest).digest
            except msgspec.MsgspecError as error:
                raise ModelRefused(
                    f"{prefix}{RELEASE_FILE}: cannot be read: {error}; train it again"
                ) from error
        if not digest.isalnum():
            raise ModelRefused(
                f"{prefix}{RELEASE_FILE}: names no digest of its model; train it again"
            )
        return digest

    def _download(self, prefix: str, folder: Path) -> None:
        with whole_folder(folder) as unfinished:
            for key in self._store.list(prefix):
                name = key.removeprefix(prefix)
                if name.startswith(NOT_SERVED):
                    continue
                path = unfinished / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with self._store.open(key) as source, path.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
                sync(path)
