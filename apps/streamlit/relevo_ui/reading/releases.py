"""The files of a version, as the artifacts store has them."""

import json
from dataclasses import dataclass

from relevo.domain.profile import Profile
from relevo.domain.release import Release
from relevo.errors import RelevoError
from relevo.ports.store import ObjectStore
from relevo.releases.release_folder import (
    CARD_FILE,
    MODEL_FILE,
    PICTURES_FOLDER,
    PROFILE_FILE,
    RELEASE_FILE,
    read_release,
)
from relevo.releases.stored_release import release_prefix


class ReleaseAbsent(RelevoError):
    """The store holds no release folder of a version."""


@dataclass(frozen=True, slots=True)
class StoredRelease:
    version: str
    files: dict[str, bytes]

    @property
    def model(self) -> bytes:
        return self.files[MODEL_FILE]

    @property
    def release(self) -> Release:
        return read_release(self.files[RELEASE_FILE], f"version {self.version}")

    @property
    def profile(self) -> Profile:
        return Profile.from_dict(json.loads(self.files[PROFILE_FILE]))

    @property
    def card(self) -> str:
        return self.files[CARD_FILE].decode()

    @property
    def pictures(self) -> list[bytes]:
        """By name, so that those of two versions stand beside each other."""
        names = sorted(name for name in self.files if name.startswith(PICTURES_FOLDER))
        return [self.files[name] for name in names]


def read_stored_release(store: ObjectStore, case: str, version: str) -> StoredRelease:
    prefix = f"{release_prefix(case, version)}/"
    files = {key.removeprefix(prefix): _bytes(store, key) for key in store.list(prefix)}
    if RELEASE_FILE not in files:
        raise ReleaseAbsent(
            f"version {version} of {case} has no release folder in the artifacts store; "
            "check RELEVO_ARTIFACTS_STORE, or train again: training writes the folder"
        )
    return StoredRelease(version, files)


def _bytes(store: ObjectStore, key: str) -> bytes:
    with store.open(key) as stream:
        return stream.read()
