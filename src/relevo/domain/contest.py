"""The promotion contest: a challenger wins by more than chance and by enough, and breaks no guard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relevo.domain.evidence import Evidence, Ruling
from relevo.domain.frame import Float64s
from relevo.domain.metrics import RMSE
from relevo.domain.paired import paired_test, spent_alpha
from relevo.domain.policy import Policy
from relevo.domain.slices import NEWEST, Mask
from relevo.domain.wording import amount, confidence, percent

SLICE_ERROR = 0.05  # of a contest's guards raising a false alarm on any slice
SLICE_RESAMPLES = 400  # of many slices, each needs only its 5 % bound


class Judgement(NamedTuple):
    ruling: Ruling
    evidence: tuple[Evidence, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Match:
    """Both models' losses on the same holdout rows; `slices` are masks over these rows. No RMSE: not guarded."""

    champion_losses: Float64s
    challenger_losses: Float64s
    identity: NDArray[np.int64]
    _: KW_ONLY
    slices: Mapping[str, Mask] = field(default_factory=dict)
    champion_rmse: float | None = None
    challenger_rmse: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitness:
    """Whether the challenger's file can serve. `onnx_gap`: as `relevo.loop.train.onnx_gap` measures it."""

    onnx_gap: float
    size_mb: float
    scoring_time_ratio: float | None = None  # over the champion's; None: not guarded


def judge(
    match: Match, fitness: Fitness, policy: Policy, contest_number: int
) -> Judgement:
    """Promote where the challenger wins by more than chance and by the minimum effect, and every guard holds.

    It is the lower bound of its gain that must reach the minimum effect: one number that says both, and that
    spends the error probability on "better by enough" rather than on "better at all". A guard that could not
    be measured (passed None) stops nothing. Rows on which the champion has no finite loss count as a draw.
    """
    if unusable := int(np.count_nonzero(~np.isfinite(match.challenger_losses))):
        return _not_usable(unusable, len(match.challenger_losses))
    answered = np.isfinite(match.champion_losses)
    losses = np.where(answered, match.champion_losses, match.challenger_losses)
    match = replace(match, champion_losses=losses)
    win = _win(match, policy, spent_alpha(policy.error_probability, contest_number))
    guards = (
        *_slice_guards(match, policy),
        *_rmse_guard(match, policy),
        _size_guard(fitness, policy),
        _time_guard(fitness, policy),
        onnx_guard(fitness, policy),
    )
    return _ruled(win, guards, joined_by=", but it " if win.passed else "; it ")


def first_model(fitness: Fitness, policy: Policy) -> Judgement:
    """Without a champion the first model is promoted, unless its ONNX form is not the model that was trained."""
    onnx = onnx_guard(fitness, policy)
    if onnx.passed:
        return Judgement(Ruling.PROMOTE, (onnx,), "first model")
    sentence = f"first model refused: it {_faults([onnx])}"
    return Judgement(Ruling.KEEP, (onnx,), sentence)


def classic(
    champion_rmse: float, challenger_rmse: float, guards: tuple[Evidence, ...] = ()
) -> Judgement:
    """Better or equal RMSE promotes. `guards` are what must hold all the same, such as `onnx_guard`."""
    relation = "is not better than"
    if challenger_rmse == champion_rmse:
        relation = "equals"
    elif challenger_rmse < champion_rmse:
        relation = "is better than"
    win = Evidence(
        name=RMSE.name,
        value=challenger_rmse,
        threshold=champion_rmse,
        passed=challenger_rmse <= champion_rmse,
        sentence=f"challenger's {RMSE.short} {amount(challenger_rmse)} {relation} the champion's {amount(champion_rmse)}",
    )
    return _ruled(win, guards, joined_by=", but it ")


def onnx_guard(fitness: Fitness, policy: Policy) -> Evidence:
    gap, limit = fitness.onnx_gap, policy.onnx_tolerance
    difference = f"differs between its ONNX and native forms by {gap:.2g}"
    return _guard("onnx", gap, limit, f"{difference} (limit {limit:g})")


def _not_usable(unusable: int, rows: int) -> Judgement:
    sentence = (
        f"challenger has no usable prediction on {unusable:,} of {rows:,} holdout rows"
    )
    evidence = Evidence(
        name="usable",
        value=float(unusable),
        threshold=0.0,
        passed=False,
        sentence=sentence,
    )
    return Judgement(Ruling.KEEP, (evidence,), sentence)


def _ruled(win: Evidence, guards: tuple[Evidence, ...], joined_by: str) -> Judgement:
    evidence = (win, *guards)
    if faults := _faults(guards):
        return Judgement(Ruling.KEEP, evidence, win.sentence + joined_by + faults)
    if win.passed:
        return Judgement(Ruling.PROMOTE, evidence, win.sentence)
    return Judgement(Ruling.KEEP, evidence, win.sentence)


