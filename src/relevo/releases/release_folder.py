"""A release's folder on this machine: which file holds what."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from relevo.domain.profile import Profile
from relevo.domain.release import Release
from relevo.errors import ModelRefused

MODEL_FILE = "model.onnx"
RELEASE_FILE = "release.json"
PROFILE_FILE = "profile.json"
TRAINING_FILE = "training.json"
CARD_FILE = "card.md"
NATIVE_FOLDER = "native"
PICTURES_FOLDER = "pictures"
Stored = TypeVar("Stored")
# what people look at in the registry, and no server needs
NOT_SERVED = (f"{PICTURES_FOLDER}/", CARD_FILE)


@dataclass(frozen=True, slots=True)
class ReleaseFolder:
    """Reads one file at a time. ModelRefused where it is absent, damaged or of another shape."""

    path: Path

    @property
    def model(self) -> Path:
        return self.path / MODEL_FILE

    @property
    def card(self) -> Path:
        return self.path / CARD_FILE

    @property
    def pictures(self) -> Path:
        return self.path / PICTURES_FOLDER

    @property
    def size_mb(self) -> float:
        return self.model.stat().st_size / 1e6

    def model_bytes(self) -> bytes:
        return self._read(MODEL_FILE)

    def native(self, name: str) -> Path:
        """A file of the model in its own framework's form."""
        return self.path / NATIVE_FOLDER / name

    def release(self) -> Release:
        return self._parse(RELEASE_FILE, Release.from_dict)

    def profile(self) -> Profile:
        return self._parse(PROFILE_FILE, Profile.from_dict)

    def training(self) -> dict[str, Any]:
        """The batches and rows that were learnt; empty for a release without that file."""
        if not (self.path / TRAINING_FILE).is_file():
            return {}
        return self._parse(TRAINING_FILE, dict)

    def write(
        self,
        *,
        model: bytes,
        native: dict[str, bytes],
        pictures: dict[str, bytes],
        release: Release,
        training: dict[str, Any],
        profile: Profile,
        card: str,
    ) -> None:
        files = {
            MODEL_FILE: model,
            RELEASE_FILE: _to_json(release.to_dict()),
            PROFILE_FILE: _to_json(profile.to_dict()),
            TRAINING_FILE: _to_json(training),
            CARD_FILE: card.encode(),
        }
        folders = {".": files, NATIVE_FOLDER: native, PICTURES_FOLDER: pictures}
        for folder, contents in folders.items():
            for name, content in contents.items():
                path = self.path / folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)

    def _parse(self, name: str, parse: Callable[[Any], Stored]) -> Stored:
        return _parsed(self._read(name), str(self.path / name), parse)

    def _read(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise ModelRefused(
                f"{self.path / name}: cannot be read: {error.strerror}; fetch the release again"
            ) from error


def read_release(content: bytes, where: str) -> Release:
    return _parsed(content, where, Release.from_dict)


def _parsed(content: bytes, where: str, parse: Callable[[Any], Stored]) -> Stored:
    try:
        return parse(json.loads(content))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelRefused(
            f"{where}: cannot be read: {error!r}; train it again"
        ) from error


def _to_json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, indent=1).encode()
