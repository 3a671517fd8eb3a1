"""Where a version's files lie in the artifacts store, and the pointer that leads to them."""

import json
from pathlib import Path

import msgspec

from relevo.errors import ModelRefused
from relevo.ports.store import ObjectStore
from relevo.releases.release_folder import RELEASE_FILE, TRAINING_FILE


class _Digest(msgspec.Struct):
    digest: str


def release_prefix(case: str, version: str) -> str:
    return f"releases/{case}/{version}"


def pointer_key(case: str, alias: str) -> str:
    return f"releases/{case}/{alias}.json"


def upload(case: str, version: str, folder: Path, store: ObjectStore) -> None:
    """Put a release's files into the store; safe to repeat."""
    files = (path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in files]
    # release.json comes last: where it is, all of the release is
    for name in sorted(names, key=lambda name: (name == RELEASE_FILE, name)):
        store.put(
            f"{release_prefix(case, version)}/{name}", [(folder / name).read_bytes()]
        )


def failed_candidates(case: str, version: str, store: ObjectStore) -> dict[str, str]:
    """Why each candidate raised that did; empty for a release without that file."""
    key = f"{release_prefix(case, version)}/{TRAINING_FILE}"
    if not store.exists(key):
        return {}
    with store.open(key) as stream:
        failed: dict[str, str] = json.load(stream).get("failed_candidates", {})
    return failed


def read_digest(case: str, version: str, store: ObjectStore) -> str:
    """Of the version's model, as its release.json has it."""
    key = f"{release_prefix(case, version)}/{RELEASE_FILE}"
    with store.open(key) as stream:
        try:
            digest = msgspec.json.decode(stream.read(), type=_Digest).digest
        except msgspec.MsgspecError as error:
            raise ModelRefused(
                f"{key}: cannot be read: {error}; train it again"
            ) from error
    # it becomes part of a folder's name
    if not digest.isalnum():
        raise ModelRefused(f"{key}: names no digest of its model; train it again")
    return digest


def write_pointer(case: str, alias: str, version: str, store: ObjectStore) -> None:
    """Lead those who cannot reach the registry to a version that is in the store."""
    prefix = release_prefix(case, version)
    release = f"{prefix}/{RELEASE_FILE}"
    if not store.exists(release):
        raise ModelRefused(
            f"version {version} of {case}: {release} is not in the artifacts store; "
            "restore the store, or choose another version"
        )
    digest = read_digest(case, version, store)
    pointer = {"version": version, "digest": digest, "folder": prefix}
    store.put(pointer_key(case, alias), [json.dumps(pointer).encode()])
