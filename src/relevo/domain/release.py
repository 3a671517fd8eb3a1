"""A release: a model version with everything needed to serve it, judge it and trace it."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from relevo.domain.contract import Column, Kind
from relevo.domain.use_case import Task, UseCase

MODEL_FILE = "model.onnx"
RELEASE_FILE = "release.json"
PROFILE_FILE = "profile.json"
CARD_FILE = "card.md"

CHAMPION = "champion"
CHALLENGER = "challenger"


@dataclass(frozen=True, slots=True)
class Field:
    """One input of the model: what it is called, what it may be."""

    name: str
    kind: Kind
    nullable: bool
    low: float | None
    high: float | None
    values: tuple[str, ...] | None
    digits: int | None
    doc: str

    @staticmethod
    def of(column: Column) -> Field:
        return Field(
            column.name,
            column.kind,
            column.nullable,
            column.low,
            column.high,
            column.values,
            column.digits,
            column.doc,
        )


@dataclass(frozen=True, slots=True)
class Release:
    """What `release.json` says. The version number is the registry's and not in it."""

    case: str
    task: Task
    target: str
    unit: str
    log_target: bool
    fields: tuple[Field, ...]
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
        return asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Release:
        fields = tuple(
            Field(
                **{
                    **f,
                    "kind": Kind(f["kind"]),
                    "values": tuple(f["values"]) if f["values"] is not None else None,
                }
            )
            for f in values["fields"]
        )
        return Release(
            **{**values, "fields": fields, "classes": tuple(values["classes"])}
        )


def signature_of(case: UseCase) -> tuple[Field, ...]:
    return tuple(Field.of(case.contract[name]) for name in case.features)


def digest_of(model: bytes) -> str:
    return hashlib.sha256(model).hexdigest()
