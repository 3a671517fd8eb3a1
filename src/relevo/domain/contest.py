"""The promotion contest: a challenger wins by more than chance and by enough, and breaks no guard."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relevo.domain.decision import percent
from relevo.domain.evidence import Evidence, Ruling
from relevo.domain.frame import Categorical, Frame
from relevo.domain.policy import Policy

Losses = NDArray[np.float64]
Mask = NDArray[np.bool_]
BAGS = 4_096
SLICE_ERROR = 0.05  # of a contest's guards raising a false alarm on any slice
SLICE_WORDS = 10
NEWEST = "the newest batch"


class Judgement(NamedTuple):
    ruling: Ruling
    evidence: tuple[Evidence, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class PairedResult:
    """Shares are of the champion's mean loss. `lower_bound` is what `gain` is at least, with confidence 1 - alpha."""

    mean_champion: float
    mean_challenger: float
    gain: float
    lower_bound: float
    rows: int
    identities: int


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
    scoring_time_ratio: float | None = None  # challenger's over champion's; None: not measured, not guarded


def spent_alpha(alpha: float, k: int) -> float:
    """The part of `alpha` that a case's k-th contest may spend; all of them together spend `alpha`."""
    return alpha * 6 / (math.pi**2 * k**2)


def paired_test(
    champion_losses: Losses,
    challenger_losses: Losses,
    identity: NDArray[np.int64],
    alpha: float,
    seed: int,
    resamples: int = 2_000,
) -> PairedResult:
    """How much lower the challenger's mean loss is, and how much of that is more than chance.

    Rows of one identity are drawn together, so repeating a row adds no confidence. The bootstrap gives the
    standard error; the bound is a Student-t tail on it, since the alpha of a late contest (1e-5 for the 50th)
    lies far beyond what resamples can count. Degrees of freedom come from the identities on which the models
    differ at all (4 wins in 30 rows are 4 observations), less what a finite number of resamples costs.
    Above 4,096 identities, whole ones go at random into as many bags and bags are drawn: the same standard
    error for less work. The champion's mean loss is only the unit.
    """
    rows, total = len(champion_losses), float(champion_losses.sum())
    groups, identities, differing = _by_identity(champion_losses - challenger_losses, identity, seed)
    means = [float(np.mean(losses)) if rows else 0.0 for losses in (champion_losses, challenger_losses)]
    gain = float(groups.sum()) / total if total else -1.0 if differing else 0.0
    if not differing or not total:
        bound = gain if rows else -1.0
    elif differing == 1:
        bound = -1.0
    else:
        error = _standard_error(groups, seed, resamples) / total
        freedom = 1 / (1 / (min(differing, len(groups)) - 1) + 1 / (resamples - 1))
        bound = max(-1.0, gain - _t_quantile(alpha, freedom) * error)
    return PairedResult(means[0], means[1], gain, bound, rows, identities)


def _by_identity(differences: Losses, identity: NDArray[np.int64], seed: int) -> tuple[Losses, int, int]:
    """The sum of each identity, or bag of them; how many identities there are, and on how many the models differ."""
    unique, place = np.unique(identity, return_inverse=True)
    sums: Losses = np.bincount(place, differences, len(unique)).astype(np.float64)
    differing = int(np.count_nonzero(sums))
    if len(sums) > BAGS:
        sums = np.bincount(np.random.default_rng(seed).permutation(len(sums)) % BAGS, sums).astype(np.float64)
    return sums, len(unique), differing


