"""Releases on this machine's own disk, from which a restarted process serves at once."""

import os
import shutil
from pathlib import Path

import msgspec

from relevo.ports.store import ObjectStore
from relevo.releases.release_folder import NOT_SERVED
from relevo.releases.stored_release import read_digest, release_prefix
from relevo.whole_file import sync, whole_folder, write_whole

CURRENT = "current.json"
# the one that serves, and the one before it, whose last requests may still read from it
RELEASES_KEPT = 2


class LastServed(msgspec.Struct, frozen=True):
    """The release that served last."""

    version: str
    alias: str
    folder: str


class ReleaseCache:
    """One use case's releases. A folder is whole or not there, and named by version and digest."""

    def __init__(self, folder: Path, case: str, store: ObjectStore) -> None:
        self._root = folder / case
        self._case = case
        self._store = store

    def last(self) -> tuple[LastServed, Path] | None:
        """The release that `keep` was called with last; None where its folder is gone."""
        try:
            content = (self._root / CURRENT).read_bytes()
            last = msgspec.json.decode(content, type=LastServed)
        except (OSError, msgspec.MsgspecError):
            return None
        folder = self._root / last.folder
        if not folder.is_dir():
            return None
        return last, folder

    def fetch(self, version: str) -> Path:
        """The version's folder here, downloaded where it is not."""
        digest = read_digest(self._case, version, self._store)
        # a registry that was set up anew counts its versions from 1 again
        folder = self._root / f"{version}-{digest[:16]}"
        if not folder.is_dir():
            self._download(f"{release_prefix(self._case, version)}/", folder)
        return folder

    def forget(self, folder: Path) -> None:
        """Drop a release that was refused, so that the next fetch downloads it anew."""
        shutil.rmtree(folder, ignore_errors=True)

    def keep(self, version: str, alias: str, folder: Path) -> None:
        """Start from this one next time; older ones are dropped."""
        os.utime(folder)  # an old one that serves again counts as new
        last = LastServed(version, alias, folder.name)
        write_whole(self._root / CURRENT, msgspec.json.encode(last))
        folders = [path for path in self._root.iterdir() if path.is_dir()]
        newest_first = sorted(
            folders, key=lambda path: path.stat().st_mtime, reverse=True
        )
        for old in newest_first[RELEASES_KEPT:]:
            shutil.rmtree(old, ignore_errors=True)

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
