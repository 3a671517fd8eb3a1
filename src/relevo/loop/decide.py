"""Train or skip, on measured evidence; every decision is on record with a sentence."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from relevo.domain.batch import Batch, BatchState
from relevo.domain.decision import Facts, decide_on
from relevo.domain.evidence import Action, Decision, Evidence
from relevo.domain.frame import Frame
from relevo.domain.identity import Side
from relevo.domain.profile import Profile, drift, new_category_share
from relevo.domain.release import CHAMPION, MODEL_FILE, PROFILE_FILE, RELEASE_FILE
from relevo.domain.use_case import UseCase
from relevo.learning.metrics import HEADLINE, measure
from relevo.learning.score import OnnxModel
from relevo.ports import Clock, ModelRegistry, Request, Warehouse


def decide(
    case: UseCase,
    batch: Batch,
    warehouse: Warehouse,
    registry: ModelRegistry,
    clock: Clock,
    request: Request | None = None,
) -> Decision:
    """The decision on a batch, or on a person's request at this batch; the one on record where there is one."""
    wanted = request.id if request else None
    for known in warehouse.decisions(case.name, batch.id):
        if request is None or known.request_id == wanted:
            return known
    asked = [request] if request else warehouse.open_requests(case.name)
    facts = measure_facts(case, batch, warehouse, registry, clock, [one.reason for one in asked])
    action, evidence, sentence = decide_on(facts, case.policy)
    repeated = _same_rows(batch, warehouse)
    if repeated:
        evidence, sentence = (*evidence, repeated), f"{sentence}; {repeated.sentence}"
    decision = Decision(
        0, case.name, batch.id, action, sentence, evidence, asdict(case.policy), clock.now(), asked[0].id if asked else None
    )
    return warehouse.record_decision(decision)


def measure_facts(
    case: UseCase, batch: Batch, warehouse: Warehouse, registry: ModelRegistry, clock: Clock, wishes: list[str]
) -> Facts:
    trained = warehouse.last_training_batch(case.name)
    total = warehouse.rows_until(case.name, batch.id)
    champion = registry.alias(case.name, CHAMPION)
    facts = Facts(
        batch=batch.number,
        rows=batch.rows,
        rejected=batch.reason if batch.state is BatchState.REJECTED else None,
        has_champion=champion is not None,
        rows_total=total,
        rows_since_training=total - (warehouse.rows_until(case.name, trained) if trained is not None else 0),
        requests=tuple(wishes),
    )
    if champion is None or batch.state is BatchState.REJECTED:
        return facts
    created = registry.version(case.name, champion).created_at
    age = (clock.now() - created).total_seconds() / 86_400
    rows = warehouse.frame(case, [batch.id], list(Side), max_rows=case.policy.contest_rows)
    return _against_champion(case, facts, rows, registry.fetch(case.name, champion), age)
