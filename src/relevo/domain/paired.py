"""Two models' losses on the same rows: how surely, and by how much, one is lower than the other."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Float64s

BAGS = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedResult:
    """Shares are of the champion's mean loss. `lower_bound` is what `gain` is at least, with confidence 1 - alpha."""

    gain: float
    lower_bound: float
    rows: int
    identities: int


def spent_alpha(alpha: float, k: int) -> float:
    """The part of `alpha` that a case's k-th contest may spend; all of them together spend `alpha`."""
    return alpha * 6 / (math.pi**2 * k**2)


def paired_test(
    champion_losses: Float64s,
    challenger_losses: Float64s,
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
    rows = len(champion_losses)
    total = float(champion_losses.sum())
    groups, identities, differing = _by_identity(
        champion_losses - challenger_losses, identity, seed
    )
    gain = 0.0
    if total:
        gain = float(groups.sum()) / total
    elif differing:  # a champion without any loss cannot be beaten
        gain = -1.0
    if not rows or differing == 1:
        bound = -1.0
    elif not differing or not total:
        bound = gain
    else:
        error = _standard_error(groups, seed, resamples) / total
        freedom = 1 / (1 / (min(differing, len(groups)) - 1) + 1 / (resamples - 1))
        bound = max(-1.0, gain - _t_quantile(alpha, freedom) * error)
    return PairedResult(gain=gain, lower_bound=bound, rows=rows, identities=identities)


def _by_identity(
    differences: Float64s, identity: NDArray[np.int64], seed: int
) -> tuple[Float64s, int, int]:
    """The sum of each identity, or bag of them; how many identities there are, and on how many the models differ."""
    unique, group = np.unique(identity, return_inverse=True)
    sums: Float64s = np.bincount(group, differences, len(unique)).astype(np.float64)
    differing = int(np.count_nonzero(sums))
    if len(unique) > BAGS:
        bag = np.random.default_rng(seed).permutation(len(unique)) % BAGS
        sums = np.bincount(bag, sums).astype(np.float64)
    return sums, len(unique), differing


def _standard_error(groups: Float64s, seed: int, resamples: int) -> float:
    """Of the groups' sum, over resamples of groups.

    The spread is taken about no difference (the second term), not about the difference that was seen:
    three wins of the same size would otherwise be certain, having no spread at all.
    """
    rng = np.random.default_rng(seed)
    count = len(groups)
    sums = np.empty(resamples)
    at_once = max(1, 1_000_000 // count)  # 4 MB of draws at a time
    for start in range(0, resamples, at_once):
        size = min(at_once, resamples - start)
        drawn = rng.integers(0, count, (size, count), dtype=np.int32)
        sums[start : start + size] = groups[drawn].sum(axis=1)
    spread = float(sums.var(ddof=1)) * count / (count - 1)
    return math.sqrt(spread + float(groups.sum()) ** 2 / count)


def _t_quantile(alpha: float, freedom: float) -> float:
    from scipy.special import stdtrit  # serving shows verdicts without scipy

    return -float(stdtrit(freedom, alpha))
