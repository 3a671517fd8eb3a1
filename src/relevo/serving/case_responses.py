"""What people may know of a served case: its fields, its model, its health, and where a
prediction came from.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

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


class _Provenance(NamedTuple):
    """Why a version was trained and made champion; None of each that the record does not tell."""

    decision: DecisionSummary | None = None
    verdict: VerdictSummary | None = None


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
    provenance = _provenance(release, record)
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
        decision=provenance.decision,
        verdict=provenance.verdict,
        last_reload=case.last_reload,
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
    traced: dict[str, Any] = {"release": None, "data": None, "commit": None}
    provenance = _Provenance()
    if release is not None:
        provenance = _provenance(release, record)
        traced["release"] = TracedRelease(
            digest=release.digest,
            estimator=release.estimator,
            trained_at=release.trained_at,
            metrics=release.metrics,
        )
        traced["data"] = TracedData(
            sha256=release.data_sha256,
            batches=training.get("batches"),
            rows=training.get("rows"),
        )
        traced["commit"] = release.commit
    return Receipt(
        **{"label": None} | logged, **traced, **provenance._asdict(), shipped=shipped
    )


def _provenance(release: Release, record: Record) -> _Provenance:
    number = release.decision_id
    try:
        decisions = record.decisions(release.case)
        verdicts = record.verdicts(release.case, number)
    except StoreUnavailable:
        return _Provenance()
    sentences = [decision.sentence for decision in decisions if decision.id == number]
    return _Provenance(
        next((DecisionSummary(number, sentence) for sentence in sentences), None),
        next((VerdictSummary(v.ruling.value, v.sentence) for v in verdicts), None),
    )


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