def _faults(guards: Iterable[Evidence]) -> str:
    """What the broken guards say; one that could not be measured is not broken."""
    broken = [guard.sentence for guard in guards if guard.passed is False]
    return " and ".join(sentence.removeprefix("challenger ") for sentence in broken)


def _win(match: Match, policy: Policy, alpha: float) -> Evidence:
    tested = paired_test(
        match.champion_losses,
        match.challenger_losses,
        match.identity,
        alpha,
        policy.seed,
    )
    gain, bound, needs = tested.gain, tested.lower_bound, policy.min_effect
    won = bound > 0 and bound >= needs
    rows = f"on {tested.rows:,} holdout rows"
    surely = f"with {confidence(alpha)} confidence"
    lower = f"{percent(gain, decimals=1)} lower {rows}"
    at_least = f"(at least {percent(bound, needs, 1)} {surely}; needs {percent(needs)})"
    if gain == 0:
        finding = (
            f"the same as the champion's {rows} (needs to be {percent(needs)} lower)"
        )
    elif gain < 0:
        higher = percent(-gain, decimals=1)
        finding = f"{higher} higher {rows} (needs to be {percent(needs)} lower)"
    elif bound <= 0:
        chance = f"it may be {percent(-bound, decimals=1)} higher {surely}"
        finding = f"{lower}, which chance explains ({chance}; needs {percent(needs)})"
    elif won:
        finding = f"{lower} {at_least}"
    else:
        finding = f"{lower}, not surely enough {at_least}"
    return Evidence(
        name="win",
        value=bound,
        threshold=needs,
        passed=won,
        sentence=f"challenger's error is {finding}",
    )


def _slice_guards(match: Match, policy: Policy) -> list[Evidence]:
    """A slice is broken where its mean loss rises by more than the limit and, surely, at all.

    Without the second a hundred noisy rows would block a real improvement; the 5 % chance of a false alarm is
    shared by the slices that are looked at, so forty slices raise no more of them than one.
    """
    large = [
        label
        for label, mask in match.slices.items()
        if mask.sum() >= policy.min_slice_rows
    ]
    alpha = SLICE_ERROR / max(1, len(large))
    guards = [_slice_guard(label, match, policy, alpha) for label in large]
    if NEWEST in match.slices and NEWEST not in large:
        rows = match.slices[NEWEST].sum()
        few = f"{NEWEST} has {rows:,} holdout rows; needs {policy.min_slice_rows:,} to be judged"
        guards.append(
            Evidence(name=f"slice: {NEWEST}", threshold=policy.slice_rise, sentence=few)
        )
    return guards


def _slice_guard(label: str, match: Match, policy: Policy, alpha: float) -> Evidence:
    mask, limit = match.slices[label], policy.slice_rise
    new, old = match.challenger_losses[mask], match.champion_losses[mask]
    # a champion without any loss on the slice has no share to rise by: then of its loss on all rows
    unit = float(old.mean()) or float(match.champion_losses.mean()) or 1.0
    rise = float(new.mean() - old.mean()) / unit
    swapped = paired_test(
        new, old, match.identity[mask], alpha, policy.seed, SLICE_RESAMPLES
    )
    surely = swapped.lower_bound > 0
    change = f"as good for {label}"
    if rise > 0:
        change = f"{percent(rise, limit)} worse for {label}"
    elif rise < 0:
        change = f"{percent(-rise, limit)} better for {label}"
    if rise > limit and not surely:
        change += ", which chance explains"
    return Evidence(
        name=f"slice: {label}",
        value=rise,
        threshold=limit,
        passed=not (rise > limit and surely),
        sentence=f"challenger is {change} (limit {percent(limit)})",
    )


def _rmse_guard(match: Match, policy: Policy) -> list[Evidence]:
    champion, challenger = match.champion_rmse, match.challenger_rmse
    if champion is None or challenger is None:
        return []
    both = f"{amount(challenger)} against {amount(champion)}"
    sentence = f"has {RMSE.short} {both} (limit +{percent(policy.rmse_rise)})"
    limit = champion * (1 + policy.rmse_rise)
    return [_guard(RMSE.name, challenger, limit, sentence)]


def _size_guard(fitness: Fitness, policy: Policy) -> Evidence:
    size, limit = fitness.size_mb, policy.max_size_mb
    return _guard("size", size, limit, f"weighs {size:.1f} MB (limit {limit:g} MB)")


def _time_guard(fitness: Fitness, policy: Policy) -> Evidence:
    ratio, limit = fitness.scoring_time_ratio, policy.scoring_time_ratio
    if ratio is None:
        return Evidence(
            name="time", threshold=limit, sentence="scoring time not measured"
        )
    sentence = f"takes {ratio:.1f} times as long to score (limit {limit:g})"
    return _guard("time", ratio, limit, sentence)


def _guard(name: str, value: float, limit: float, sentence: str) -> Evidence:
    return Evidence(
        name=name,
        value=value,
        threshold=limit,
        passed=value <= limit,
        sentence=f"challenger {sentence}",
    )
