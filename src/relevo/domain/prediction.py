"""A logged prediction, its label, and how far predictions were from their labels."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from relevo.domain.metrics import ACCURACY, CAPPED_MAPE, MAE, MAPE


@dataclass(frozen=True, slots=True)
class LiveError:
    """How far predictions were from their labels. Without labels `rows` is 0."""

    rows: int
    mean_absolute: float | None = None  # regression
    # regression, of one, over truths that are not 0
    mean_absolute_percentage: float | None = None
    capped_percentage: float | None = None  # no row above one
    accuracy: float | None = None  # classification

    @property
    def by_metric(self) -> dict[str, float]:
        """Each that could be measured, by its metric's name."""
        means = {
            MAE.name: self.mean_absolute,
            MAPE.name: self.mean_absolute_percentage,
            CAPPED_MAPE.name: self.capped_percentage,
            ACCURACY.name: self.accuracy,
        }
        return {name: mean for name, mean in means.items() if mean is not None}


class Label(TypedDict):
    truth: str
    at: str


class LoggedPrediction(TypedDict):
    """A prediction as its line in the log; from the database, with its newest label."""

    receipt: str
    case: str
    environment: str
    at: str  # RFC 3339, UTC
    version: str | None
    input: Any
    output: float | None
    output_text: str | None
    status: int
    error: str
    latency_ms: float | None
    label: NotRequired[Label | None]


@dataclass(frozen=True, slots=True)
class Minute:
    """Predictions of the minute that begins at `at`."""

    at: datetime
    predictions: int
    failed: int
    mean_ms: float | None
    longest_ms: float | None
