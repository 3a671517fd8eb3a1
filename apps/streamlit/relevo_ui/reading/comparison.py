"""Two versions asked about the same rows, which neither has learnt from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from relevo.app import Loop
from relevo.domain.identity import Split
from relevo.learning import comparison
from relevo.learning.onnx_model import OnnxModel
from relevo_ui.reading.record import measure_of
from relevo_ui.reading.releases import ReleaseFolder

MOST_ROWS = 20_000
FEWEST_IN_SLICE = 30


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
    if not batches:
        return None
    rows = loop.warehouse.rows.frame(
        loop.case, batches, [Split.TEST], max_rows=MOST_ROWS
    )
    if not len(rows):
        return None
    answers = comparison.compare(
        loop.case, rows, _contender(first), _contender(second), batches[-1]
    )
    return Comparison(len(rows), *answers.metrics(), tuple(_slices(answers)))


def _contender(folder: ReleaseFolder) -> comparison.Contender:
    return comparison.Contender(OnnxModel(folder.model), folder.release.classes)


def _slices(answers: comparison.Comparison) -> Iterator[Slice]:
    measure = measure_of(answers.case)
    for label, mask in answers.slices.items():
        if mask.sum() < FEWEST_IN_SLICE:
            continue
        first, second = (measure.of(metrics) for metrics in answers.metrics(mask))
        if first is not None and second is not None:
            yield Slice(label, int(mask.sum()), first, second)
