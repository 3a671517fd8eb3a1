"""Train or skip: what was measured about a batch, and what the policy makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from relevo.domain.evidence import Action, Evidence
from relevo.domain.policy import Policy, Trigger

SHARE_METRICS = (
    "MAPE",
    "error rate",
)  # fractions of one, shown as percent; any other is an amount
ALWAYS_SHOWN: tuple[Trigger, ...] = ("rows", "input_drift", "error")


@dataclass(frozen=True, slots=True)
class Facts:
    """What was measured for a batch. None where it could not be; `unmeasured` then says why. Shares are fractions."""

    batch: int
    rows: int
    has_champion: bool
    rows_total: int  # RAW rows of all batches so far
    rows_since_training: int
    rejected: str | None = None  # a person's reason
    drift: Mapping[str, float] | None = None  # PSI by feature
    target_drift: float | None = None
    metric: str = "error"
    error_now: float | None = None
    error_when_trained: float | None = None
    new_category_share: float | None = None
    new_category_column: str | None = None
    age_days: float | None = None
    requests: tuple[str, ...] = ()
    unmeasured: str = ""
    trainable_rows: int | None = (
        None  # CLEAN rows of all batches so far; None: as many as RAW, for all we know
    )

    @property
    def held_back(self) -> str | None:
        """Why this batch alone is no reason to train, however much else has changed."""
        if self.rejected is not None:
            return f"batch {self.batch} was rejected" + (
                f" ({self.rejected})" if self.rejected else ""
            )
        return None if self.rows else f"batch {self.batch} is empty"


def decide_on(facts: Facts, policy: Policy) -> tuple[Action, tuple[Evidence, ...], str]:
    """Train where any listed trigger fires; its evidence, one for each trigger in their order; a sentence.

    A trigger that fires but is not listed says "not a trigger here" and has not passed, so that the action is
    to train exactly where some evidence passed. An empty or rejected batch leaves only `first` and `person`
    to fire, and with no rows to train on nothing does.
    """
    measures = (_rows, _inputs, _target, _error, _new_categories, _age)
    measured = [
        _first(facts),
        *(measure(facts, policy) for measure in measures),
        _person(facts),
    ]
    evidence = tuple(_as_trigger(one, facts, policy) for one in measured)
    fired = [one for one in evidence if one.passed]
    if fired:
        leading = (
            fired[:1] + [one for one in fired[1:] if one.name == "person"]
            if evidence[0].passed
            else fired
        )
        return Action.TRAIN, evidence, "; ".join(one.sentence for one in leading)
    shown = [
        after.sentence
        for before, after in zip(measured, evidence, strict=True)
        if before.passed
        or (
            after.name in ALWAYS_SHOWN
            and not (facts.held_back and after.passed is None)
        )
    ]
    return (
        Action.SKIP,
        evidence,
        "; ".join(([facts.held_back] if facts.held_back else []) + shown),
    )


def percent(share: float, against: float | None = None, decimals: int = 0) -> str:
    """`45 %`; a decimal below 1 %, and as many as tell it from the limit `against` that it does not equal."""
    if not decimals and 0 < abs(share) < 0.01:
        decimals = 1
    if share > 0 and not round(100 * share, decimals):
        return f"under {10.0**-decimals:g} %"
    if against is not None and share != against:
        while decimals < 6 and round(100 * share, decimals) == round(100 * against, 9):
            decimals += 1
    return f"{round(100 * share, decimals) + 0.0:.{decimals}f} %"


def _as_trigger(one: Evidence, facts: Facts, policy: Policy) -> Evidence:
    if not one.passed:
        return one
    if one.name not in policy.triggers:
        return _muted(one, "not a trigger here")
    if not (facts.rows_total if facts.trainable_rows is None else facts.trainable_rows):
        return _muted(one, "there are no rows to train on")
    if facts.held_back and one.name not in ("first", "person"):
        return _muted(one, f"not a trigger while {facts.held_back}")
    return one


def _muted(one: Evidence, why: str) -> Evidence:
    sentence = (
        f"{one.sentence[:-1]}; {why})"
        if one.sentence.endswith(")")
        else f"{one.sentence} ({why})"
    )
    return Evidence(
        name=one.name,
        value=one.value,
        threshold=one.threshold,
        passed=False,
        sentence=sentence,
    )


def _not_measured(facts: Facts, policy: Policy) -> str:
    if facts.unmeasured:
        return facts.unmeasured
    if facts.held_back:
        return facts.held_back
    if not facts.has_champion:
        return "no champion"
    return (
        f"{facts.rows:,} rows; needs {policy.min_rows_to_measure:,}"
        if _too_few(facts, policy)
        else "unknown"
    )


def _too_few(facts: Facts, policy: Policy) -> bool:
    return facts.rows < policy.min_rows_to_measure


def _unknown(
    name: str, subject: str, threshold: float | None, facts: Facts, policy: Policy
) -> Evidence:
    return Evidence(
        name=name,
        threshold=threshold,
        sentence=f"{subject} not measured ({_not_measured(facts, policy)})",
    )


def _first(facts: Facts) -> Evidence:
    sentence = "there is a champion" if facts.has_champion else "no champion yet"
    return Evidence(name="first", passed=not facts.has_champion, sentence=sentence)


def _rows(facts: Facts, policy: Policy) -> Evidence:
    share, needs = (
        facts.rows_since_training / max(1, facts.rows_total),
        policy.new_rows_share,
    )
    sentence = f"{percent(share, needs)} of rows are new since the last training (needs {percent(needs)})"
    return Evidence(
        name="rows",
        value=share,
        threshold=needs,
        passed=share >= needs,
        sentence=sentence,
    )


def _psi(value: float, limit: float) -> str:
    return (
        f"{value:.2f}"
        if f"{value:.2f}" != f"{limit:.2f}" or value == limit
        else f"{value:.4f}"
    )


def _inputs(facts: Facts, policy: Policy) -> Evidence:
    limit = policy.input_drift
    if not facts.drift or _too_few(facts, policy):
        return _unknown("input_drift", "inputs", limit, facts, policy)
    worst, most = max(facts.drift.items(), key=lambda item: item[1])
    if most > limit:
        return Evidence(
            name="input_drift",
            value=most,
            threshold=limit,
            passed=True,
            sentence=f"inputs drifted (PSI {_psi(most, limit)}, {worst}; limit {limit:.2f})",
        )
    return Evidence(
        name="input_drift",
        value=most,
        threshold=limit,
        passed=False,
        sentence=f"inputs steady (largest PSI {_psi(most, limit)}, {worst})",
    )


def _target(facts: Facts, policy: Policy) -> Evidence:
    limit, moved = policy.target_drift, facts.target_drift
    if moved is None or _too_few(facts, policy):
        return _unknown("target_drift", "target drift", limit, facts, policy)
    if moved > limit:
        return Evidence(
            name="target_drift",
            value=moved,
            threshold=limit,
            passed=True,
            sentence=f"target drifted (PSI {_psi(moved, limit)}; limit {limit:.2f})",
        )
    return Evidence(
        name="target_drift",
        value=moved,
        threshold=limit,
        passed=False,
        sentence=f"target steady (PSI {_psi(moved, limit)})",
    )


def _error(facts: Facts, policy: Policy) -> Evidence:
    """Against the error when trained; where that was 0, the allowed rise is a share of one."""
    now, then = facts.error_now, facts.error_when_trained
    if now is None or then is None or _too_few(facts, policy):
        return _unknown("error", f"champion's {facts.metric}", None, facts, policy)
    limit = then * (1 + policy.error_rise) if then else policy.error_rise
    now_text, then_text = _amount(now, facts.metric), _amount(then, facts.metric)
    if now > limit:
        rise = f"rose to {now_text} from {then_text} when trained (limit +{percent(policy.error_rise)})"
        return Evidence(
            name="error",
            value=now,
            threshold=limit,
            passed=True,
            sentence=f"champion's {facts.metric} {rise}",
        )
    return Evidence(
        name="error",
        value=now,
        threshold=limit,
        passed=False,
        sentence=f"champion's {facts.metric} {now_text} against {then_text} when trained",
    )


def _amount(error: float, metric: str) -> str:
    if metric in SHARE_METRICS:
        return f"{100 * error:.1f} %"
    return f"{error:,.0f}" if abs(error) >= 100 else f"{error:.3g}"


def _new_categories(facts: Facts, policy: Policy) -> Evidence:
    limit, share = policy.new_category_share, facts.new_category_share
    if share is None or _too_few(facts, policy):
        return _unknown("new_categories", "new categories", limit, facts, policy)
    where = f"{facts.new_category_column}; " if facts.new_category_column else ""
    sentence = f"{percent(share, limit)} of rows hold categories never seen in training ({where}limit {percent(limit)})"
    return Evidence(
        name="new_categories",
        value=share,
        threshold=limit,
        passed=share > limit,
        sentence=sentence,
    )


def _age(facts: Facts, policy: Policy) -> Evidence:
    age, limit = facts.age_days, policy.max_age_days
    if age is None:
        return _unknown("age", "champion's age", limit, facts, policy)
    days = f"{int(age * 10) / 10:g}"
    bound = f"limit {limit:g}" if limit is not None else "no limit"
    sentence = f"champion is {days} {'day' if days == '1' else 'days'} old ({bound})"
    return Evidence(
        name="age",
        value=age,
        threshold=limit,
        passed=limit is not None and age > limit,
        sentence=sentence,
    )


def _person(facts: Facts) -> Evidence:
    asked = (
        f"asked by a person: {', '.join(facts.requests)}"
        if facts.requests
        else "no person asked"
    )
    return Evidence(
        name="person",
        value=float(len(facts.requests)),
        threshold=1.0,
        passed=bool(facts.requests),
        sentence=asked,
    )
