"""A registered model version, and what its training leaves in the registry."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered model version as the registry knows it."""

    number: str
    run_id: str
    created_at: datetime
    tags: dict[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What one training leaves in the registry beside its files."""

    experiment: str
    name: str
    parameters: dict[str, Any]
    metrics: dict[str, float]
    tags: dict[str, str]
