"""Hand the baton over: files, pointer, alias, in this order, so that the alias points to what is in place."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

from relevo.domain.evidence import Move, MoveKind, Ruling, Verdict
from relevo.domain.release import CHAMPION, MODEL_FILE, digest_of
from relevo.ports import Clock, ModelRegistry, ObjectStore, ReloadHint, Warehouse

log = logging.getLogger(__name__)


def publish(
    verdict: Verdict,
    warehouse: Warehouse,
    registry: ModelRegistry,
    artifacts: ObjectStore,
    hint: ReloadHint,
    clock: Clock,
) -> Move | None:
    """Carry a verdict out. A loser keeps its registration and learns why; None is answered."""
    registry.tag(
        verdict.case, verdict.challenger, {"relevo.verdict": verdict.ruling.value, "relevo.why": verdict.sentence}
    )
    if verdict.ruling is Ruling.KEEP:
        return None
    moves = warehouse.moves(verdict.case)
    asked = next((move for move in moves if move.verdict_id == verdict.id), None)
    if asked is None:
        kind = MoveKind.PROMOTION if verdict.champion else MoveKind.FIRST
        asked = warehouse.open_move(
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
    return asked if asked.done_at else carry_out(asked, warehouse, registry, artifacts, hint)


def carry_out(
    move: Move, warehouse: Warehouse, registry: ModelRegistry, artifacts: ObjectStore, hint: ReloadHint
) -> Move:
    """Make `move` true; safe to repeat. The alias moves last."""
    folder = registry.fetch(move.case, move.version)
    prefix = f"releases/{move.case}/{move.version}"
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        artifacts.put(f"{prefix}/{path.relative_to(folder).as_posix()}", [path.read_bytes()])
    artifacts.put(f"releases/{move.case}/{CHAMPION}.json", [_pointer(move, folder, prefix)])
    registry.set_alias(move.case, CHAMPION, move.version)
    done = warehouse.finish_move(move)
    registry.tag(move.case, move.version, {"relevo.champion_since": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"})
    hint(move.case)
    return done


def _pointer(move: Move, folder: Path, prefix: str) -> bytes:
    model = (folder / MODEL_FILE).read_bytes()
    return json.dumps({"version": move.version, "digest": digest_of(model), "folder": prefix}).encode()


def finish_open_moves(
    case: str, warehouse: Warehouse, registry: ModelRegistry, artifacts: ObjectStore, hint: ReloadHint
) -> None:
    """A move that was asked for and killed before its alias moved is carried out now."""
    for move in warehouse.moves(case):
        if move.done_at is None:
            log.warning("%s: carrying out the unfinished %s of version %s", case, move.kind, move.version)
            carry_out(move, warehouse, registry, artifacts, hint)


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
