"""Two versions on the same rows, which neither was trained on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from relevo.app import Loop
from relevo.domain.identity import Split
from relevo.domain.metrics import headline
from relevo.learning.comparison import Comparison, Contender, compare
from relevo.learning.onnx_model import OnnxModel
from relevo_ui.reading.releases import StoredRelease

MOST_COMPARED_ROWS = 20_000
FEWEST_IN_SLICE = 30


@dataclass(frozen=True, slots=True)
class SliceErrors:
    """The error of both on a group of rows."""

    label: str
    rows: int
    first: float
    second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionComparison:
    rows: int
    first: dict[str, float]
    second: dict[str, float]
    slices: tuple[SliceErrors, ...]


def compare_versions(
    loop: Loop, releases: Iterable[StoredRelease], batches: tuple[int, ...]
) -> VersionComparison | None:
    """None where there are no holdout rows yet."""
    if not batches:
        return None
    rows = loop.warehouse.rows.frame(
        loop.case, batches, [Split.TEST], max_rows=MOST_COMPARED_ROWS
    )
    if not len(rows):
        return None
    first, second = (
        Contender(OnnxModel(release.model), release.release.classes)
        for release in releases
    )
    comparison = compare(loop.case, rows, first, second, batches[-1])
    metrics = comparison.metrics()
    return VersionComparison(
        rows=len(rows),
        first=metrics[0],
        second=metrics[1],
        slices=tuple(_slice_errors(comparison)),
    )


def _slice_errors(comparison: Comparison) -> Iterator[SliceErrors]:
    metric = headline(comparison.case.task, comparison.case.log_target)
    for label, mask in comparison.slices.items():
        if mask.sum() < FEWEST_IN_SLICE:
            continue
        first, second = map(metric.of, comparison.metrics(mask))
        if first is not None and second is not None:
            yield SliceErrors(label, int(mask.sum()), first, second)
