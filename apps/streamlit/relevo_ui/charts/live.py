"""What is answered now: how much, how fast, how well."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import altair as alt
import pandas as pd

from relevo.domain.metrics import MAPE, Metric
from relevo.domain.prediction import LoggedPrediction, Minute
from relevo_ui import words
from relevo_ui.charts.look import BLUE, FAINT, ORANGE, PALE_BLUE, titled
from relevo_ui.reading.traffic import moment_of, truth_of

MOST_OF_A_MINUTE = timedelta(seconds=42)


def volume(minutes: tuple[Minute, ...], since: datetime, until: datetime) -> Any:
    table = pd.DataFrame(
        {
            "at": one.at,
            "end": one.at + MOST_OF_A_MINUTE,
            "predictions": one.predictions,
            "failed": one.failed,
        }
        for one in minutes
    )
    bars = alt.Chart(table).mark_rect(color=BLUE)
    bars = bars.encode(
        x=_time(since, until),
        x2="end:T",
        y2=alt.Y2Datum(0),
        y=alt.Y("predictions:Q", title=None, axis=alt.Axis(tickCount=4, tickMinStep=1)),
        tooltip=[
            _minute(),
            alt.Tooltip("predictions:Q", format=","),
            alt.Tooltip("failed:Q", format=","),
        ],
    )
    return titled(bars, "Predictions a minute", height=170)


def latency(minutes: tuple[Minute, ...], since: datetime, until: datetime) -> Any:
    known = [one for one in minutes if one.mean_ms is not None]
    table = pd.DataFrame(
        [(one.at, one.mean_ms, one.longest_ms) for one in known],
        columns=["at", "mean", "longest"],
    )
    table = table.melt("at", var_name="which", value_name="ms")
    shades = alt.Scale(domain=["mean", "longest"], range=[BLUE, PALE_BLUE])
    base = alt.Chart(table).encode(
        x=_time(since, until),
        y=alt.Y("ms:Q", title=None, axis=alt.Axis(tickCount=4)),
        color=alt.Color(
            "which:N", scale=shades, legend=alt.Legend(title=None, symbolType="circle")
        ),
        tooltip=[_minute(), alt.Tooltip("which:N"), alt.Tooltip("ms:Q", format=".2f")],
    )
    return titled(
        base.mark_line() + base.mark_point(filled=True, size=34, opacity=1),
        "Milliseconds an answer took",
        height=170,
    )


def error(
    recent: tuple[LoggedPrediction, ...],
    measure: Metric,
    typical: float | None,
    unit: str,
) -> Any:
    """Each labelled answer's error, beside what the model is typically off by. None where no number is labelled."""
    points = []
    for one in recent:
        truth = truth_of(one)
        if truth is None or one["output"] is None or (measure == MAPE and not truth):
            continue
        off = abs(one["output"] - truth) / (abs(truth) if measure == MAPE else 1)
        points.append(
            (
                moment_of(one),
                off,
                words.amount(one["output"], unit),
                words.amount(truth, unit),
            )
        )
    if not points:
        return None
    table = pd.DataFrame(points, columns=["at", "off", "predicted", "truth"])
    shape = ".0%" if measure == MAPE else "~s"
    dots = alt.Chart(table).mark_point(filled=True, color=BLUE, size=55, opacity=0.8)
    dots = dots.encode(
        x=alt.X(
            "at:T",
            title=None,
            axis=alt.Axis(format="%H:%M", tickCount=6, labelOverlap=True),
        ),
        y=alt.Y(
            "off:Q",
            title=None,
            axis=alt.Axis(format=shape, tickCount=4),
            scale=alt.Scale(domainMin=0),
        ),
        tooltip=[
            "predicted:N",
            "truth:N",
            alt.Tooltip("off:Q", title="off by", format=shape),
        ],
    )
    if typical is None:
        return titled(dots, "How far off answers were whose truth is known", height=190)
    rule = (
        alt.Chart(pd.DataFrame({"off": [typical]}))
        .mark_rule(color=ORANGE, strokeDash=[5, 4], strokeWidth=1.5)
        .encode(y="off:Q")
    )
    says = f"Dashed: the champion's {measure.label} on the holdout, {words.metric(measure.name, typical, unit)}."
    return titled(
        dots + rule, "How far off answers were whose truth is known", says, height=178
    )


def _time(since: datetime, until: datetime) -> Any:
    hours = (until - since).total_seconds() / 3600
    return alt.X(
        "at:T", title=None, scale=alt.Scale(domain=[since.isoformat(), until.isoformat()]),
        axis=alt.Axis(format="%H:%M" if hours <= 24 else "%d %b", tickCount=5, labelOverlap=True, grid=False, domainColor=FAINT),
    )  # fmt: skip


def _minute() -> Any:
    return alt.Tooltip("at:T", title="minute", format="%d %b %H:%M")
