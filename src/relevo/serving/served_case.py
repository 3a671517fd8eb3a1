"""A use case as it is served: the model of the moment, its log, and what has been counted."""

import threading
from bisect import bisect_left
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from relevo.domain.cells import Row
from relevo.domain.profile import NumberProfile, psi
from relevo.features.model_inputs import column_values
from relevo.serving.log.prediction_log import PredictionLog
from relevo.serving.model import ServedModel
from relevo.serving.responses import LastReload

ENOUGH_RECENT = 100  # rows: with fewer, empty bins alone look like drift
RECENT_ROWS = 10_000  # enough for the bins of drift, a few MB for each use case


class Spread:
    """How the predictions of a regression spread: counts between fixed edges, as a
    histogram metric wants them.
    """

    def __init__(self, edges: tuple[float, ...]) -> None:
        self.edges = edges
        self.counts = [0] * (len(edges) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.edges, value)] += 1
        self.sum += value


@dataclass(slots=True)
class ServedCase:
    """`model` is swapped as a whole: who answers reads it once."""

    name: str
    environment: str
    alias: str
    max_rows: int
    log: PredictionLog
    model: ServedModel | None = None
    has_none: bool = False  # the registry confirms that there is no model yet
    # there is a challenger alone: a first model that was refused, or is not judged yet
    champion_missing: bool = False
    last_reload: LastReload | None = None
    reloads: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    failed: int = 0
    # its edges stay as they are through swaps, so that a series goes on
    spread: Spread | None = None
    classes: Counter[str] = field(default_factory=Counter)
    recent: deque[Row] = field(default_factory=lambda: deque(maxlen=RECENT_ROWS))
    drift: dict[str, float] = field(default_factory=dict)
    live_error: dict[str, float] = field(default_factory=dict)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_ready(self) -> bool:
        return self.model is not None or self.has_none

    def swap(self, model: ServedModel) -> None:
        if self.spread is None and model.release.task == "regression":
            self.spread = Spread(_edges(model))
        if self.model is None or self.model.release.fields != model.release.fields:
            # drift compares rows field by field
            self.recent.clear()
        self.has_none = False
        self.model = model

    def note(self, result: str, error: str = "") -> None:
        """`result` is swapped, unchanged or failed."""
        self.reloads[result] += 1
        now = datetime.now(UTC).replace(microsecond=0)
        self.last_reload = LastReload(not error, now, error)

    def count(self, rows: list[Row], answers: list[float] | list[str]) -> None:
        # from the event loop, and from threads that predict long lists
        with self._counting:
            self.recent.extend(rows)
            for answer in answers:
                if isinstance(answer, str):
                    self.classes[answer] += 1
                elif self.spread is not None:
                    self.spread.add(answer)

    def measure_drift(self) -> None:
        """PSI per field: how far recent rows have moved from what the model was trained on,
        once there are enough to tell.
        """
        model = self.model
        rows = list(self.recent.copy())  # requests go on adding to the other
        drift: dict[str, float] = {}
        if model is not None and len(rows) >= ENOUGH_RECENT:
            by_column = zip(model.columns, zip(*rows, strict=True), strict=True)
            for column, cells in by_column:
                values = column_values(column, cells)
                trained = model.profile.columns.get(column.name)
                if trained is not None and trained.fits(values):
                    drift[column.name] = psi(trained, trained.count(values))
        self.drift = drift


def _edges(model: ServedModel) -> tuple[float, ...]:
    """The target's own quantiles in training."""
    target = model.profile.columns.get(model.profile.target)
    if not isinstance(target, NumberProfile):
        return ()
    return tuple(sorted({float(f"{edge:.6g}") for edge in target.edges}))
