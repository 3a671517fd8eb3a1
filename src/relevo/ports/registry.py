"""Where model versions are registered, what leads to them, and who is told."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from relevo.domain.model_version import ModelVersion, RunRecord


class Aliases(Protocol):
    """What leads to a case's versions: all that a promotion needs of a registry."""

    def version(self, case: str, number: str) -> ModelVersion: ...

    def alias(self, case: str, alias: str) -> str | None: ...

    def set_alias(self, case: str, alias: str, number: str) -> None: ...

    def tag(self, case: str, number: str, tags: dict[str, str]) -> None: ...


class ModelRegistry(Aliases, Protocol):
    def register(
        self, case: str, run: RunRecord, folder: Path, decision_key: str
    ) -> ModelVersion:
        """Log the run and its release folder, and register it. Tagged with the decision; complete or absent."""

    def find(self, case: str, decision_key: str) -> ModelVersion | None:
        """The complete version that was registered for a decision."""

    def versions(self, case: str) -> list[ModelVersion]:
        """Newest first."""

    def fetch(self, case: str, number: str) -> Path:
        """The version's release folder on this machine, downloaded once and checked against its digest."""


class ReloadNotifier(Protocol):
    def __call__(self, case: str) -> None:
        """Tell the APIs to look now. They would find out by themselves: a failure is logged and fails nothing."""
