"""Two versions beside each other."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from relevo.domain.metrics import Metric, Unit
from relevo_ui import words
from relevo_ui.charts.look import BLUE, FAINT, INK, ORANGE, titled
from relevo_ui.reading.comparison import Slice


def slices(
    found: tuple[Slice, ...], names: tuple[str, str], measure: Metric, unit: str
) -> Any:
    """Both versions' error on each group of the same holdout rows, joined by a line."""
    labels = [f"{one.label} ({one.rows:,} rows)" for one in found]
    table = pd.DataFrame(
        {
            "group": labels,
            "first": [one.first for one in found],
            "second": [one.second for one in found],
            "change": [_change(one) for one in found],
        }
    )
    points = table.melt(["group", "change"], ["first", "second"], "which", "error")
    points["version"] = points["which"].map(
        dict(zip(("first", "second"), names, strict=True))
    )
    points["says"] = [
        words.metric(measure.name, value, unit) for value in points["error"]
    ]
    y = alt.Y(
        "group:N",
        sort=labels,
        title=None,
        axis=alt.Axis(ticks=False, domain=False, labelLimit=300, labelColor=INK),
    )
    x_axis = alt.Axis(
        title=measure.label,
        format=".1%" if measure.unit is Unit.SHARE else "~s",
        tickCount=6,
    )
    x = alt.X("error:Q", scale=alt.Scale(zero=False, padding=24), axis=x_axis)
    lines = (
        alt.Chart(table)
        .mark_rule(color=FAINT, strokeWidth=3)
        .encode(x=alt.X("first:Q"), x2="second:Q", y=y)
    )
    dots = alt.Chart(points).mark_point(filled=True, size=120, opacity=1)
    dots = dots.encode(
        x=x,
        y=y,
        color=alt.Color(
            "version:N",
            scale=alt.Scale(domain=list(names), range=[BLUE, ORANGE]),
            legend=alt.Legend(title=None),
        ),
        shape=alt.Shape(
            "version:N",
            scale=alt.Scale(domain=list(names), range=["circle", "diamond"]),
            legend=alt.Legend(title=None),
        ),
        tooltip=[
            alt.Tooltip("group:N"),
            alt.Tooltip("version:N"),
            alt.Tooltip("says:N", title=measure.label),
        ],
    )
    change = (
        alt.Chart(table)
        .mark_text(align="right", color=INK, fontSize=12)
        .encode(x=alt.value("width"), y=y, text="change:N")
    )
    return titled(
        lines + dots + change,
        f"{measure.label} by group, on the same holdout rows",
        f"To the left is better. At the right edge: how {names[1]} changes the error of {names[0]}.",
        height=40 * len(table) + 125,
    )


def _change(one: Slice) -> str:
    if not one.first:
        return ""
    share = one.second / one.first - 1
    return f"{'+' if share > 0 else '−'}{abs(share) * 100:.1f} %"
