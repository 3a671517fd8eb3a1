"""The promotion contest: a challenger wins by more than chance and by enough, and breaks no guard."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relevo.domain.decision import percent
from relevo.domain.evidence import Evidence, Ruling
from relevo.domain.paired import Losses, paired_test, spent_alpha
from relevo.domain.policy import Policy
from relevo.domain.slices import NEWEST, Mask, short

SLICE_ERROR = 0.05  # of a contest's guards raising a false alarm on any slice


class Judgement(NamedTuple):
    ruling: Ruling
    evidence: tuple[Evidence, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Match:
    """Both models' losses on the same holdout rows; `slices` are masks over these rows. No RMSE: not guarded."""

    champion_losses: Losses
    challenger_losses: Losses
    identity: NDArray[np.int64]
    slices: Mapping[str, Mask] = field(default_factory=dict)
    champion_rmse: float | None = None
    challenger_rmse: float | None = None


@dataclass(frozen=True, slots=True)
class Fitness:
    """Whether the challenger's file can serve. `onnx_gap`: largest relative difference from the native model."""

    onnx_gap: float
    size_mb: float
    scoring_time_ratio: float | None = (
        None  # challenger's over champion's; None: not measured, not guarded
    )


def judge(
    match: Match, fitness: Fitness, policy: Policy, contest_number: int
) -> Judgement:
    """Promote where the challenger wins by more than chance and by the minimum effect, and every guard holds.

    It is the lower bound of its gain that must reach the minimum effect: one number that says both, and that
    spends the error probability on "better by enough" rather than on "better at all". A guard that could not
    be measured (passed None) stops nothing. Rows on which the champion has no finite loss count as a draw.
    """
    if unusable := int(np.count_nonzero(~np.isfinite(match.challenger_losses))):
        rows = len(match.challenger_losses)
        sentence = f"challenger has no usable prediction on {unusable:,} of {rows:,} holdout rows"
        return Judgement(
            Ruling.KEEP,
            (
                Evidence(
                    name="usable",
                    value=float(unusable),
                    threshold=0.0,
                    passed=False,
                    sentence=sentence,
                ),
            ),
            sentence,
        )
    usable = np.where(
        np.isfinite(match.champion_losses),
        match.champion_losses,
        match.challenger_losses,
    )
    match = replace(match, champion_losses=usable)
    win = _win(match, policy, spent_alpha(policy.error_probability, contest_number))
    guards = (
        *_slice_guards(match, policy),
        *_rmse_guard(match, policy),
        *_fitness_guards(fitness, policy),
    )
    broken = [
        guard.sentence.removeprefix("challenger ")
        for guard in guards
        if guard.passed is False
    ]
    faults = (
        (
            f", but it {' and '.join(broken)}"
            if win.passed
            else f"; it {' and '.join(broken)}"
        )
        if broken
        else ""
    )
    ruling = Ruling.PROMOTE if win.passed and not broken else Ruling.KEEP
    return Judgement(ruling, (win, *guards), win.sentence + faults)


def first_model(fitness: Fitness, policy: Policy) -> Judgement:
    """Without a champion the first model is promoted, unless its ONNX form is not the model that was trained."""
    onnx = onnx_guard(fitness, policy)
    if onnx.passed:
        return Judgement(Ruling.PROMOTE, (onnx,), "first model")
    return Judgement(
        Ruling.KEEP,
        (onnx,),
        f"first model refused: it {onnx.sentence.removeprefix('challenger ')}",
    )


def classic(
    champion_rmse: float, challenger_rmse: float, guards: tuple[Evidence, ...] = ()
) -> Judgement:
    """Better or equal RMSE promotes. `guards` are what must hold all the same, such as `onnx_guard`."""
    won = challenger_rmse <= champion_rmse
    word = (
        "equals"
        if challenger_rmse == champion_rmse
        else "is better than"
        if won
        else "is not better than"
    )
    sentence = f"challenger's RMSE {short(challenger_rmse)} {word} the champion's {short(champion_rmse)}"
    broken = [
        guard.sentence.removeprefix("challenger ")
        for guard in guards
        if guard.passed is False
    ]
    faults = f", but it {' and '.join(broken)}" if broken else ""
    evidence = (
        Evidence(
            name="rmse",
            value=challenger_rmse,
            threshold=champion_rmse,
            passed=won,
            sentence=sentence,
        ),
        *guards,
    )
    return Judgement(
        Ruling.PROMOTE if won and not broken else Ruling.KEEP,
        evidence,
        sentence + faults,
    )


