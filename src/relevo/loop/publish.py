"""Carry verdicts and orders out: the alias `champion` moves, last and in turn, and its move is on record."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from relevo.domain.evidence import Move, MoveKind, Ruling, Verdict
from relevo.domain.release import CHAMPION
from relevo.loop.hand_over import point
from relevo.loop.progress import move_of, overtaken
from relevo.ports import Aliases, Clock, ObjectStore, Record, ReloadHint

log = logging.getLogger(__name__)


def publish(
    verdict: Verdict, record: Record, registry: Aliases, artifacts: ObjectStore, hint: ReloadHint, clock: Clock
) -> Move | None:
    """Carry a verdict out. A loser keeps its registration and learns why; None is answered.

    So it is where a person has moved the alias since the verdict: that champion has not met the challenger.
    """
    why, moves = verdict.sentence, record.moves(verdict.case)
    if later := overtaken(verdict, moves):
        why = f"{why}; but since the contest a person made version {later.version} champion: {later.reason}"
    registry.tag(verdict.case, verdict.challenger, {"relevo.verdict": verdict.ruling.value, "relevo.why": why})
    if verdict.ruling is Ruling.KEEP or later:
        return None
    asked = move_of(verdict, moves)
    if asked is None:
        kind = MoveKind.PROMOTION if verdict.champion else MoveKind.FIRST
        asked = record.open_move(
            Move(
                0,
                verdict.case,
                kind,
                verdict.challenger,
                verdict.champion,
                verdict.sentence,
                verdict.id,
                clock.now(),
                None,
            )
        )
    return asked if asked.done_at else carry_out(asked, record, registry, artifacts, hint)


def carry_out(move: Move, record: Record, registry: Aliases, artifacts: ObjectStore, hint: ReloadHint) -> Move:
    """Make `move` true, once: whoever comes second finds it done, and must not put back what was moved since."""
    with record.moving(move.case):
        if record.move(move.id).done_at is None:
            point(move.case, CHAMPION, move.version, registry, artifacts)
    done = record.finish_move(move)
    registry.tag(move.case, move.version, {"relevo.champion_since": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"})
    hint(move.case)
    return done


def finish_open_moves(case: str, record: Record, registry: Aliases, artifacts: ObjectStore, hint: ReloadHint) -> None:
    """A move that was asked for and killed before its alias moved is carried out now."""
    for move in record.moves(case):
        if move.done_at is None:
            log.warning("%s: carrying out the unfinished %s of version %s", case, move.kind, move.version)
            carry_out(move, record, registry, artifacts, hint)


def rollback_target(moves: list[Move]) -> str | None:
    """The champion before the present one, as the moves tell it."""
    champions: list[str] = []
    for move in moves:
        if move.done_at is None:
            continue
        if move.kind is MoveKind.ROLLBACK and len(champions) > 1:
            champions.pop()
        else:
            champions.append(move.version)
    return champions[-2] if len(champions) > 1 else None
