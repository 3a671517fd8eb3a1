"""Release folders in the artifacts store: the files of a version."""

from __future__ import annotations

import json
from dataclasses import dataclass

from relevo.domain.profile import Profile
from relevo.domain.release import Release
from relevo.errors import RelevoError
from relevo.ports.store import ObjectStore
from relevo.releases.release_folder import (
    CARD_FILE,
    MODEL_FILE,
    PROFILE_FILE,
    RELEASE_FILE,
)

PICTURES = "pictures/"


class ReleaseAbsent(RelevoError):
    """The store holds no release folder of a version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFolder:
    version: str
    release: Release
    profile: Profile
    card: str
    pictures: dict[str, bytes]
    model: bytes


def read_release(store: ObjectStore, case: str, version: str) -> ReleaseFolder:
    prefix = f"releases/{case}/{version}/"
    if not store.exists(prefix + RELEASE_FILE):
        raise ReleaseAbsent(
            f"version {version} of {case} has no release folder in the artifacts store; check RELEVO_ARTIFACTS_STORE, "
            "or train again: training writes the folder"
        )
    pictures = [key for key in store.list(prefix + PICTURES) if key.endswith(".png")]
    return ReleaseFolder(
        version=version,
        release=Release.from_dict(json.loads(_bytes(store, prefix + RELEASE_FILE))),
        profile=Profile.from_dict(json.loads(_bytes(store, prefix + PROFILE_FILE))),
        card=_bytes(store, prefix + CARD_FILE).decode(),
        pictures={key.rsplit("/", 1)[1]: _bytes(store, key) for key in pictures},
        model=_bytes(store, prefix + MODEL_FILE),
    )


def _bytes(store: ObjectStore, key: str) -> bytes:
    with store.open(key) as stream:
        return stream.read()
