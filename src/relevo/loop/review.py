"""Admin actions: accept or reject a stopped batch, go on without a lost one, train again."""

from relevo.domain.batch import Batch, BatchState, Outcome
from relevo.domain.evidence import Decision
from relevo.domain.use_case import UseCase
from relevo.errors import BatchNotStopped, NothingToTrainOn
from relevo.loop.decide import decide
from relevo.loop.history import no_batch
from relevo.loop.progress import next_number
from relevo.ports.clock import Clock
from relevo.ports.registry import ModelRegistry
from relevo.ports.warehouse import Warehouse
from relevo.releases.publisher import require_reason


def judge_batch(
    case: UseCase,
    source: str,
    number: int,
    state: BatchState,
    reason: str,
    warehouse: Warehouse,
) -> Batch | None:
    """Accept or reject a stopped batch. None: the number never arrived, and is accepted as lost."""
    require_reason(reason)
    batch = warehouse.batches.find(case.name, source, number)
    if batch is None:
        due = next_number(warehouse.batches, case.name, source)
        if state is BatchState.REJECTED or number != due:
            raise no_batch(case.name, number)
        attempts = warehouse.attempts
        if not attempts.of(case.name, source, Outcome.UNANSWERED, Outcome.LANDED):
            raise BatchNotStopped(
                f"batch {number} of {case.name} has not been requested yet; nothing of it is lost"
            )
        attempts.accept_gap(case.name, source, number, reason)
        return None
    if batch.state is not BatchState.STOPPED:
        raise BatchNotStopped(
            f"batch {number} of {case.name} is {batch.state}, not stopped; there is nothing to decide"
        )
    return warehouse.batches.set_state(batch, state, reason)


def retrain(
    case: UseCase,
    reason: str,
    warehouse: Warehouse,
    registry: ModelRegistry,
    clock: Clock,
) -> tuple[Batch, Decision]:
    """A decision to train now, at the newest batch, on a person's request."""
    require_reason(reason)
    batches = warehouse.batches.of(case.name)
    if not batches:
        raise NothingToTrainOn(
            f"{case.name} has no rows yet; bring batches in first: relevo run {case.name}"
        )
    request = warehouse.record.add_request(case.name, reason)
    return batches[-1], decide(case, batches[-1], warehouse, registry, clock, request)
