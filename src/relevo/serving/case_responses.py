"""What people may know of a served case: its fields, its model, its health, and where a
prediction came from.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from relevo.domain.contract import Column
from relevo.domain.metrics import typical
from relevo.domain.prediction import LoggedPrediction
from relevo.domain.release import Release
from relevo.errors import StoreUnavailable
from relevo.ports.warehouse import Record
from relevo.serving.field_defaults import field_default
from relevo.serving.model import ServedModel
from relevo.serving.responses import (
    CaseHealth,
    CaseSchema,
    DecisionSummary,
    FieldSchema,
    ModelInfo,
    Receipt,
    RequestLimits,
    TracedData,
    TracedRelease,
    TypicalError,
    VerdictSummary,
    WaitingLog,
)
from relevo.serving.served_case import ServedCase


def case_schema(model: ServedModel, max_bytes: int) -> CaseSchema:
    release = model.release
    return CaseSchema(
        case=release.case,
        title=release.title or release.case.replace("_", " ").capitalize(),
        task=release.task,
        target=release.target,
        unit=release.unit,
        classes=release.classes,
        version=model.version,
        alias=model.alias,
        fields=[_field_schema(field, model) for field in release.fields],
        typical_error=typical_error(release),
        limits=RequestLimits(model.strict.max_rows, max_bytes),
    )


def _field_schema(field: Column, model: ServedModel) -> FieldSchema:
    usual = field_default(field, model.profile)
    return FieldSchema(
        name=field.name,
        kind=field.kind.name,
        nullable=field.nullable,
        low=field.low,
        high=field.high,
        values=field.values,
        digits=field.digits,
        doc=field.doc,
        default=usual.default,
        typical=usual.typical,
        suggestions=usual.suggestions,
    )


def typical_error(release: Release) -> TypicalError | None:
    """How far off a prediction usually is, on rows that the model has not seen where there
    were any.
    """
    if (measured := typical(release.metrics)) is None:
        return None
    metric, value = measured
    return TypicalError(metric.name, value)


def model_info(case: ServedCase, model: ServedModel, record: Record) -> ModelInfo:
    """The release that serves. What only the record knows is null while that is unavailable."""
    release = model.release
    return ModelInfo(
        case=case.name,
        version=model.version,
        alias=model.alias,
        environment=case.environment,
        age_seconds=age_seconds(model),
        trained_at=release.trained_at,
        loaded_at=model.loaded_at,
        estimator=release.estimator,
        digest=release.digest,
        data_sha256=release.data_sha256,
        batches=model.training.get("batches"),
        rows=model.training.get("rows"),
        commit=release.commit,
        metrics=release.metrics,
        last_reload=case.last_reload,
        **_provenance(release, record),
    )


def receipt_of(
    logged: LoggedPrediction,
    release: Release | None,
    training: dict[str, Any],
    record: Record,
    *,
    shipped: bool,
) -> Receipt:
    """From one prediction to release, data, commit, decision and verdict."""
    traced: dict[str, Any] = dict.fromkeys(
        ("release", "data", "commit", "decision", "verdict")
    )
    if release is not None:
        traced |= _provenance(release, record)
        traced["release"] = msgspec.convert(
            release, TracedRelease, from_attributes=True
        )
        traced["data"] = TracedData(
            sha256=release.data_sha256,
            batches=training.get("batches"),
            rows=training.get("rows"),
        )
        traced["commit"] = release.commit
    return Receipt(**{"label": None} | logged, **traced, shipped=shipped)


def _provenance(release: Release, record: Record) -> dict[str, Any]:
    """Why it was trained and made champion; None of each that the record does not tell."""
    provenance: dict[str, Any] = {"decision": None, "verdict": None}
    number = release.decision_id
    try:
        decisions = record.decisions(release.case)
        verdicts = record.verdicts(release.case, number)
    except StoreUnavailable:
        return provenance
    for decision in decisions:
        if decision.id == number:
            provenance["decision"] = DecisionSummary(number, decision.sentence)
    for verdict in verdicts[:1]:
        ruling = verdict.ruling.value
        provenance["verdict"] = VerdictSummary(ruling, verdict.sentence)
    return provenance


def case_health(case: ServedCase) -> CaseHealth:
    waiting = case.log.waiting()
    version = alias = age = None
    if (model := case.model) is not None:
        version, alias, age = model.version, model.alias, age_seconds(model)
    return CaseHealth(
        version=version,
        alias=alias,
        age_seconds=age,
        last_reload=case.last_reload,
        log=WaitingLog(waiting.rows, waiting.oldest_seconds),
    )


def age_seconds(model: ServedModel) -> float:
    """Since it was trained."""
    trained = datetime.fromisoformat(model.release.trained_at)
    return round((datetime.now(UTC) - trained.astimezone(UTC)).total_seconds(), 1)
