"""Losses of a champion and a challenger on the same made-up rows."""

import numpy as np

from relevo.domain.contest import Fitness, Match

FIT = Fitness(onnx_gap=1e-6, size_mb=3.2, scoring_time_ratio=1.1)


def match_of(seed=1, rows=4_310, better=0.06, noise=0.05, **rest):
    """Losses of about 0.14, the challenger's lower by the share `better`."""
    rng = np.random.default_rng(seed)
    champion = rng.exponential(0.14, rows)
    challenger = np.abs(champion * (1 - better) + rng.normal(0, noise, rows) * champion)
    return Match(champion, challenger, np.arange(rows), **rest)
