"""Finite numbers and their moments, a chunk at a time: no copy of a column is ever made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Floats

CHUNK = 65_536


def finite(values: Floats) -> Floats:
    """No infinity: a number too large for a float32 is the largest one; NaN stays, it is missing."""
    limit = np.finfo(np.float32).max
    return np.clip(values, -limit, limit)


def mean_and_spread(
    values: NDArray[Any], of: Callable[..., Any] | None = None
) -> tuple[float, float]:
    """Mean and standard deviation of the numbers that are there, through a function if one is given.

    0 where there are none; a spread of 0 is given as 1, for it is to be divided by.
    """
    if not len(values):
        return 0.0, 1.0
    count, mean, square = 0, 0.0, 0.0
    for start in range(0, len(values), CHUNK):
        part = values[start : start + CHUNK].astype(np.float64)
        part = np.clip(part[~np.isnan(part)], -1e38, 1e38)
        part = of(part) if of else part
        if not len(part):
            continue
        step = (
            float(part.mean()) - mean
        )  # merged by Chan's formula: exact where the mean is far from zero
        total = count + len(part)
        square += (
            float(((part - part.mean()) ** 2).sum())
            + step**2 * count * len(part) / total
        )
        mean, count = mean + step * len(part) / total, total
    spread = float(np.sqrt(square / count)) if count else 0.0
    return mean, spread or 1.0
