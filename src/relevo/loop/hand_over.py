"""Where a version's files lie for those who serve it, and what leads there: files, pointer, alias, in this order."""

from __future__ import annotations

import json
from pathlib import Path

from relevo.domain.release import RELEASE_FILE
from relevo.errors import ModelRefused
from relevo.ports import Aliases, ObjectStore


def release_folder(case: str, version: str) -> str:
    return f"releases/{case}/{version}"


def pointer_key(case: str, alias: str) -> str:
    return f"releases/{case}/{alias}.json"


def place(case: str, version: str, folder: Path, artifacts: ObjectStore) -> None:
    """Put a release's files into the store; safe to repeat. `release.json` comes last: where it is, all of it is."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    for name in sorted(files, key=lambda name: name == RELEASE_FILE):
        artifacts.put(f"{release_folder(case, version)}/{name}", [(folder / name).read_bytes()])


def point(case: str, alias: str, version: str, registry: Aliases, artifacts: ObjectStore) -> None:
    """Lead `alias` to a version that is in place; safe to repeat. The alias itself moves last."""
    folder = release_folder(case, version)
    release = f"{folder}/{RELEASE_FILE}"
    if not artifacts.exists(release):
        raise ModelRefused(
            f"version {version} of {case}: {release} is not in the artifacts store; restore the store, or choose another version"
        )
    with artifacts.open(release) as stream:
        digest = json.load(stream)["digest"]
    pointer = {"version": version, "digest": digest, "folder": folder}
    artifacts.put(pointer_key(case, alias), [json.dumps(pointer).encode()])
    registry.set_alias(case, alias, version)
