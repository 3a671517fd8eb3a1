"""Recent predictions and their errors, from the prediction log."""

from dataclasses import dataclass
from datetime import datetime

from relevo.domain.prediction import Label, LiveError, LoggedPrediction, Minute
from relevo.domain.use_case import UseCase
from relevo.ports.predictions import PredictionStore

MOST_PREDICTIONS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Of one environment since a moment; `recent` newest first, with labels where there are any."""

    since: datetime
    recent: tuple[LoggedPrediction, ...]
    minutes: tuple[Minute, ...]
    error: LiveError

    @property
    def predictions(self) -> int:
        return sum(minute.predictions for minute in self.minutes)

    @property
    def failed(self) -> int:
        return sum(minute.failed for minute in self.minutes)

    @property
    def mean_ms(self) -> float | None:
        timed = [
            (minute.mean_ms, minute.predictions)
            for minute in self.minutes
            if minute.mean_ms is not None
        ]
        total = sum(many for _, many in timed)
        if not total:
            return None
        return sum(mean * many for mean, many in timed) / total


def read_traffic(
    store: PredictionStore, case: UseCase, environment: str, since: datetime
) -> Traffic:
    recent = store.recent(case.name, environment, MOST_PREDICTIONS)
    return Traffic(
        since=since,
        recent=tuple(each for each in recent if predicted_at(each) >= since),
        minutes=tuple(store.minutes(case.name, environment, since)),
        error=store.live_error(case.name, environment, since, case.task),
    )


def predicted_at(prediction: LoggedPrediction) -> datetime:
    return datetime.fromisoformat(prediction["at"])


def numeric_truth(label: Label | None) -> float | None:
    """None without a label, or where the truth is a class."""
    if not label:
        return None
    try:
        return float(label["truth"])
    except ValueError:
        return None
