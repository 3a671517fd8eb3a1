"""What would another policy have decided over the batches already seen?

From the record alone, evidence that hangs on a champion is only known while the other policy has trained at the same
batches; after that it is unknown. Trained anew, the loop runs again on a scratch copy, fed with the bytes that landed.
"""

from __future__ import annotations

import tempfile
import tomllib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from relevo.domain.batch import Batch
from relevo.domain.evidence import Action, Decision
from relevo.domain.policy import Policy
from relevo.errors import NotFound, UseCaseBroken

if TYPE_CHECKING:
    from relevo.app import Loop

OF_CHAMPION = ("input_drift", "target_drift", "error", "new_categories", "age")
LIMITS = {
    "input_drift": "input_drift",
    "target_drift": "target_drift",
    "new_categories": "new_category_share",
    "age": "max_age_days",
}


@dataclass(frozen=True, slots=True)
class Replayed:
    batch: Batch
    was: Action
    would_be: Action | None  # None: unknown
    why: str


def read_policy(case_policy: Policy, path: Path) -> Policy:
    """The case's policy with what the TOML file sets."""
    try:
        values = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UseCaseBroken(
            f"{path}: not TOML: {error}; write lines such as new_rows_share = 0.3"
        ) from error
    return Policy.of({**asdict(case_policy), **values})


def replay(decided: list[tuple[Batch, Decision]], policy: Policy) -> list[Replayed]:
    """Decide again on the recorded evidence."""
    result: list[Replayed] = []
    rows_before_training: int | None = 0
    rows, same_so_far = 0, True
    for batch, decision in decided:
        rows += batch.rows
        share = (
            None
            if rows_before_training is None
            else (rows - rows_before_training) / max(1, rows)
        )
        would, why = _decide_again(decision, policy, share, same_so_far)
        result.append(Replayed(batch, decision.action, would, why))
        if would is None:
            rows_before_training = None  # whether it trained here is not known, so what is new since is not either
        elif would is Action.TRAIN:
            rows_before_training = rows
        same_so_far = same_so_far and would is decision.action
    return result


def _decide_again(
    decision: Decision, policy: Policy, share: float | None, same: bool
) -> tuple[Action | None, str]:
    unknown: list[str] = []
    for one in decision.evidence:
        if one.name not in policy.triggers:
            continue
        if one.name == "rows":
            if share is None:
                unknown.append("rows")
            elif share >= policy.new_rows_share:
                return (
                    Action.TRAIN,
                    f"{share:.0%} of rows are new since the last training (needs {policy.new_rows_share:.0%})",
                )
        elif one.name in OF_CHAMPION:
            if not same:
                unknown.append(one.name)
            elif _passes(one.name, one.value, one.threshold, decision, policy):
                return Action.TRAIN, one.sentence
        elif one.passed:
            return Action.TRAIN, one.sentence
    if unknown:
        return None, f"unknown without training anew: {', '.join(unknown)} (--retrain)"
    return Action.SKIP, "nothing calls for training"


def _passes(
    name: str,
    value: float | None,
    threshold: float | None,
    decision: Decision,
    policy: Policy,
) -> bool:
    if value is None:
        return False
    if name == "error":
        rise = float(str(decision.policy["error_rise"]))
        return threshold is not None and value > threshold / (1 + rise) * (
            1 + policy.error_rise
        )
    limit = getattr(policy, LIMITS[name])
    return limit is not None and value > limit


def replay_recorded(console: Console, loop: Loop, path: Path) -> None:
    policy = read_policy(loop.case.policy, path)
    batches = {batch.id: batch for batch in loop.warehouse.batches.of(loop.case.name)}
    decided = [
        (batches[d.batch_id], d)
        for d in loop.warehouse.record.decisions(loop.case.name)
        if d.request_id is None
    ]
    if not decided:
        raise NotFound(
            f"{loop.case.name} has no decisions to replay; run it first: relevo run {loop.case.name}"
        )
    _show(console, replay(decided, policy), path)


def replay_trained(console: Console, loop: Loop, path: Path) -> None:
    """Run the loop again from the landed bytes, in a scratch folder that is gone afterwards."""
    from relevo.adapters.landed_source import LandedSource
    from relevo.app import Loop as LoopOf
    from relevo.cli.show import Working

    policy = read_policy(loop.case.policy, path)
    batches = loop.warehouse.batches.of(loop.case.name, loop.source.name)
    was = {
        d.batch_id: d.action
        for d in loop.warehouse.record.decisions(loop.case.name)
        if d.request_id is None
    }
    result: list[Replayed] = []
    with tempfile.TemporaryDirectory(prefix="relevo-replay-") as scratch:
        settings = loop.settings.model_copy(
            update={
                "home": Path(scratch),
                "warehouse_url": "",
                "tracking_uri": "",
                "landing_store": "",
                "artifacts_store": "",
                "reload_urls": (),
            }
        )
        again = LoopOf(replace(loop.case, policy=policy), settings)
        again.source = LandedSource(batches, loop.landing)
        for missing in set(range(max(b.number for b in batches))) - {
            b.number for b in batches
        }:
            again.warehouse.attempts.accept_gap(
                again.case.name,
                again.source.name,
                missing,
                "given up when it was first run",
            )
        with (
            again.working("replay"),
            Working(console, f"{loop.case.name} (replay)", len(batches)) as working,
        ):
            for batch in batches:
                worked = again.run_batch(working.step)
                if worked is None:
                    break
                working.finished(worked)
                before = was.get(batch.id, Action.SKIP)
                result.append(
                    Replayed(
                        batch, before, worked.decision.action, worked.decision.sentence
                    )
                )
    _show(console, result, path)


def _show(console: Console, replayed: list[Replayed], path: Path) -> None:
    table = Table("batch", "rows", "was", "would be", "why", box=None, pad_edge=False)
    for one in replayed:
        would = str(one.would_be) if one.would_be else "unknown"
        marked = (
            would if one.would_be is one.was else f"[bold yellow]{would}[/bold yellow]"
        )
        table.add_row(
            str(one.batch.number), f"{one.batch.rows:,}", str(one.was), marked, one.why
        )
    console.print(table)
    trained = sum(one.would_be is Action.TRAIN for one in replayed)
    was = sum(one.was is Action.TRAIN for one in replayed)
    console.print(
        f"with {path.name}: {trained} trainings for sure, instead of {was}",
        highlight=False,
    )
