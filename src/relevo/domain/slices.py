"""Groups of holdout rows that a challenger must not harm, as masks over these rows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Categorical, Float64s, Floats, Frame
from relevo.domain.wording import amount

Mask = NDArray[np.bool_]
SLICES_OF_A_CATEGORY = 10
NEWEST = "the newest batch"


def slices_of(
    frame: Frame,
    names: tuple[str, ...],
    newest_batch_id: int,
    bands: int = 4,
    target_name: str = "target",
    expected: Float64s | None = None,
) -> dict[str, Mask]:
    """Masks of the groups that no challenger may harm, by a label that reads well in a sentence.

    The commonest values of each category, quantile bands of each number and of the target (each class where
    there are classes), and the rows of the newest batch. `expected` (the mean of both models' answers) takes
    the place of the target in its bands, and should: among rows picked for having turned out low, a champion
    that has only ever seen low targets is unbeatable, however bad it is at telling which ones are low.
    """
    slices: dict[str, Mask] = {}
    for name in names:
        if name in frame.categories:
            slices |= _of_categories(name, frame.categories[name])
        else:
            slices |= _bands(name, frame.numbers[name], bands)
    if frame.classes:
        classes = Categorical(frame.target.astype(np.int32), frame.classes)
        slices |= _of_categories(target_name, classes)
    elif expected is not None:
        slices |= _bands(f"{target_name} expected at", expected, bands)
    else:
        slices |= _bands(target_name, frame.target, bands)
    return {**slices, NEWEST: frame.batch == newest_batch_id}


def _of_categories(name: str, values: Categorical) -> dict[str, Mask]:
    counts = values.counts()[:-1]
    commonest = np.argsort(-counts, kind="stable")[:SLICES_OF_A_CATEGORY]
    return {
        f"{name} {values.categories[code]}": values.codes == code
        for code in commonest
        if counts[code]
    }


def _bands(name: str, values: Floats | Float64s, bands: int) -> dict[str, Mask]:
    present = values[np.isfinite(values)]
    if not len(present):
        return {}
    edges = np.unique(np.quantile(present, np.linspace(0, 1, bands + 1)))
    masks = {
        f"{name} {amount(low)} to {amount(high)}": (values >= low) & (values < high)
        for low, high in pairwise(edges)
    }
    if masks:  # the highest value belongs to the last band
        masks[list(masks)[-1]] |= values == edges[-1]
    return masks