def onnx_guard(fitness: Fitness, policy: Policy) -> Evidence:
    gap, limit = fitness.onnx_gap, policy.onnx_tolerance
    said = f"challenger differs between its ONNX and native forms by {gap:.2g} (limit {limit:g})"
    return Evidence(
        name="onnx", value=gap, threshold=limit, passed=gap <= limit, sentence=said
    )


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
    where = f"on {tested.rows:,} holdout rows"
    sure = f"with {100 * (1 - alpha):.{max(1, math.ceil(-math.log10(100 * alpha)))}f} % confidence"
    at_least = f"(at least {percent(bound, needs, 1)} {sure}; needs {percent(needs)})"
    if gain <= 0:
        size = (
            f"{percent(-gain, decimals=1)} higher {where}"
            if gain
            else f"the same as the champion's {where}"
        )
        said = f"{size} (needs to be {percent(needs)} lower)"
    elif bound <= 0:
        chance = f"it may be {percent(-bound, decimals=1)} higher {sure}"
        said = f"{percent(gain, decimals=1)} lower {where}, which chance explains ({chance}; needs {percent(needs)})"
    else:
        said = f"{percent(gain, decimals=1)} lower {where}{'' if won else ', not surely enough'} {at_least}"
    return Evidence(
        name="win",
        value=bound,
        threshold=needs,
        passed=won,
        sentence=f"challenger's error is {said}",
    )


def _slice_guards(match: Match, policy: Policy) -> list[Evidence]:
    """A slice is broken where its mean loss rises by more than the limit and, surely, at all.

    Without the second a hundred noisy rows would block a real improvement; the 5 % chance of a false alarm is
    shared by the slices that are looked at, so forty slices raise no more of them than one.
    """
    large = {
        label: mask
        for label, mask in match.slices.items()
        if mask.sum() >= policy.min_slice_rows
    }
    overall = float(match.champion_losses.mean()) if len(match.champion_losses) else 0.0
    guards = [
        _slice_guard(label, mask, match, policy, SLICE_ERROR / len(large), overall)
        for label, mask in large.items()
    ]
    if NEWEST in match.slices and NEWEST not in large:
        few = f"{NEWEST} has {match.slices[NEWEST].sum():,} holdout rows; needs {policy.min_slice_rows:,} to be judged"
        guards.append(
            Evidence(name=f"slice: {NEWEST}", threshold=policy.slice_rise, sentence=few)
        )
    return guards


def _slice_guard(
    label: str, mask: Mask, match: Match, policy: Policy, alpha: float, overall: float
) -> Evidence:
    new, old = match.challenger_losses[mask], match.champion_losses[mask]
    unit = (
        float(old.mean()) or overall or 1.0
    )  # a champion without any loss here has no share to rise by
    rise, limit = float(new.mean() - old.mean()) / unit, policy.slice_rise
    surely = (
        paired_test(new, old, match.identity[mask], alpha, policy.seed, 400).lower_bound
        > 0
    )
    size = (
        f"{percent(abs(rise), limit)} {'worse' if rise > 0 else 'better'} for {label}"
        if rise
        else f"as good for {label}"
    )
    chance = ", which chance explains" if rise > limit and not surely else ""
    return Evidence(
        name=f"slice: {label}", value=rise, threshold=limit, passed=not (rise > limit and surely),
        sentence=f"challenger is {size}{chance} (limit {percent(limit)})",
    )  # fmt: skip


def _rmse_guard(match: Match, policy: Policy) -> list[Evidence]:
    if match.champion_rmse is None or match.challenger_rmse is None:
        return []
    limit = match.champion_rmse * (1 + policy.rmse_rise)
    rmses = f"{short(match.challenger_rmse)} against {short(match.champion_rmse)}"
    said = f"challenger has RMSE {rmses} (limit +{percent(policy.rmse_rise)})"
    return [
        Evidence(
            name="rmse",
            value=match.challenger_rmse,
            threshold=limit,
            passed=match.challenger_rmse <= limit,
            sentence=said,
        )
    ]


def _fitness_guards(fitness: Fitness, policy: Policy) -> tuple[Evidence, ...]:
    size, ratio = fitness.size_mb, fitness.scoring_time_ratio
    weighs = f"challenger weighs {size:.1f} MB (limit {policy.max_size_mb:g} MB)"
    takes = (
        f"challenger takes {ratio:.1f} times as long to score (limit {policy.scoring_time_ratio:g})"
        if ratio
        else ""
    )
    passed = None if ratio is None else ratio <= policy.scoring_time_ratio
    return (
        Evidence(
            name="size",
            value=size,
            threshold=policy.max_size_mb,
            passed=size <= policy.max_size_mb,
            sentence=weighs,
        ),
        Evidence(
            name="time",
            value=ratio,
            threshold=policy.scoring_time_ratio,
            passed=passed,
            sentence=takes or "scoring time not measured",
        ),
        onnx_guard(fitness, policy),
    )
