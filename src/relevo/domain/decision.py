"""Train or skip: what was measured about a batch, and what the policy makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from relevo.domain.evidence import Action, Evidence
from relevo.domain.metrics import MAE, Metric
from relevo.domain.policy import Policy, Trigger
from relevo.domain.wording import beside_limit, days, percent

ALWAYS_SHOWN: tuple[Trigger, ...] = ("rows", "input_drift", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFindings:
    """What was measured for a batch. None where it could not be; `unmeasured` then says why. Shares are fractions."""

    batch: int
    rows: int
    has_champion: bool
    rows_total: int  # RAW rows of all batches so far
    rows_since_training: int
    rejected: str | None = None  # a person's reason
    drift: Mapping[str, float] | None = None  # PSI by feature
    target_drift: float | None = None
    metric: Metric = MAE
    error_now: float | None = None
    error_when_trained: float | None = None
    new_category_share: float | None = None
    new_category_column: str | None = None
    age_days: float | None = None
    requests: tuple[str, ...] = ()
    unmeasured: str = ""
    trainable_rows: int | None = None  # CLEAN rows; None: all RAW ones, for all we know

    @property
    def held_back(self) -> str | None:
        """Why this batch alone is no reason to train, however much else has changed."""
        if self.rejected:
            return f"batch {self.batch} was rejected ({self.rejected})"
        if self.rejected is not None:
            return f"batch {self.batch} was rejected"
        if not self.rows:
            return f"batch {self.batch} is empty"
        return None

    @property
    def has_rows_to_train_on(self) -> bool:
        if self.trainable_rows is None:
            return self.rows_total > 0
        return self.trainable_rows > 0

    def too_few(self, policy: Policy) -> bool:
        return self.rows < policy.min_rows_to_measure

    def unknown(
        self, name: Trigger, subject: str, policy: Policy, limit: float | None = None
    ) -> Evidence:
        sentence = f"{subject} not measured ({self._why_unknown(policy)})"
        return Evidence(name=name, threshold=limit, sentence=sentence)

    def _why_unknown(self, policy: Policy) -> str:
        reason = self.unmeasured or self.held_back
        if reason:
            return reason
        if not self.has_champion:
            return "no champion"
        if self.too_few(policy):
            return f"{self.rows:,} rows; needs {policy.min_rows_to_measure:,}"
        return "unknown"


def decide_on(
    findings: BatchFindings, policy: Policy
) -> tuple[Action, tuple[Evidence, ...], str]:
    """Train where any listed trigger fires; its evidence, one for each trigger in their order; a sentence.

    A trigger that fires but is not listed says "not a trigger here" and has not passed, so that the action is
    to train exactly where some evidence passed. An empty or rejected batch leaves only `first` and `person`
    to fire, and with no rows to train on nothing does.
    """
    measured = [measure(findings, policy) for measure in MEASURES]
    evidence = tuple(_as_trigger(fact, findings, policy) for fact in measured)
    fired = [fact for fact in evidence if fact.passed]
    if evidence[0].passed:  # without a champion, only a person's reason adds something
        fired = [fact for fact in fired if fact.name in ("first", "person")]
    if fired:
        return Action.TRAIN, evidence, "; ".join(fact.sentence for fact in fired)
    sentences = [
        after.sentence
        for before, after in zip(measured, evidence, strict=True)
        if before.passed or _always_shown(after, findings)
    ]
    if findings.held_back:
        sentences.insert(0, findings.held_back)
    return Action.SKIP, evidence, "; ".join(sentences)


def _always_shown(fact: Evidence, findings: BatchFindings) -> bool:
    repeats = findings.held_back and fact.passed is None
    return fact.name in ALWAYS_SHOWN and not repeats


def _as_trigger(fact: Evidence, findings: BatchFindings, policy: Policy) -> Evidence:
    if not fact.passed:
        return fact
    if fact.name not in policy.triggers:
        return _muted(fact, "not a trigger here")
    if not findings.has_rows_to_train_on:
        return _muted(fact, "there are no rows to train on")
    if findings.held_back and fact.name not in ("first", "person"):
        return _muted(fact, f"not a trigger while {findings.held_back}")
    return fact


def _muted(fact: Evidence, reason: str) -> Evidence:
    sentence = f"{fact.sentence} ({reason})"
    if fact.sentence.endswith(")"):
        sentence = f"{fact.sentence[:-1]}; {reason})"
    return replace(fact, passed=False, sentence=sentence)


def _first(findings: BatchFindings, policy: Policy) -> Evidence:  # noqa: ARG001
    if findings.has_champion:
        return Evidence(name="first", passed=False, sentence="there is a champion")
    return Evidence(name="first", passed=True, sentence="no champion yet")


def _rows(findings: BatchFindings, policy: Policy) -> Evidence:
    share = findings.rows_since_training / max(1, findings.rows_total)
    return new_rows(share, policy)


def new_rows(share: float, policy: Policy) -> Evidence:
    needs = policy.new_rows_share
    return Evidence(
        name="rows",
        value=share,
        threshold=needs,
        passed=share >= needs,
        sentence=f"{percent(share, needs)} of rows are new since the last training (needs {percent(needs)})",
    )


def _inputs(findings: BatchFindings, policy: Policy) -> Evidence:
    limit = policy.input_drift
    if not findings.drift or findings.too_few(policy):
        return findings.unknown("input_drift", "inputs", policy, limit)
    column, value = max(findings.drift.items(), key=lambda item: item[1])
    size = f"PSI {beside_limit(value, limit)}, {column}"
    sentence = f"inputs steady (largest {size})"
    if value > limit:
        sentence = f"inputs drifted ({size}; limit {limit:.2f})"
    return _above(limit, "input_drift", value, sentence)


def _target(findings: BatchFindings, policy: Policy) -> Evidence:
    limit, value = policy.target_drift, findings.target_drift
    if value is None or findings.too_few(policy):
        return findings.unknown("target_drift", "target drift", policy, limit)
    size = f"PSI {beside_limit(value, limit)}"
    sentence = f"target steady ({size})"
    if value > limit:
        sentence = f"target drifted ({size}; limit {limit:.2f})"
    return _above(limit, "target_drift", value, sentence)


def _error(findings: BatchFindings, policy: Policy) -> Evidence:
    """Against the error when trained; where that was 0, the allowed rise is a share of one."""
    metric, rise = findings.metric, policy.error_rise
    now, trained = findings.error_now, findings.error_when_trained
    if now is None or trained is None or findings.too_few(policy):
        return findings.unknown("error", f"champion's {metric.short}", policy)
    limit = trained * (1 + rise) or rise
    errors = f"{metric.text(now)} against {metric.text(trained)} when trained"
    if now > limit:
        errors = f"rose to {metric.text(now)} from {metric.text(trained)} when trained (limit +{percent(rise)})"
    return _above(limit, "error", now, f"champion's {metric.short} {errors}")


def _new_categories(findings: BatchFindings, policy: Policy) -> Evidence:
    limit, share = policy.new_category_share, findings.new_category_share
    if share is None or findings.too_few(policy):
        return findings.unknown("new_categories", "new categories", policy, limit)
    details = f"limit {percent(limit)}"
    if findings.new_category_column:
        details = f"{findings.new_category_column}; {details}"
    sentence = f"{percent(share, limit)} of rows hold categories never seen in training ({details})"
    return _above(limit, "new_categories", share, sentence)


def _age(findings: BatchFindings, policy: Policy) -> Evidence:
    age, limit = findings.age_days, policy.max_age_days
    if age is None:
        return findings.unknown("age", "champion's age", policy, limit)
    sentence = f"champion is {days(age)} old"
    if limit is None:
        sentence = f"{sentence} (no limit)"
        return Evidence(name="age", value=age, passed=False, sentence=sentence)
    return _above(limit, "age", age, f"{sentence} (limit {limit:g})")


def _person(findings: BatchFindings, policy: Policy) -> Evidence:  # noqa: ARG001
    sentence = "no person asked"
    if findings.requests:
        sentence = f"asked by a person: {', '.join(findings.requests)}"
    return Evidence(
        name="person",
        value=float(len(findings.requests)),
        threshold=1.0,
        passed=bool(findings.requests),
        sentence=sentence,
    )


def _above(limit: float, name: Trigger, value: float, sentence: str) -> Evidence:
    return Evidence(
        name=name, value=value, threshold=limit, passed=value > limit, sentence=sentence
    )


MEASURES = (  # in the order of `ALL_TRIGGERS`
    _first,
    _rows,
    _inputs,
    _target,
    _error,
    _new_categories,
    _age,
    _person,
)
