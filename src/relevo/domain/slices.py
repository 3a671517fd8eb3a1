"""Groups of holdout rows that a challenger must not harm, as masks over these rows."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Categorical, Frame

Mask = NDArray[np.bool_]
SLICE_WORDS = 10
NEWEST = "the newest batch"


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
        slices |= (
            _words(name, values)
            if values is not None
            else _bands(name, frame.numbers[name], bands)
        )
    if frame.classes:
        slices |= _words(
            target_name, Categorical(frame.target.astype(np.int32), frame.classes)
        )
    elif expected is not None:
        slices |= _bands(f"{target_name} expected at", expected, bands)
    else:
        slices |= _bands(target_name, frame.target, bands)
    return {**slices, NEWEST: frame.batch == newest_batch_id}


def _words(name: str, values: Categorical) -> dict[str, Mask]:
    counts = np.bincount(values.codes + 1, minlength=len(values.words) + 1)[1:]
    common = [
        code
        for code in np.argsort(-counts, kind="stable")[:SLICE_WORDS]
        if counts[code]
    ]
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
        f"{name} {short(low)} to {short(high)}": (values >= low)
        & ((values < high) | (band == last) & (values <= high))
        for band, (low, high) in enumerate(pairwise(edges))
    }


def short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
