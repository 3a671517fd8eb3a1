"""Two versions asked about the same rows, which neither has learnt from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relevo.app import Loop
from relevo.domain.frame import Frame
from relevo.domain.identity import Split
from relevo.domain.slices import slices_of
from relevo.learning.metrics import measure
from relevo.learning.onnx_model import OnnxModel
from relevo_ui.reading.record import Measure
from relevo_ui.reading.releases import ReleaseFolder

MOST_ROWS = 20_000
FEWEST_IN_SLICE = 30
Answers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Slice:
    """The error of both on a group of rows."""

    label: str
    rows: int
    first: float
    second: float


@dataclass(frozen=True, slots=True)
class Comparison:
    rows: int
    first: dict[str, float]
    second: dict[str, float]
    slices: tuple[Slice, ...]


def compare(
    loop: Loop, first: ReleaseFolder, second: ReleaseFolder, batches: tuple[int, ...]
) -> Comparison | None:
    """None where there are no holdout rows yet."""
    case = loop.case
    rows = (
        loop.warehouse.rows.frame(case, batches, [Split.TEST], max_rows=MOST_ROWS)
        if batches
        else None
    )
    if rows is None or not len(rows):
        return None
    answers = [_answers(folder, rows) for folder in (first, second)]
    expected = (answers[0] + answers[1]) / 2 if case.task == "regression" else None
    groups = slices_of(
        rows,
        case.slices,
        batches[-1],
        target_name=case.contract.target,
        expected=expected,
    )
    measured = [measure(case.task, rows.target, one) for one in answers]
    return Comparison(
        len(rows), measured[0], measured[1], tuple(_slices(loop, rows, answers, groups))
    )


def _slices(
    loop: Loop,
    rows: Frame,
    answers: list[Answers],
    groups: dict[str, NDArray[np.bool_]],
) -> Iterator[Slice]:
    wanted = Measure.of(loop.case)
    for label, mask in groups.items():
        if mask.sum() < FEWEST_IN_SLICE:
            continue
        of_both = [
            measure(loop.case.task, rows.target[mask], one[mask]) for one in answers
        ]
        errors = [
            wanted.on_holdout({f"test_{name}": value for name, value in one.items()})
            for one in of_both
        ]
        if errors[0] is not None and errors[1] is not None:
            yield Slice(label, int(mask.sum()), errors[0], errors[1])


def _answers(folder: ReleaseFolder, rows: Frame) -> Answers:
    """Probabilities in the order of the rows' classes; a class that the model never saw has none."""
    answers = OnnxModel(folder.model).predict(rows)
    if not rows.classes:
        return answers
    spread = np.zeros((len(rows), len(rows.classes)))
    for place, name in enumerate(rows.classes):
        if name in folder.release.classes:
            spread[:, place] = answers[:, folder.release.classes.index(name)]
    return spread
