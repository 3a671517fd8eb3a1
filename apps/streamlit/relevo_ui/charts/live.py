"""Recent predictions: how many, how fast, how good."""

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import altair as alt
import pandas as pd

from relevo.domain.metrics import Metric, Unit
from relevo.domain.prediction import LoggedPrediction, Minute
from relevo_ui import words
from relevo_ui.charts.look import (
    BLUE,
    PALE_BLUE,
    Figure,
    axis_format,
    dashed_line,
    framed,
    shades,
)
from relevo_ui.reading.traffic import numeric_truth, predicted_at

MINUTE_TOOLTIP = alt.Tooltip("at:T", title="minute", format="%d %b %H:%M")


def volume(minutes: tuple[Minute, ...], since: datetime, until: datetime) -> Figure:
    table = pd.DataFrame(minutes)
    bars = alt.Chart(table).mark_bar(color=BLUE, binSpacing=1)
    bars = bars.encode(
        x=_time_axis(since, until).timeUnit("yearmonthdatehoursminutes"),
        y=alt.Y("predictions:Q", title=None).axis(tickMinStep=1),
        tooltip=[MINUTE_TOOLTIP, "predictions", "failed"],
    )
    return framed(bars, "Predictions per minute", height=160)


def latency(minutes: tuple[Minute, ...], since: datetime, until: datetime) -> Figure:
    table = pd.DataFrame(minutes)[["at", "mean_ms", "longest_ms"]]
    table = table.set_axis(["at", "mean", "longest"], axis="columns")
    table = table.melt("at", var_name="of", value_name="ms").dropna()
    lines = alt.Chart(table).mark_line(point={"size": 34})
    lines = lines.encode(
        x=_time_axis(since, until),
        y=alt.Y("ms:Q", title=None),
        color=shades("of", {"mean": BLUE, "longest": PALE_BLUE}),
        tooltip=[MINUTE_TOOLTIP, "of", alt.Tooltip("ms", format=".2f")],
    )
    return framed(lines, "Response time, in milliseconds", height=160)


def labelled_errors(
    recent: tuple[LoggedPrediction, ...],
    metric: Metric,
    typical: float | None,
    unit: str,
) -> Figure | None:
    """The error of each labelled prediction. None where no number is labelled."""
    table = pd.DataFrame(_labelled(recent, metric, unit))
    if table.empty:
        return None
    chart = alt.Chart(table).mark_point(color=BLUE, size=55, opacity=0.8)
    chart = chart.encode(
        x=alt.X("at:T", title=None).axis(format="%H:%M"),
        y=alt.Y("error:Q", title=None).axis(format=axis_format(metric)),
        tooltip=[
            "predicted",
            "truth",
            alt.Tooltip("error", format=axis_format(metric)),
        ],
    )
    note = ""
    if typical is not None:
        chart += dashed_line(typical, y="error")
        amount = words.metric(metric, typical, unit)
        note = f"Dashed: the champion's {metric.label} on the holdout, {amount}."
    return framed(chart, "Error of labelled predictions", note, height=150)


def _labelled(
    recent: tuple[LoggedPrediction, ...], metric: Metric, unit: str
) -> Iterator[dict[str, Any]]:
    for logged in recent:
        truth, predicted = numeric_truth(logged.get("label")), logged["output"]
        if truth is not None and predicted is not None:
            error = abs(predicted - truth)
            if metric.unit is Unit.SHARE:
                error /= abs(truth) or math.nan  # there is no share of 0
                error = min(error, 1.0)  # as the metric counts it
            yield {
                "at": predicted_at(logged),
                "error": error,
                "predicted": words.in_unit(predicted, unit),
                "truth": words.in_unit(truth, unit),
            }


def _time_axis(since: datetime, until: datetime) -> Any:
    labels = "%H:%M"
    if until - since > timedelta(days=1):
        labels = "%d %b"
    domain = [since.isoformat(), until.isoformat()]
    return alt.X("at:T", title=None).scale(domain=domain).axis(format=labels)
