"""Batches in order: their rows, what was decided, and the champion's error."""

from typing import Any

import altair as alt
import pandas as pd

from relevo.domain.metrics import Metric
from relevo_ui import words
from relevo_ui.charts.look import (
    BLUE,
    FAINT,
    GRID,
    INK,
    ORANGE,
    OUTLINE_CHOSEN,
    QUIET,
    Figure,
    axis_format,
    error_axis,
    framed,
    shades,
)
from relevo_ui.reading.record import HistoryEntry

PICKED = "picked"
DECISION_COLOURS = {
    "trained": BLUE,
    "skipped": FAINT,
    "stopped": ORANGE,
    "waiting": GRID,
}
RESULT_SHAPES = {"promoted": "triangle-up", "rejected": "cross", "in contest": "circle"}


def timeline(entries: tuple[HistoryEntry, ...], chosen: int) -> Figure:
    """One bar per batch, and a mark above it where a challenger met the champion. Bars can be clicked."""
    # of a batch with several decisions, the last one counts
    last_by_batch = {entry.batch.number: entry for entry in entries}
    table = pd.DataFrame(
        {
            "batch": number,
            "rows": entry.batch.rows,
            "decision": entry.outcome,
            "result": entry.result,
            "version": entry.version,
            "reason": entry.reason,
            "loaded": words.timestamp(entry.batch.loaded_at),
            "chosen": number == chosen,
        }
        for number, entry in last_by_batch.items()
    )
    # the legend names only those that are there
    present = filter(set(table["decision"]).__contains__, DECISION_COLOURS)
    colours = {decision: DECISION_COLOURS[decision] for decision in present}
    x = alt.X("batch:O", title=None)
    bars = alt.Chart(table).mark_bar(cornerRadiusEnd=2, cursor="pointer", stroke=INK)
    bars = bars.encode(
        x=x,
        y="rows:Q",
        color=shades("decision", colours),
        strokeWidth=OUTLINE_CHOSEN,
        tooltip=["batch", "rows", "decision", "reason", "loaded"],
    ).add_params(
        alt.selection_point(name=PICKED, fields=["batch"], on="click", empty=False)
    )
    marks = alt.Chart(table[table["result"] != ""])
    marks = marks.mark_point(size=90, yOffset=-11, color=INK)
    marks = marks.encode(
        x=x, y="rows:Q", shape=_result_shape(), tooltip=["version", "result"]
    )
    return framed(bars + marks, "Rows and decision per batch", height=180)


def error_by_batch(
    entries: tuple[HistoryEntry, ...], metric: Metric, unit: str
) -> Figure:
    """The champion's error on each new batch, and each challenger's on the holdout."""
    base = alt.Chart(_errors(entries, metric)).encode(
        # all batches, those without an error too
        x=alt.X("batch:O").scale(domain=sorted({e.batch.number for e in entries})),
        y=error_axis(alt.Y, metric, unit),
        tooltip=["batch", "model", alt.Tooltip("error", format=axis_format(metric))],
    )
    line = base.transform_filter("datum.result === ''")
    line = line.mark_line(color=BLUE, point={"size": 38, "color": BLUE})
    challengers = base.transform_filter("datum.result !== ''")
    marks = challengers.mark_point(size=95, color=ORANGE)
    marks = marks.encode(shape=_result_shape().legend(None))
    names = challengers.mark_text(dy=15, color=QUIET, fontSize=11).encode(text="model")
    return framed(
        line + marks + names,
        f"{metric.label} of the champion on each new batch, and of challengers on the holdout",
        "Blue: the champion at that time, on rows it was not trained on. Orange: challengers, after training.",
        height=200,
    )


def _errors(entries: tuple[HistoryEntry, ...], metric: Metric) -> pd.DataFrame:
    """Only the errors of challengers have a result."""
    rows = []
    for entry in entries:
        number, champion = entry.batch.number, f"version {entry.champion}, champion"
        error = entry.error_on_holdout(metric)
        rows.append((number, entry.error_on_batch, champion, ""))
        rows.append((number, error, f"version {entry.version}", entry.result))
    table = pd.DataFrame(rows, columns=["batch", "error", "model", "result"])
    return table.dropna(subset="error")


def _result_shape() -> Any:
    scale = alt.Scale(domain=list(RESULT_SHAPES), range=list(RESULT_SHAPES.values()))
    return alt.Shape("result:N", scale=scale).legend(
        symbolFillColor=INK, values=["promoted", "rejected"]
    )
