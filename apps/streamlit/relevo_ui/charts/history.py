"""Batches as they came: how many rows, what was decided, and how well the champion did."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from relevo.domain.identity import Split
from relevo.domain.metrics import Metric, Unit
from relevo_ui import words
from relevo_ui.charts.look import BLUE, FAINT, INK, ORANGE, QUIET, titled
from relevo_ui.reading.record import Entry

PICKED = "picked"
LEFT = 46  # so that the batches of both charts stand above each other
OUTCOMES = ("trained", "skipped", "stopped", "waiting")
COLOURS = (BLUE, FAINT, ORANGE, "#e8edf1")
RESULTS = ("promoted", "kept out")


def timeline(entries: tuple[Entry, ...], chosen: int) -> Any:
    """A bar a batch, as tall as it has rows; a mark above it where a challenger met the champion. Bars can be clicked."""
    table = pd.DataFrame(
        {
            "batch": one.batch.number,
            "rows": one.batch.rows,
            "outcome": one.outcome,
            "result": one.result or None,
            "version": f"version {one.training.version}" if one.training else "",
            "reason": one.reason,
            "loaded": words.moment(one.batch.loaded_at),
            "chosen": one.batch.number == chosen,
        }
        for one in entries
    )
    # a batch that was decided on twice is one bar: the last word on it
    table = table.groupby("batch", as_index=False).last()
    picked = alt.selection_point(name=PICKED, fields=["batch"], on="click", empty=False)
    tooltip = [
        alt.Tooltip("batch:O"),
        alt.Tooltip("rows:Q", format=","),
        alt.Tooltip("outcome:N", title="decision"),
        alt.Tooltip("reason:N"),
        alt.Tooltip("loaded:N"),
    ]
    x = alt.X("batch:O", title=None, axis=_batches(len(table)))
    shown = [name for name in OUTCOMES if name in set(table["outcome"])]
    colour = alt.Color(
        "outcome:N", scale=alt.Scale(domain=shown, range=[COLOURS[OUTCOMES.index(name)] for name in shown]),
        legend=alt.Legend(title=None, symbolType="square", symbolStrokeColor="transparent"),
    )  # fmt: skip
    bars = (
        alt.Chart(table)
        .mark_bar(
            cornerRadiusTopLeft=2, cornerRadiusTopRight=2, cursor="pointer", stroke=INK
        )
        .encode(
            x=x,
            y=alt.Y(
                "rows:Q",
                title="rows",
                axis=alt.Axis(format="~s", tickCount=4, minExtent=LEFT),
            ),
            color=colour,
            strokeWidth=alt.condition("datum.chosen", alt.value(2), alt.value(0)),
            tooltip=tooltip,
        )
        .add_params(picked)
    )
    marks = (
        alt.Chart(table[table["result"].notna()])
        .mark_point(filled=True, size=90, opacity=1, yOffset=-11, color=INK)
        .encode(
            x=x, y="rows:Q", shape=_result_shape(), tooltip=["version:N", "result:N"]
        )
    )
    layers = bars + marks
    return titled(layers, "Rows by batch, and what was decided", height=205)


def errors(entries: tuple[Entry, ...], measure: Metric, unit: str) -> Any:
    """The champion's error on each batch that came, and each challenger's on the holdout."""
    on_batch = [
        {
            "batch": one.batch.number,
            "error": one.error_on_batch,
            "who": f"version {one.champion}, champion",
        }
        for one in entries
        if one.error_on_batch is not None
    ]
    on_holdout = [
        {
            "batch": one.batch.number,
            "error": measure.of(one.training.metrics, Split.TEST),
            "result": one.result or "waiting",
            "who": f"version {one.training.version}",
        }
        for one in entries
        if one.training and measure.of(one.training.metrics, Split.TEST) is not None
    ]
    every = sorted({one.batch.number for one in entries})
    x = alt.X(
        "batch:O",
        title="batch",
        scale=alt.Scale(domain=every),
        axis=_batches(len(every)),
    )
    y = alt.Y(
        "error:Q",
        title=None,
        scale=alt.Scale(zero=False, padding=20),
        axis=_axis(measure, unit),
    )
    tooltip = [
        alt.Tooltip("batch:O"),
        alt.Tooltip("who:N", title="model"),
        alt.Tooltip("error:Q", format=_format(measure)),
    ]
    base = alt.Chart(pd.DataFrame(on_batch, columns=["batch", "error", "who"]))
    line = base.mark_line(
        color=BLUE, strokeWidth=2, point={"filled": True, "size": 38, "color": BLUE}
    )
    line = line.encode(x=x, y=y, tooltip=tooltip)
    marks = (
        alt.Chart(pd.DataFrame(on_holdout, columns=["batch", "error", "result", "who"]))
        .mark_point(filled=True, size=95, opacity=1, color=ORANGE)
        .encode(
            x=x,
            y=y,
            shape=_result_shape(legend=False),
            tooltip=[*tooltip, alt.Tooltip("result:N")],
        )
    )
    names = marks.mark_text(dy=15, color=QUIET, fontSize=11).encode(
        text="who:N", shape=alt.Undefined
    )
    return titled(
        line + marks + names,
        f"{measure.label} of the champion on each new batch, and of challengers on the holdout",
        "Blue: the champion of the day on rows it had never seen. Orange: a challenger when it was trained.",
        height=225,
    )


def _result_shape(*, legend: bool = True) -> Any:
    return alt.Shape(
        "result:N",
        scale=alt.Scale(
            domain=[*RESULTS, "waiting"], range=["triangle-up", "cross", "circle"]
        ),
        legend=alt.Legend(title=None, values=list(RESULTS), symbolFillColor=INK)
        if legend
        else None,
    )


def _batches(count: int) -> Any:
    return alt.Axis(
        labelAngle=0,
        labelOverlap=True,
        ticks=False,
        domainColor=FAINT,
        labelSeparation=6 if count > 40 else 0,
    )


def _axis(measure: Metric, unit: str) -> Any:
    title = (
        measure.label
        if measure.unit is not Unit.TARGET or not unit
        else f"{measure.label}, {unit}"
    )
    return alt.Axis(title=title, format=_format(measure), tickCount=4, minExtent=LEFT)


def _format(measure: Metric) -> str:
    return ".1%" if measure.unit is Unit.SHARE else ".3~s"
