"""What was answered lately, and how well, from the log of predictions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from relevo.domain.prediction import LiveError, LoggedPrediction, Minute
from relevo.domain.use_case import UseCase
from relevo.ports.predictions import PredictionStore

NEWEST = 500


@dataclass(frozen=True, slots=True)
class Traffic:
    """Of one environment since a moment; `recent` newest first, with labels where they are in."""

    since: datetime
    recent: tuple[LoggedPrediction, ...]
    minutes: tuple[Minute, ...]
    error: LiveError

    @property
    def predictions(self) -> int:
        return sum(one.predictions for one in self.minutes)

    @property
    def failed(self) -> int:
        return sum(one.failed for one in self.minutes)

    @property
    def mean_ms(self) -> float | None:
        known = [
            (one.mean_ms, one.predictions)
            for one in self.minutes
            if one.mean_ms is not None
        ]
        rows = sum(many for _, many in known)
        return sum(mean * many for mean, many in known) / rows if rows else None

    @property
    def longest_ms(self) -> float | None:
        return max(
            (one.longest_ms for one in self.minutes if one.longest_ms is not None),
            default=None,
        )


def read_traffic(
    store: PredictionStore,
    case: UseCase,
    environment: str,
    now: datetime,
    span: timedelta,
) -> Traffic:
    since = now - span
    return Traffic(
        since,
        tuple(
            one
            for one in store.recent(case.name, environment, NEWEST)
            if moment_of(one) >= since
        ),
        tuple(store.minutes(case.name, environment, since)),
        store.live_error(case.name, environment, since, case.task),
    )


def moment_of(prediction: LoggedPrediction) -> datetime:
    return datetime.fromisoformat(prediction["at"])


def truth_of(prediction: LoggedPrediction) -> float | None:
    """The labelled truth as a number; None where none is in, or it is a class."""
    label = prediction.get("label")
    try:
        return float(label["truth"]) if label else None
    except ValueError:
        return None
