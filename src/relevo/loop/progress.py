"""How far the work on a batch has come: what a chain that was killed has left to do."""

from __future__ import annotations

from relevo.domain.batch import Batch, BatchState
from relevo.domain.evidence import Action, Decision, Ruling
from relevo.ports.warehouse import Warehouse
from relevo.releases.publisher import move_of, overtaking_move


def is_finished(batch: Batch, warehouse: Warehouse) -> bool:
    """True where the batch was decided on and all its decisions have taken effect."""
    if batch.state is BatchState.STOPPED:
        return False
    decisions = warehouse.decisions(batch.case, batch.id)
    return bool(decisions) and all(
        is_carried_out(decision, warehouse) for decision in decisions
    )


def is_carried_out(decision: Decision, warehouse: Warehouse) -> bool:
    if decision.action is Action.SKIP:
        return True
    verdicts = warehouse.verdicts(decision.case, decision.stored_id)
    if not verdicts:
        return False
    if verdicts[0].ruling is Ruling.KEEP:
        return True
    moves = warehouse.moves(decision.case)
    move = move_of(verdicts[0], moves)
    if move:
        return move.done_at is not None
    return overtaking_move(verdicts[0], moves) is not None
