"""Release folders in the artifacts store: what a version knows of itself."""

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
HEADINGS = {
    "importances.png": "What the answers rest on",
    "predicted_actual.png": "Predicted against actual",
    "residuals.png": "Errors by predicted value",
    "confusion.png": "True class against answer",
    "calibration.png": "Certainty against being right",
}


class ReleaseAbsent(RelevoError):
    """The store holds no release folder of a version."""


@dataclass(frozen=True, slots=True)
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
            "or train again: a training puts its folder there"
        )
    pictures = [key for key in store.list(prefix + PICTURES) if key.endswith(".png")]
    return ReleaseFolder(
        version,
        Release.from_dict(json.loads(_bytes(store, prefix + RELEASE_FILE))),
        Profile.from_dict(json.loads(_bytes(store, prefix + PROFILE_FILE))),
        _bytes(store, prefix + CARD_FILE).decode(),
        {key.rsplit("/", 1)[1]: _bytes(store, key) for key in pictures},
        _bytes(store, prefix + MODEL_FILE),
    )


def _bytes(store: ObjectStore, key: str) -> bytes:
    with store.open(key) as stream:
        return stream.read()
