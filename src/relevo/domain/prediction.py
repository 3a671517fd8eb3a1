"""A logged prediction, its label, and how far off answers were."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NotRequired, TypedDict


@dataclass(frozen=True, slots=True)
class LiveError:
    """How far off answers were whose truth is known by now. Of `rows` none, nothing is known."""

    rows: int
    mean_absolute: float | None = None  # regression
    mean_absolute_percentage: float | None = (
        None  # regression, of one, over truths that are not 0
    )
    accuracy: float | None = None  # classification


class Label(TypedDict):
    truth: str
    at: str


class LoggedPrediction(TypedDict):
    """One answer, as its line in the log says it; what the database knows has its newest label too."""

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
    """What was answered in the minute that begins at `at`."""

    at: datetime
    predictions: int
    failed: int
    mean_ms: float | None
    longest_ms: float | None
