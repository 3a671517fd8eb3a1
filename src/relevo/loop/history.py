"""What has happened to a use case, read from the record for people."""

from __future__ import annotations

from dataclasses import dataclass

from relevo.domain.batch import Batch, Outcome
from relevo.domain.evidence import Decision, Training, Verdict
from relevo.domain.release import CHALLENGER, CHAMPION
from relevo.domain.use_case import UseCase
from relevo.errors import NotFound, StoreUnavailable
from relevo.loop.run_batch import BatchResult
from relevo.ports.registry import ModelRegistry
from relevo.ports.store import ObjectStore
from relevo.ports.warehouse import Warehouse
from relevo.releases.stored_release import failed_candidates


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
    # by version, a sentence for each candidate that raised in its training
    failures: dict[str, list[str]]


def read_status(
    case: UseCase, warehouse: Warehouse, registry: ModelRegistry
) -> CaseStatus:
    batches = warehouse.batches.of(case.name)
    unanswered = 0
    if batches:
        source = batches[-1].source
        lost = warehouse.attempts.of(case.name, source, Outcome.UNANSWERED)
        unanswered = len(lost)
    aliases = (CHAMPION, CHALLENGER)
    return CaseStatus(
        batches=batches,
        aliases=[read_alias(case, warehouse, registry, alias) for alias in aliases],
        last_verdict=next(reversed(warehouse.record.verdicts(case.name)), None),
        unanswered=unanswered,
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
    decided: dict[int, list[Decision]] = {}
    for decision in warehouse.record.decisions(case.name):
        decided.setdefault(decision.batch_id, []).append(decision)
    batches = warehouse.batches.of(case.name)
    return [(batch, decided.get(batch.id, [])) for batch in batches]


def read_batch(
    case: UseCase, warehouse: Warehouse, artifacts: ObjectStore, number: int
) -> BatchHistory:
    """Everything on record about the newest batch of that number."""
    numbered = {batch.number: batch for batch in warehouse.batches.of(case.name)}
    if number not in numbered:
        raise NotFound(
            f"{case.name} has no batch {number}; `relevo history {case.name}` lists those it has"
        )
    batch, record = numbered[number], warehouse.record
    results = [
        BatchResult(
            batch,
            decision,
            next(iter(record.trainings(case.name, decision.stored_id)), None),
            next(iter(record.verdicts(case.name, decision.stored_id)), None),
        )
        for decision in record.decisions(case.name, batch.id)
    ]
    trained = [result.training.version for result in results if result.training]
    return BatchHistory(
        batch=batch,
        bad_cells=warehouse.batches.bad_cell_counts(batch),
        results=results,
        failures={
            version: read_failures(case.name, version, artifacts) for version in trained
        },
    )


def read_failures(case: str, version: str, artifacts: ObjectStore) -> list[str]:
    """What the version's training says of candidates that raised; the record can be read without the store."""
    try:
        failed = failed_candidates(case, version, artifacts)
    except StoreUnavailable as error:
        return [f"whether a candidate failed is not known: {error}"]
    return [f"{name} failed: {reason}" for name, reason in failed.items()]
