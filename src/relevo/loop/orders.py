"""What a person may order. Each order needs a reason and leaves a record."""

from __future__ import annotations

from relevo.domain.batch import Batch, BatchState, Outcome
from relevo.domain.evidence import Decision, Move, MoveKind
from relevo.domain.release import CHAMPION
from relevo.domain.use_case import UseCase
from relevo.errors import NotFound, OrderRefused
from relevo.loop.decide import decide
from relevo.loop.publish import carry_out, finish_open_moves, rollback_target
from relevo.ports import Aliases, Clock, ModelRegistry, ObjectStore, Record, ReloadHint, Warehouse


def judge_batch(
    case: UseCase, source: str, number: int, state: BatchState, reason: str, warehouse: Warehouse
) -> Batch | None:
    """Accept or reject a stopped batch; accepting a number that never arrived gives a lost batch up (None)."""
    _needs(reason)
    batch = warehouse.find_batch(case.name, source, number)
    if batch is not None:
        if batch.state is not BatchState.STOPPED:
            raise OrderRefused(
                f"batch {number} of {case.name} is {batch.state}, not stopped; there is nothing to decide"
            )
        return warehouse.set_batch_state(batch, state, reason)
    due = _first_missing(case.name, source, warehouse)
    if state is BatchState.REJECTED or number != due:
        raise NotFound(f"{case.name} has no batch {number}; `relevo history {case.name}` lists those it has")
    if not warehouse.attempts(case.name, source, Outcome.UNANSWERED, Outcome.LANDED):
        raise OrderRefused(f"batch {number} of {case.name} has not been asked for yet; nothing of it is lost")
    warehouse.accept_gap(case.name, source, number, reason)
    return None


def _first_missing(case: str, source: str, warehouse: Warehouse) -> int:
    last = warehouse.last_batch(case, source)
    return 0 if last is None else last.number + 1


def promote(
    case: str,
    version: str,
    reason: str,
    record: Record,
    registry: Aliases,
    artifacts: ObjectStore,
    hint: ReloadHint,
    clock: Clock,
    kind: MoveKind = MoveKind.PERSON,
) -> Move:
    """Make a registered version champion because a person says so; a training that runs need not be waited for."""
    _needs(reason)
    finish_open_moves(case, record, registry, artifacts, hint)
    registry.version(case, version)
    previous = registry.alias(case, CHAMPION)
    if previous == version:
        raise OrderRefused(f"version {version} of {case} is the champion already")
    move = record.open_move(Move(0, case, kind, version, previous, reason, None, clock.now(), None))
    return carry_out(move, record, registry, artifacts, hint)


def rollback(
    case: str,
    reason: str,
    record: Record,
    registry: Aliases,
    artifacts: ObjectStore,
    hint: ReloadHint,
    clock: Clock,
) -> Move:
    """Hand the baton back to the champion before this one."""
    finish_open_moves(case, record, registry, artifacts, hint)
    target = rollback_target(record.moves(case))
    if target is None:
        raise OrderRefused(f"{case} has had no champion before the present one; there is nothing to roll back to")
    return promote(case, target, reason, record, registry, artifacts, hint, clock, MoveKind.ROLLBACK)


def retrain(
    case: UseCase, reason: str, warehouse: Warehouse, registry: ModelRegistry, clock: Clock
) -> tuple[Batch, Decision]:
    """A decision to train now, at the newest batch, because a person says so."""
    _needs(reason)
    batches = warehouse.batches(case.name)
    if not batches:
        raise OrderRefused(f"{case.name} has no rows yet; bring batches in first: relevo run {case.name}")
    request = warehouse.add_request(case.name, reason)
    return batches[-1], decide(case, batches[-1], warehouse, registry, clock, request)


def _needs(reason: str) -> None:
    if not reason.strip():
        raise OrderRefused("say why: --reason must not be empty")
