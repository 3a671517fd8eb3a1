"""What would another policy have decided over the batches already seen?

From the record alone, evidence on a champion holds only while the other policy has trained at
the same batches; after that it is unknown. With --retrain the loop runs again on a scratch
copy, from the bytes that landed.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from relevo.domain.batch import Batch
from relevo.domain.decision import new_rows
from relevo.domain.evidence import Action, Decision, Evidence
from relevo.domain.policy import Policy
from relevo.errors import FirstModelRefused, NotFound, UseCaseBroken
from relevo.loop.run_batch import BatchResult, ReportProgress, Steps, run_batch
from relevo.ports.warehouse import Warehouse

# evidence that depends on the champion, with the policy's limit on it
LIMITS = {
    "input_drift": "input_drift",
    "target_drift": "target_drift",
    "new_categories": "new_category_share",
    "age": "max_age_days",
    "error": "error_rise",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedDecision:
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


def decided_batches(case: str, warehouse: Warehouse) -> list[tuple[Batch, Decision]]:
    """Batches with what was decided on them, leaving out what people requested."""
    batches = {batch.id: batch for batch in warehouse.batches.of(case)}
    decided = [
        (batches[decision.batch_id], decision)
        for decision in warehouse.record.decisions(case)
        if decision.request_id is None
    ]
    if not decided:
        raise NotFound(
            f"{case} has no decisions to replay; run it first: relevo run {case}"
        )
    return decided


def replay(
    decided: list[tuple[Batch, Decision]], policy: Policy
) -> list[ReplayedDecision]:
    """Decide again on the recorded evidence."""
    result: list[ReplayedDecision] = []
    rows = 0
    trained_rows: int | None = 0  # None once it is unknown whether it would train
    same_champion = True
    for batch, decision in decided:
        rows += batch.rows
        new_share = None
        if trained_rows is not None:
            new_share = (rows - trained_rows) / max(1, rows)
        action, why = _decide_again(decision, policy, new_share, same_champion)
        result.append(
            ReplayedDecision(batch=batch, was=decision.action, would_be=action, why=why)
        )
        if action is None:
            trained_rows = None
        elif action is Action.TRAIN:
            trained_rows = rows
        same_champion = same_champion and action is decision.action
    return result


def _decide_again(
    decision: Decision, policy: Policy, new_share: float | None, same_champion: bool
) -> tuple[Action | None, str]:
    unknown: list[str] = []
    for evidence in decision.evidence:
        name = evidence.name
        if name not in policy.triggers:
            continue
        if name == "rows":
            if new_share is None:
                unknown.append(name)
            elif (rows := new_rows(new_share, policy)).passed:
                return Action.TRAIN, rows.sentence
        elif name in LIMITS and not same_champion:
            unknown.append(name)
        elif _calls_for_training(evidence, decision, policy):
            return Action.TRAIN, evidence.sentence
    if unknown:
        return None, f"unknown without training anew: {', '.join(unknown)} (--retrain)"
    return Action.SKIP, "nothing calls for training"


def _calls_for_training(evidence: Evidence, decision: Decision, policy: Policy) -> bool:
    if evidence.name not in LIMITS:
        return bool(evidence.passed)
    limit = getattr(policy, LIMITS[evidence.name])
    if evidence.name == "error":
        limit = evidence.threshold
    if evidence.value is None or limit is None:
        return False
    if evidence.name == "error":
        # the recorded limit has the rise in it that its own policy allowed
        rise = float(str(decision.policy["error_rise"]))
        limit = limit / (1 + rise) * (1 + policy.error_rise)
    return bool(evidence.value > limit)


def replay_trained(
    steps: Steps,
    batches: list[Batch],
    decided: list[tuple[Batch, Decision]],
    report: ReportProgress,
) -> Iterator[tuple[BatchResult | None, ReplayedDecision]]:
    """Run the steps of another policy over the same batches; no result where the first model is refused."""
    before = {batch.id: decision.action for batch, decision in decided}
    for batch in batches:
        action, why = Action.TRAIN, "no champion yet; the first model is refused"
        try:
            result = run_batch(steps, report)
        except FirstModelRefused:  # the next batch may bring one that serves
            result = None
        else:
            if result is None:
                return
            action, why = result.decision.action, result.decision.sentence
        yield (
            result,
            ReplayedDecision(
                batch=batch,
                was=before.get(batch.id, Action.SKIP),
                would_be=action,
                why=why,
            ),
        )