def _standard_error(groups: Losses, seed: int, resamples: int) -> float:
    """Of the groups' sum, over resamples of groups.

    The spread is taken about no difference (the second term), not about the difference that was seen:
    three wins of the same size would otherwise be certain, having no spread at all.
    """
    rng, count, sums = np.random.default_rng(seed), len(groups), np.empty(resamples)
    at_once = max(1, 1_000_000 // count)
    for start in range(0, resamples, at_once):
        size = min(at_once, resamples - start)
        sums[start : start + size] = groups[rng.integers(0, count, (size, count), dtype=np.int32)].sum(axis=1)
    return math.sqrt(float(sums.var(ddof=1)) * count / (count - 1) + float(groups.sum()) ** 2 / count)


def _t_quantile(alpha: float, freedom: float) -> float:
    from scipy.special import stdtrit  # serving shows verdicts without scipy

    return -float(stdtrit(freedom, alpha))


def slices_of(
    frame: Frame,
    names: tuple[str, ...],
    newest_batch_id: int,
    bands: int = 4,
    target_name: str = "target",
    expected: NDArray[Any] | None = None,
) -> dict[str, Mask]:
    """Masks of the groups that no challenger may harm, by a label that reads well in a sentence.

    The commonest words of each category, quantile bands of each number and of the target (each class where
    there are classes), and the rows of the newest batch. `expected` (the mean of both models' answers) takes
    the place of the target in its bands, and should: among rows picked for having turned out cheap, a champion
    that has only ever seen cheap houses is unbeatable, however bad it is at telling which ones are cheap.
    """
    slices: dict[str, Mask] = {}
    for name in names:
        values = frame.categories.get(name)
        slices |= _words(name, values) if values is not None else _bands(name, frame.numbers[name], bands)
    if frame.classes:
        slices |= _words(target_name, Categorical(frame.target.astype(np.int32), frame.classes))
    elif expected is not None:
        slices |= _bands(f"{target_name} expected at", expected, bands)
    else:
        slices |= _bands(target_name, frame.target, bands)
    return {**slices, NEWEST: frame.batch == newest_batch_id}


def _words(name: str, values: Categorical) -> dict[str, Mask]:
    counts = np.bincount(values.codes + 1, minlength=len(values.words) + 1)[1:]
    common = [code for code in np.argsort(-counts, kind="stable")[:SLICE_WORDS] if counts[code]]
    return {f"{name} {values.words[code]}": values.codes == code for code in common}


def _bands(name: str, values: NDArray[Any], bands: int) -> dict[str, Mask]:
    known = values[np.isfinite(values)]
    if not len(known):
        return {}
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bands + 1)))
    if len(edges) == 1:
        return {}
    last = len(edges) - 2
    return {
        f"{name} {_short(low)} to {_short(high)}": (values >= low)
        & ((values < high) | (band == last) & (values <= high))
        for band, (low, high) in enumerate(pairwise(edges))
    }


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def judge(match: Match, fitness: Fitness, policy: Policy, contest_number: int) -> Judgement:
    """Promote where the challenger wins by more than chance and by the minimum effect, and every guard holds.

    It is the lower bound of its gain that must reach the minimum effect: one number that says both, and that
    spends the error probability on "better by enough" rather than on "better at all". A guard that could not
    be measured (passed None) stops nothing. Rows on which the champion has no finite loss count as a draw.
    """
    if unusable := int(np.count_nonzero(~np.isfinite(match.challenger_losses))):
        rows = len(match.challenger_losses)
        sentence = f"challenger has no usable prediction on {unusable:,} of {rows:,} holdout rows"
        return Judgement(Ruling.KEEP, (Evidence("usable", float(unusable), 0.0, False, sentence),), sentence)
    usable = np.where(np.isfinite(match.champion_losses), match.champion_losses, match.challenger_losses)
    match = replace(match, champion_losses=usable)
    win = _win(match, policy, spent_alpha(policy.error_probability, contest_number))
    guards = (*_slice_guards(match, policy), *_rmse_guard(match, policy), *_fitness_guards(fitness, policy))
    broken = [guard.sentence.removeprefix("challenger ") for guard in guards if guard.passed is False]
    faults = (f", but it {' and '.join(broken)}" if win.passed else f"; it {' and '.join(broken)}") if broken else ""
    ruling = Ruling.PROMOTE if win.passed and not broken else Ruling.KEEP
    return Judgement(ruling, (win, *guards), win.sentence + faults)


def first_model(fitness: Fitness, policy: Policy) -> Judgement:
    """Without a champion the first model is promoted, unless its ONNX form is not the model that was trained."""
    onnx = onnx_guard(fitness, policy)
    if onnx.passed:
        return Judgement(Ruling.PROMOTE, (onnx,), "first model")
    return Judgement(Ruling.KEEP, (onnx,), f"first model refused: it {onnx.sentence.removeprefix('challenger ')}")


def classic(champion_rmse: float, challenger_rmse: float, guards: tuple[Evidence, ...] = ()) -> Judgement:
    """Better or equal RMSE promotes. `guards` are what must hold all the same, such as `onnx_guard`."""
    won = challenger_rmse <= champion_rmse
    word = "equals" if challenger_rmse == champion_rmse else "is better than" if won else "is not better than"
    sentence = f"challenger's RMSE {_short(challenger_rmse)} {word} the champion's {_short(champion_rmse)}"
    broken = [guard.sentence.removeprefix("challenger ") for guard in guards if guard.passed is False]
    faults = f", but it {' and '.join(broken)}" if broken else ""
    evidence = (Evidence("rmse", challenger_rmse, champion_rmse, won, sentence), *guards)
    return Judgement(Ruling.PROMOTE if won and not broken else Ruling.KEEP, evidence, sentence + faults)


