"""Two models' losses on the same rows: how surely, and by how much, one is lower than the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Losses = NDArray[np.float64]
BAGS = 4_096


@dataclass(frozen=True, slots=True)
class PairedResult:
    """Shares are of the champion's mean loss. `lower_bound` is what `gain` is at least, with confidence 1 - alpha."""

    mean_champion: float
    mean_challenger: float
    gain: float
    lower_bound: float
    rows: int
    identities: int


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
    groups, identities, differing = _by_identity(
        champion_losses - challenger_losses, identity, seed
    )
    means = [
        float(np.mean(losses)) if rows else 0.0
        for losses in (champion_losses, challenger_losses)
    ]
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


def _by_identity(
    differences: Losses, identity: NDArray[np.int64], seed: int
) -> tuple[Losses, int, int]:
    """The sum of each identity, or bag of them; how many identities there are, and on how many the models differ."""
    unique, place = np.unique(identity, return_inverse=True)
    sums: Losses = np.bincount(place, differences, len(unique)).astype(np.float64)
    differing = int(np.count_nonzero(sums))
    if len(sums) > BAGS:
        sums = np.bincount(
            np.random.default_rng(seed).permutation(len(sums)) % BAGS, sums
        ).astype(np.float64)
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
        sums[start : start + size] = groups[
            rng.integers(0, count, (size, count), dtype=np.int32)
        ].sum(axis=1)
    return math.sqrt(
        float(sums.var(ddof=1)) * count / (count - 1) + float(groups.sum()) ** 2 / count
    )


def _t_quantile(alpha: float, freedom: float) -> float:
    from scipy.special import stdtrit  # serving shows verdicts without scipy

    return -float(stdtrit(freedom, alpha))
