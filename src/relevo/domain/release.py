"""A release: a model version with everything needed to serve it, judge it and trace it."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from relevo.domain.contract import Column
from relevo.domain.kinds import Kind
from relevo.domain.use_case import Task, UseCase

CHAMPION = "champion"
CHALLENGER = "challenger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What `release.json` holds: not the version's number, which is the registry's."""

    case: str
    task: Task
    target: str
    unit: str
    log_target: bool
    fields: tuple[Column, ...]  # what the model takes, in order
    classes: tuple[str, ...]
    estimator: str
    digest: str
    decision_id: int
    data_sha256: str
    commit: str
    trained_at: str
    metrics: dict[str, float]
    title: str = ""  # what people call the case; empty: its name

    def to_dict(self) -> dict[str, Any]:
        fields = [asdict(field) | {"kind": field.kind.name} for field in self.fields]
        return asdict(self) | {"fields": fields}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Release:
        fields = tuple(_field_from(field) for field in values["fields"])
        return Release(
            **{**values, "fields": fields, "classes": tuple(values["classes"])}
        )


def _field_from(values: dict[str, Any]) -> Column:
    admitted = values["values"] and tuple(values["values"])
    return Column(**{**values, "kind": Kind.named(values["kind"]), "values": admitted})


def signature_of(case: UseCase) -> tuple[Column, ...]:
    return tuple(case.contract[name] for name in case.features)


def digest_of(model: bytes) -> str:
    return hashlib.sha256(model).hexdigest()
