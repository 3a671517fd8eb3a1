"""What has happened to a use case, read from the record for people."""

from collections import defaultdict
from collections.abc import Container
from dataclasses import dataclass

from relevo.domain.batch import Attempt, Batch, Outcome
from relevo.domain.evidence import Action, Decision, Ruling, Training, Verdict
from relevo.domain.release import CHALLENGER, CHAMPION
from relevo.domain.use_case import UseCase
from relevo.errors import NotFound, StoreUnavailable
from relevo.loop.progress import is_carried_out
from relevo.loop.run_batch import BatchResult
from relevo.ports.registry import ModelRegistry
from relevo.ports.store import ObjectStore
from relevo.ports.warehouse import Record, Warehouse
from relevo.releases.stored_release import failed_candidates

DONE = {Action.TRAIN: "trained", Action.SKIP: "skipped"}
RULED = {Ruling.PROMOTE: "is champion", Ruling.KEEP: "is rejected"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasedVersion:
    """The version an alias leads to, and its training where this warehouse has it."""

    alias: str
    version: str | None
    training: Training | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStatus:
    batches: list[Batch]
    aliases: list[AliasedVersion]
    last_verdict: Verdict | None
    unanswered: int  # requests to the source whose answers may be lost


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchHistory:
    batch: Batch
    bad_cells: list[tuple[str, str, int]]  # column, reason, cells; most first
    results: list[BatchResult]
    failures: dict[str, list[str]]  # by version


def read_status(
    case: UseCase, warehouse: Warehouse, registry: ModelRegistry
) -> CaseStatus:
    batches = warehouse.batches.of(case.name)
    lost: list[Attempt] = []
    if batches:
        source = batches[-1].source
        lost = warehouse.attempts.of(case.name, source, Outcome.UNANSWERED)
    aliases = (CHAMPION, CHALLENGER)
    return CaseStatus(
        batches=batches,
        aliases=[read_alias(case, warehouse, registry, alias) for alias in aliases],
        last_verdict=next(reversed(warehouse.record.verdicts(case.name)), None),
        unanswered=len(lost),
    )


def read_alias(
    case: UseCase, warehouse: Warehouse, registry: ModelRegistry, alias: str
) -> AliasedVersion:
    version = registry.alias(case.name, alias)
    trainings = {t.version: t for t in warehouse.record.trainings(case.name)}
    return AliasedVersion(
        alias=alias, version=version, training=trainings.get(version or "")
    )


def read_history(
    case: UseCase, warehouse: Warehouse
) -> list[tuple[Batch, list[Decision]]]:
    """Each batch with what was decided on it."""
    decided: dict[int, list[Decision]] = defaultdict(list)
    for decision in warehouse.record.decisions(case.name):
        decided[decision.batch_id].append(decision)
    return [(batch, decided[batch.id]) for batch in warehouse.batches.of(case.name)]


def finished_results(
    case: UseCase, warehouse: Warehouse, reported: Container[int]
) -> list[BatchResult]:
    """Decisions that have taken effect, leaving out those with a reported id."""
    record = warehouse.record
    finished = [
        decision
        for decision in record.decisions(case.name)
        if decision.stored_id not in reported and is_carried_out(decision, record)
    ]
    if not finished:
        return []
    batches = {batch.id: batch for batch in warehouse.batches.of(case.name)}
    return [_result(batches[d.batch_id], d, record) for d in finished]


def batches_at_end(case: UseCase, source: str, warehouse: Warehouse) -> int | None:
    """How many batches there are, where the source had no more at its last request."""
    attempts = warehouse.attempts.of(case.name, source)
    if attempts and attempts[-1].outcome is Outcome.END:
        return len(warehouse.batches.of(case.name))
    return None


def _result(batch: Batch, decision: Decision, record: Record) -> BatchResult:
    trainings = record.trainings(decision.case, decision.stored_id)
    verdicts = record.verdicts(decision.case, decision.stored_id)
    return BatchResult(
        batch, decision, next(iter(trainings), None), next(iter(verdicts), None)
    )


def read_batch(
    case: UseCase, warehouse: Warehouse, artifacts: ObjectStore, number: int
) -> BatchHistory:
    """Everything on record about the newest batch of that number."""
    batches = [b for b in warehouse.batches.of(case.name) if b.number == number]
    if not batches:
        raise no_batch(case.name, number)
    batch, record = batches[-1], warehouse.record
    decisions = record.decisions(case.name, batch.id)
    results = [_result(batch, decision, record) for decision in decisions]
    trained = [result.training.version for result in results if result.training]
    return BatchHistory(
        batch=batch,
        bad_cells=warehouse.batches.bad_cell_counts(batch),
        results=results,
        failures={
            version: read_failures(case.name, version, artifacts) for version in trained
        },
    )


def no_batch(case: str, number: int) -> NotFound:
    return NotFound(
        f"{case} has no batch {number}; `relevo history {case}` lists those it has"
    )


def read_failures(case: str, version: str, artifacts: ObjectStore) -> list[str]:
    """A sentence for each candidate that raised in the version's training."""
    try:
        failed = failed_candidates(case, version, artifacts)
    except StoreUnavailable as error:
        # the rest of the record can be read without the store
        return [f"whether a candidate failed is not known: {error}"]
    return [f"{name} failed: {reason}" for name, reason in failed.items()]
