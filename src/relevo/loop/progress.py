"""How far the work on a batch has come: what a chain that was killed has left to do."""

from __future__ import annotations

from relevo.domain.batch import Batch, BatchState
from relevo.domain.evidence import Action, Decision, Move, Ruling, Verdict
from relevo.ports import Warehouse


def is_finished(batch: Batch, warehouse: Warehouse) -> bool:
    """True where the batch was decided on and all its decisions were carried out."""
    if batch.state is BatchState.STOPPED:
        return False
    decisions = warehouse.decisions(batch.case, batch.id)
    return bool(decisions) and all(is_carried_out(decision, warehouse) for decision in decisions)


def is_carried_out(decision: Decision, warehouse: Warehouse) -> bool:
    if decision.action is Action.SKIP:
        return True
    verdicts = warehouse.verdicts(decision.case, decision.id)
    if not verdicts:
        return False
    if verdicts[0].ruling is Ruling.KEEP:
        return True
    moves = warehouse.moves(decision.case)
    own = move_of(verdicts[0], moves)
    return own.done_at is not None if own else overtaken(verdicts[0], moves) is not None


def move_of(verdict: Verdict, moves: list[Move]) -> Move | None:
    return next((move for move in moves if move.verdict_id == verdict.id), None)


def overtaken(verdict: Verdict, moves: list[Move]) -> Move | None:
    """The move that a person ordered after the verdict and before it was carried out."""
    if move_of(verdict, moves):
        return None
    return next(
        (move for move in reversed(moves) if move.verdict_id is None and move.asked_at > verdict.ruled_at), None
    )
