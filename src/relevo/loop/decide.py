"""Train or skip, on measured evidence; every decision is on record with a sentence."""

from __future__ import annotations

from dataclasses import asdict, replace

from relevo.domain.batch import Batch, BatchState
from relevo.domain.decision import BatchFindings, decide_on
from relevo.domain.evidence import Decision, Evidence, TrainingRequest
from relevo.domain.frame import Frame, with_classes
from relevo.domain.identity import Split
from relevo.domain.metrics import METRICS, headline
from relevo.domain.profile import drift, new_category_share
from relevo.domain.release import CHAMPION
from relevo.domain.use_case import UseCase
from relevo.learning.metrics import measure
from relevo.learning.onnx_model import OnnxModel
from relevo.ports.clock import Clock
from relevo.ports.registry import ModelRegistry
from relevo.ports.warehouse import Warehouse
from relevo.releases.release_folder import ReleaseFolder

DAY_SECONDS = 86_400


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
    for recorded in warehouse.record.decisions(case.name, batch.id):
        if request is None or recorded.request_id == request.id:
            return recorded
    # read before measuring: one that comes in between waits for the next decision
    requests = warehouse.record.open_requests(case.name)
    findings = replace(
        find(case, batch, warehouse, registry, clock),
        requests=tuple(each.reason for each in requests),
    )
    action, evidence, sentence = decide_on(findings, case.policy)
    if repeated := _same_rows(batch, warehouse):
        evidence = (*evidence, repeated)
        sentence = f"{sentence}; {repeated.sentence}"
    return warehouse.record.add_decision(
        Decision(
            case=case.name,
            batch_id=batch.id,
            action=action,
            sentence=sentence,
            evidence=evidence,
            policy=asdict(case.policy),
            decided_at=clock.now(),
            request_id=max((each.stored_id for each in requests), default=None),
        )
    )


def find(
    case: UseCase,
    batch: Batch,
    warehouse: Warehouse,
    registry: ModelRegistry,
    clock: Clock,
) -> BatchFindings:
    """What a decision on the batch rests on, beside what people asked for."""
    champion = registry.alias(case.name, CHAMPION)
    total = warehouse.batches.rows_until(case.name, batch.id)
    findings = BatchFindings(
        batch=batch.number,
        rows=batch.rows,
        has_champion=champion is not None,
        rows_total=total,
        rows_since_training=total - _rows_at_training(case, warehouse),
    )
    rejected = batch.state is BatchState.REJECTED
    if rejected:
        findings = replace(findings, rejected=batch.reason)
    if champion is None:
        batches = [each.id for each in warehouse.batches.of(case.name)]
        clean = warehouse.rows.count_clean(case, batches)
        return replace(findings, trainable_rows=sum(clean.values()))
    if rejected or not batch.rows:
        return findings
    age = clock.now() - registry.version(case.name, champion).created_at
    findings = replace(findings, age_days=age.total_seconds() / DAY_SECONDS)
    # of a large batch a sample says as much, in bounded memory
    limit = case.policy.contest_rows
    rows = warehouse.rows.frame(case, [batch.id], list(Split), max_rows=limit)
    if not len(rows):
        reason = "the batch has no clean rows with a known target"
        return replace(findings, unmeasured=reason)
    return _beside_champion(
        case, findings, rows, ReleaseFolder(registry.fetch(case.name, champion))
    )


def _rows_at_training(case: UseCase, warehouse: Warehouse) -> int:
    batch_id = warehouse.record.last_trained_batch(case.name)
    if batch_id is None:
        return 0
    return warehouse.batches.rows_until(case.name, batch_id)


def _beside_champion(
    case: UseCase, findings: BatchFindings, rows: Frame, folder: ReleaseFolder
) -> BatchFindings:
    """The batch as the champion sees it: how far it lies from what was learnt, and how well it is predicted."""
    release = folder.release()
    profile = folder.profile()
    moved = drift(profile, rows)
    target_drift = moved.pop(case.contract.target, None)
    share, column = new_category_share(profile, rows)
    metric = headline(case.task, case.log_target)
    if metric.before and f"{Split.TEST}_{metric.name}" not in release.metrics:
        metric = METRICS[metric.before]  # both errors of one measure
    coded = with_classes(rows, release.classes)
    answers = OnnxModel(folder.model).predict(coded)
    return replace(
        findings,
        drift=moved,
        target_drift=target_drift,
        new_category_share=share,
        new_category_column=column,
        metric=metric,
        error_now=metric.of(measure(case.task, coded.target, answers)),
        error_when_trained=metric.of(release.metrics, Split.TEST),
    )


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