def onnx_guard(fitness: Fitness, policy: Policy) -> Evidence:
    gap, limit = fitness.onnx_gap, policy.onnx_tolerance
    said = f"challenger differs between its ONNX and native forms by {gap:.2g} (limit {limit:g})"
    return Evidence("onnx", gap, limit, gap <= limit, said)


def _win(match: Match, policy: Policy, alpha: float) -> Evidence:
    tested = paired_test(match.champion_losses, match.challenger_losses, match.identity, alpha, policy.seed)
    gain, bound, needs = tested.gain, tested.lower_bound, policy.min_effect
    won = bound > 0 and bound >= needs
    where = f"on {tested.rows:,} holdout rows"
    sure = f"with {100 * (1 - alpha):.{max(1, math.ceil(-math.log10(100 * alpha)))}f} % confidence"
    at_least = f"(at least {percent(bound, needs, 1)} {sure}; needs {percent(needs)})"
    if gain <= 0:
        size = f"{percent(-gain, decimals=1)} higher {where}" if gain else f"the same as the champion's {where}"
        said = f"{size} (needs to be {percent(needs)} lower)"
    elif bound <= 0:
        chance = f"it may be {percent(-bound, decimals=1)} higher {sure}"
        said = f"{percent(gain, decimals=1)} lower {where}, which chance explains ({chance}; needs {percent(needs)})"
    else:
        said = f"{percent(gain, decimals=1)} lower {where}{'' if won else ', not surely enough'} {at_least}"
    return Evidence("win", bound, needs, won, f"challenger's error is {said}")


def _slice_guards(match: Match, policy: Policy) -> list[Evidence]:
    """A slice is broken where its mean loss rises by more than the limit and, surely, at all.

    Without the second a hundred noisy rows would block a real improvement; the 5 % chance of a false alarm is
    shared by the slices that are looked at, so forty slices raise no more of them than one.
    """
    large = {label: mask for label, mask in match.slices.items() if mask.sum() >= policy.min_slice_rows}
    overall = float(match.champion_losses.mean()) if len(match.champion_losses) else 0.0
    guards = [
        _slice_guard(label, mask, match, policy, SLICE_ERROR / len(large), overall) for label, mask in large.items()
    ]
    if NEWEST in match.slices and NEWEST not in large:
        few = f"{NEWEST} has {match.slices[NEWEST].sum():,} holdout rows; needs {policy.min_slice_rows:,} to be judged"
        guards.append(Evidence(f"slice: {NEWEST}", None, policy.slice_rise, None, few))
    return guards


def _slice_guard(label: str, mask: Mask, match: Match, policy: Policy, alpha: float, overall: float) -> Evidence:
    new, old = match.challenger_losses[mask], match.champion_losses[mask]
    unit = float(old.mean()) or overall or 1.0  # a champion without any loss here has no share to rise by
    rise, limit = float(new.mean() - old.mean()) / unit, policy.slice_rise
    surely = paired_test(new, old, match.identity[mask], alpha, policy.seed, 400).lower_bound > 0
    size = (
        f"{percent(abs(rise), limit)} {'worse' if rise > 0 else 'better'} for {label}"
        if rise
        else f"as good for {label}"
    )
    chance = ", which chance explains" if rise > limit and not surely else ""
    return Evidence(
        f"slice: {label}", rise, limit, not (rise > limit and surely),
        f"challenger is {size}{chance} (limit {percent(limit)})",
    )  # fmt: skip


def _rmse_guard(match: Match, policy: Policy) -> list[Evidence]:
    if match.champion_rmse is None or match.challenger_rmse is None:
        return []
    limit = match.champion_rmse * (1 + policy.rmse_rise)
    rmses = f"{_short(match.challenger_rmse)} against {_short(match.champion_rmse)}"
    said = f"challenger has RMSE {rmses} (limit +{percent(policy.rmse_rise)})"
    return [Evidence("rmse", match.challenger_rmse, limit, match.challenger_rmse <= limit, said)]


def _fitness_guards(fitness: Fitness, policy: Policy) -> tuple[Evidence, ...]:
    size, ratio = fitness.size_mb, fitness.scoring_time_ratio
    weighs = f"challenger weighs {size:.1f} MB (limit {policy.max_size_mb:g} MB)"
    takes = (
        f"challenger takes {ratio:.1f} times as long to score (limit {policy.scoring_time_ratio:g})" if ratio else ""
    )
    passed = None if ratio is None else ratio <= policy.scoring_time_ratio
    return (
        Evidence("size", size, policy.max_size_mb, size <= policy.max_size_mb, weighs),
        Evidence("time", ratio, policy.scoring_time_ratio, passed, takes or "scoring time not measured"),
        onnx_guard(fitness, policy),
    )
