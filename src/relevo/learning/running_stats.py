"""Finite numbers, their mean and spread, a chunk at a time: no copy of a column is ever made."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Float64s, Floats

STATS_CHUNK = 65_536
MOST_SQUARABLE = 1e38  # of a number whose square must still be one


def finite(values: Floats) -> Floats:
    """No infinity: a number too large for a float32 is the largest one; NaN stays, it is missing."""
    limit = np.finfo(np.float32).max
    return np.clip(values, -limit, limit)


def median(values: NDArray[np.floating]) -> float:
    """Of the numbers that are there, as a float32 holds it; 0 where there are none."""
    there = values[~np.isnan(values)]
    if not len(there):
        return 0.0
    return float(np.float32(np.median(there)))


def mean_and_spread(
    values: NDArray[Any], of: Callable[[Float64s], Float64s] = np.asarray
) -> tuple[float, float]:
    """Mean and standard deviation of the numbers that are there, through a function if one is given.

    0 where there are none; a spread of 0 is given as 1, for it is to be divided by.
    """
    count, mean, square = 0, 0.0, 0.0
    for start in range(0, len(values), STATS_CHUNK):
        part = values[start : start + STATS_CHUNK].astype(np.float64)
        part = of(np.clip(part[~np.isnan(part)], -MOST_SQUARABLE, MOST_SQUARABLE))
        if not len(part):
            continue
        # merged by Chan's formula, which is exact where the mean is far from zero
        step = float(part.mean()) - mean
        total = count + len(part)
        between = step**2 * count * len(part) / total
        square += float(((part - part.mean()) ** 2).sum()) + between
        mean += step * len(part) / total
        count = total
    spread = float(np.sqrt(square / max(1, count)))
    return mean, spread or 1.0
