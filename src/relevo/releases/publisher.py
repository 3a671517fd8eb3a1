"""Verdicts and admin actions take effect: the alias `champion` moves last, and on record."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from relevo.domain.evidence import Move, MoveKind, Ruling, Verdict
from relevo.domain.release import CHAMPION
from relevo.errors import (
    AlreadyChampion,
    FirstModelRefused,
    NothingToRollBackTo,
    ReasonMissing,
)
from relevo.ports.clock import Clock
from relevo.ports.registry import Aliases, ReloadNotifier
from relevo.ports.store import ObjectStore
from relevo.ports.warehouse import Record
from relevo.releases.stored_release import write_pointer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Moves the aliases of use cases."""

    record: Record
    registry: Aliases
    store: ObjectStore
    notify: ReloadNotifier
    clock: Clock

    def publish(self, verdict: Verdict) -> Move | None:
        """Promote a winner. None for a loser, which stays registered, tagged with the reason.

        None too where a person has moved the alias since the verdict: the challenger has not
        met that champion. A loser where there is no champion at all is `FirstModelRefused`.
        """
        moves = self.record.moves(verdict.case)
        overtaking = overtaking_move(verdict, moves)
        why = verdict.sentence
        if overtaking:
            why += (
                f"; but since the contest a person made version {overtaking.version} champion: "
                f"{overtaking.reason}"
            )
        tags = {"relevo.verdict": verdict.ruling.value, "relevo.why": why}
        self.registry.tag(verdict.case, verdict.challenger, tags)
        if verdict.ruling is Ruling.KEEP:
            require_champion(verdict, self.registry.alias(verdict.case, CHAMPION))
            return None
        if overtaking:
            return None
        move = move_of(verdict, moves) or self._open(verdict)
        if move.done_at is None:
            return self.finish(move)
        return move

    def promote(
        self, case: str, version: str, reason: str, kind: MoveKind = MoveKind.PERSON
    ) -> Move:
        """Make a registered version champion on a person's order, even while a training runs."""
        require_reason(reason)
        self.finish_open_moves(case)
        self.registry.version(case, version)
        previous = self.registry.alias(case, CHAMPION)
        if previous == version:
            raise AlreadyChampion(
                f"version {version} of {case} is the champion already"
            )
        intent = Move(
            case=case,
            kind=kind,
            version=version,
            previous=previous,
            reason=reason,
            requested_at=self.clock.now(),
        )
        return self.finish(self.record.open_move(intent))

    def roll_back(self, case: str, reason: str) -> Move:
        """Make the champion before the present one champion again."""
        self.finish_open_moves(case)
        previous = rollback_target(self.record.moves(case))
        if previous is None:
            raise NothingToRollBackTo(
                f"{case} has had no champion before the present one; there is nothing to roll back to"
            )
        return self.promote(case, previous, reason, MoveKind.ROLLBACK)

    def finish(self, move: Move) -> Move:
        """Carry `move` out, once. A second process finds it done, and undoes no later move."""
        with self.record.alias_lock(move.case):
            if self.record.move(move.stored_id).done_at is None:
                self.point(move.case, CHAMPION, move.version)
        done = self.record.finish_move(move)
        since = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        self.registry.tag(move.case, move.version, {"relevo.champion_since": since})
        self.notify(move.case)
        return done

    def finish_open_moves(self, case: str) -> None:
        """Carry out the moves that were killed between their record and their alias."""
        for move in self.record.moves(case):
            if move.done_at is None:
                log.warning(
                    "%s: finishing the %s of version %s", case, move.kind, move.version
                )
                self.finish(move)

    def point(self, case: str, alias: str, version: str) -> None:
        """Lead `alias` to a version whose files are stored; safe to repeat."""
        write_pointer(case, alias, version, self.store)
        # last: it must not lead to files that are not there
        self.registry.set_alias(case, alias, version)

    def _open(self, verdict: Verdict) -> Move:
        kind = MoveKind.PROMOTION if verdict.champion else MoveKind.FIRST
        return self.record.open_move(
            Move(
                case=verdict.case,
                kind=kind,
                version=verdict.challenger,
                previous=verdict.champion,
                reason=verdict.sentence,
                verdict_id=verdict.stored_id,
                requested_at=self.clock.now(),
            )
        )


def require_reason(reason: str) -> None:
    if not reason.strip():
        raise ReasonMissing("say why: --reason must not be empty")


def require_champion(verdict: Verdict, champion: str | None) -> None:
    """Nothing serves where the first model may not: that is no quiet end of a run."""
    if verdict.ruling is Ruling.PROMOTE or champion is not None:
        return
    case, version = verdict.case, verdict.challenger
    raise FirstModelRefused(
        f"{case} has no champion: version {version}: {verdict.sentence}; name another candidate in use_case.py, or "
        f"promote it all the same: relevo promote {case} {version} --reason …; "
        f"relevo run {case} goes on with the next batch"
    )


def rollback_target(moves: list[Move]) -> str | None:
    """The champion before the present one, by the record of moves."""
    champions: list[str] = []
    for move in moves:
        if move.done_at is None:
            continue
        if move.kind is MoveKind.ROLLBACK and len(champions) > 1:
            champions.pop()
        else:
            champions.append(move.version)
    return champions[-2] if len(champions) > 1 else None


def move_of(verdict: Verdict, moves: list[Move]) -> Move | None:
    return next((move for move in moves if move.verdict_id == verdict.id), None)


def overtaking_move(verdict: Verdict, moves: list[Move]) -> Move | None:
    """A person's move that came after the verdict and before it took effect."""
    if move_of(verdict, moves):
        return None
    return next(
        (
            move
            for move in reversed(moves)
            if move.verdict_id is None and move.requested_at > verdict.ruled_at
        ),
        None,
    )
