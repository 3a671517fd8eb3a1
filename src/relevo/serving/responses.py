"""What people may know of a served case: its fields, its model, its health, and where a prediction came from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from relevo.domain.evidence import Decision, Verdict
from relevo.domain.metrics import typical
from relevo.domain.prediction import LoggedPrediction
from relevo.domain.release import Release
from relevo.errors import StoreUnavailable
from relevo.ports.warehouse import Record
from relevo.serving.field_defaults import field_default
from relevo.serving.model import ServedModel
from relevo.serving.served_case import ServedCase


def schema_of(model: ServedModel, max_bytes: int) -> dict[str, Any]:
    release = model.release
    title = release.title or release.case.replace("_", " ").capitalize()
    fields = []
    for one in release.fields:
        usual = field_default(one, model.profile)
        fields.append(
            {
                "name": one.name, "kind": one.kind.name, "nullable": one.nullable, "low": one.low, "high": one.high,
                "values": one.values, "digits": one.digits, "doc": one.doc,
                "default": usual.default, "typical": usual.typical, "suggestions": usual.suggestions,
            }
        )  # fmt: skip
    return {
        "case": release.case, "title": title, "task": release.task, "target": release.target, "unit": release.unit,
        "classes": release.classes, "version": model.version, "alias": model.alias, "fields": fields,
        "typical_error": typical_error(release), "limits": {"rows": model.strict.max_rows, "bytes": max_bytes},
    }  # fmt: skip


def typical_error(release: Release) -> dict[str, Any] | None:
    """How far off an answer usually is, on rows that the model has not seen where there were any."""
    if (measured := typical(release.metrics)) is None:
        return None
    metric, value = measured
    return {"metric": metric.name, "value": value}


def last_reload(case: ServedCase) -> dict[str, Any] | None:
    last = case.last_reload
    return (
        None
        if last is None
        else {"ok": last.ok, "at": moment(last.at), "error": last.error}
    )


def model_of(case: ServedCase, model: ServedModel, record: Record) -> dict[str, Any]:
    """The release that serves. What only the record knows is null while that is away."""
    release = model.release
    return {
        "case": case.name, "version": model.version, "alias": model.alias, "environment": case.environment,
        "age_seconds": age_seconds(model), "trained_at": release.trained_at, "loaded_at": moment(model.loaded_at),
        "estimator": release.estimator, "digest": release.digest, "data_sha256": release.data_sha256,
        "batches": model.training.get("batches"), "rows": model.training.get("rows"), "commit": release.commit,
        "metrics": release.metrics, **_why(case.name, release.decision_id, record), "last_reload": last_reload(case),
    }  # fmt: skip


def receipt_of(logged: LoggedPrediction, shipped: bool, release: Release | None, training: dict[str, Any],
               record: Record) -> dict[str, Any]:  # fmt: skip
    """From one prediction to release, data, commit, decision and verdict."""
    found = {**logged, "shipped": shipped, "label": logged.get("label")}
    if release is None:
        return {
            **found,
            "release": None,
            "data": None,
            "commit": None,
            "decision": None,
            "verdict": None,
        }
    made = {
        name: getattr(release, name)
        for name in ("digest", "estimator", "trained_at", "metrics")
    }
    data = {
        "sha256": release.data_sha256,
        "batches": training.get("batches"),
        "rows": training.get("rows"),
    }
    why = _why(logged["case"], release.decision_id, record)
    return {**found, "release": made, "data": data, "commit": release.commit, **why}


def _why(case: str, decision_id: int, record: Record) -> dict[str, Any]:
    try:
        decisions = [one for one in record.decisions(case) if one.id == decision_id]
        verdicts = record.verdicts(case, decision_id)
    except StoreUnavailable:
        return {"decision": None, "verdict": None}
    return {
        "decision": _decision(decisions[0]) if decisions else None,
        "verdict": _verdict(verdicts[0]) if verdicts else None,
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {"id": decision.id, "sentence": decision.sentence}


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {"ruling": verdict.ruling.value, "sentence": verdict.sentence}


def health_of(case: ServedCase) -> dict[str, Any]:
    model, waiting = case.model, case.log.waiting()
    return {
        "version": model.version if model else None, "alias": model.alias if model else None,
        "age_seconds": age_seconds(model) if model else None, "last_reload": last_reload(case),
        "log": {"waiting_rows": waiting.rows, "oldest_seconds": waiting.oldest_seconds},
    }  # fmt: skip


def age_seconds(model: ServedModel) -> float:
    """Since it was trained."""
    trained = datetime.fromisoformat(model.release.trained_at)
    return round((datetime.now(UTC) - trained.astimezone(UTC)).total_seconds(), 1)


def moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
