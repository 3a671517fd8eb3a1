"""Train or skip, on measured evidence; every decision is on record with a sentence."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from relevo.domain.batch import Batch, BatchState
from relevo.domain.decision import Facts, decide_on
from relevo.domain.evidence import Decision, Evidence, TrainingRequest
from relevo.domain.frame import Frame, with_classes
from relevo.domain.identity import Split
from relevo.domain.profile import Profile, drift, new_category_share
from relevo.domain.release import (
    CHAMPION,
    MODEL_FILE,
    PROFILE_FILE,
    RELEASE_FILE,
    Release,
)
from relevo.domain.use_case import UseCase
from relevo.learning.metrics import measure
from relevo.learning.onnx_model import OnnxModel
from relevo.ports.clock import Clock
from relevo.ports.registry import ModelRegistry
from relevo.ports.warehouse import Warehouse


def decide(
    case: UseCase,
    batch: Batch,
    warehouse: Warehouse,
    registry: ModelRegistry,
    clock: Clock,
    request: TrainingRequest | None = None,
) -> Decision:
    """The decision on a batch, or on a person's request at this batch; the one on record where there is one.

    All requests that are open are answered by one decision, the newest standing for them.
    """
    wanted = request.id if request else None
    for known in warehouse.record.decisions(case.name, batch.id):
        if request is None or known.request_id == wanted:
            return known
    asked = warehouse.record.open_requests(case.name)
    facts = measure_facts(
        case, batch, warehouse, registry, clock, [one.reason for one in asked]
    )
    action, evidence, sentence = decide_on(facts, case.policy)
    repeated = _same_rows(batch, warehouse)
    if repeated:
        evidence, sentence = (*evidence, repeated), f"{sentence}; {repeated.sentence}"
    decision = Decision(
        case=case.name,
        batch_id=batch.id,
        action=action,
        sentence=sentence,
        evidence=evidence,
        policy=asdict(case.policy),
        decided_at=clock.now(),
        request_id=asked[-1].id if asked else None,
    )
    return warehouse.record.add_decision(decision)


def measure_facts(
    case: UseCase,
    batch: Batch,
    warehouse: Warehouse,
    registry: ModelRegistry,
    clock: Clock,
    wishes: list[str],
) -> Facts:
    trained = warehouse.record.last_trained_batch(case.name)
    total = warehouse.batches.rows_until(case.name, batch.id)
    champion = registry.alias(case.name, CHAMPION)
    facts = Facts(
        batch=batch.number,
        rows=batch.rows,
        rejected=batch.reason if batch.state is BatchState.REJECTED else None,
        has_champion=champion is not None,
        rows_total=total,
        rows_since_training=total
        - (
            warehouse.batches.rows_until(case.name, trained)
            if trained is not None
            else 0
        ),
        requests=tuple(wishes),
    )
    if champion is None:
        known = [one.id for one in warehouse.batches.of(case.name)]
        return replace(
            facts, trainable_rows=sum(warehouse.rows.count_clean(case, known).values())
        )
    if batch.state is BatchState.REJECTED or not batch.rows:
        return facts
    created = registry.version(case.name, champion).created_at
    age = (clock.now() - created).total_seconds() / 86_400
    rows = warehouse.rows.frame(
        case, [batch.id], list(Split), max_rows=case.policy.contest_rows
    )
    return _against_champion(
        case, facts, rows, registry.fetch(case.name, champion), age
    )


def _against_champion(
    case: UseCase, facts: Facts, rows: Frame, folder: Path, age_days: float
) -> Facts:
    """The batch as the champion sees it: how far it lies from what was learnt, and how well it is predicted."""
    facts = replace(facts, age_days=age_days)
    if not len(rows):
        return replace(
            facts, unmeasured="the batch has no clean rows with a known target"
        )
    release = Release.from_dict(json.loads((folder / RELEASE_FILE).read_text()))
    profile = Profile.from_dict(json.loads((folder / PROFILE_FILE).read_text()))
    moved = drift(profile, rows)
    target = moved.pop(case.contract.target, None)
    share, column = new_category_share(profile, rows)
    label, now, then = _errors(case, release, rows, OnnxModel(folder / MODEL_FILE))
    return replace(
        facts,
        drift=moved,
        target_drift=target,
        new_category_share=share,
        new_category_column=column,
        metric=label,
        error_now=now,
        error_when_trained=then,
    )


def _errors(
    case: UseCase, release: Release, rows: Frame, model: OnnxModel
) -> tuple[str, float | None, float | None]:
    """The champion's error on these rows and on its own test rows, in the measure that people of this task use."""
    rows = with_classes(rows, release.classes)
    measured = measure(case.task, rows.target, model.predict(rows))
    trained = {
        name.removeprefix("test_"): value
        for name, value in release.metrics.items()
        if name.startswith("test_")
    }
    if case.task == "classification":
        now, then = (
            None if "accuracy" not in m else 1 - m["accuracy"]
            for m in (measured, trained)
        )
        return "error rate", now, then
    label = "MAPE" if case.log_target else "MAE"
    return label, measured.get(label.lower()), trained.get(label.lower())


def _same_rows(batch: Batch, warehouse: Warehouse) -> Evidence | None:
    """A batch that holds the very rows of an earlier one is loaded, and people are told."""
    twin = warehouse.batches.twin(batch)
    if twin is None:
        return None
    return Evidence(
        name="same_rows",
        value=float(twin.number),
        sentence=f"its rows are those of batch {twin.number} again",
    )
