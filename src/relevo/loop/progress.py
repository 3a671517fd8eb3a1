"""How far a batch has come: what a killed process has left to do."""

from relevo.domain.batch import Batch, BatchState
from relevo.domain.evidence import Action, Decision, Ruling
from relevo.ports.warehouse import BatchStore, Record
from relevo.releases.publisher import move_of, overtaking_move


def next_number(batches: BatchStore, case: str, source: str) -> int:
    """The number after that of the last batch that was loaded."""
    last = batches.last(case, source)
    return 0 if last is None else last.number + 1


def is_finished(batch: Batch, record: Record) -> bool:
    """True where the batch was decided on and all its decisions have taken effect."""
    if batch.state is BatchState.STOPPED:
        return False
    # more than one where a person has requested a training at this batch
    decisions = record.decisions(batch.case, batch.id)
    return bool(decisions) and all(
        is_carried_out(decision, record) for decision in decisions
    )


def is_carried_out(decision: Decision, record: Record) -> bool:
    if decision.action is Action.SKIP:
        return True
    verdicts = record.verdicts(decision.case, decision.stored_id)
    if not verdicts:
        return False
    verdict = verdicts[0]
    moves = record.moves(decision.case)
    if move := move_of(verdict, moves):
        return move.done_at is not None
    return verdict.ruling is Ruling.KEEP or bool(overtaking_move(verdict, moves))
