"""Two versions beside each other."""

import altair as alt
import pandas as pd

from relevo.domain.metrics import Metric
from relevo_ui import words
from relevo_ui.charts.look import (
    BLUE,
    FAINT,
    ORANGE,
    Figure,
    error_axis,
    framed,
    in_order,
    shades,
)
from relevo_ui.reading.comparison import SliceErrors


def error_by_slice(
    slices: tuple[SliceErrors, ...], names: tuple[str, str], metric: Metric, unit: str
) -> Figure:
    """Both versions' error on each group of the same holdout rows, joined by a line."""
    table = pd.DataFrame(
        {
            "group": f"{each.label} ({each.rows:,} rows): {words.relative_change(each.first, each.second)}",
            names[0]: each.first,
            names[1]: each.second,
        }
        for each in slices
    )
    points = table.melt("group", var_name="version", value_name="error")
    points["amount"] = [words.metric(metric, error, unit) for error in points["error"]]
    y = in_order("group").axis(None)
    dots = alt.Chart(points).mark_point(size=120)
    dots = dots.encode(
        x=error_axis(alt.X, metric, unit),
        y=y,
        color=shades("version", dict(zip(names, (BLUE, ORANGE), strict=True))),
        shape=alt.Shape("version:N").scale(domain=names, range=["circle", "diamond"]),
        tooltip=["group", "version", alt.Tooltip("amount", title=metric.label)],
    )
    base = alt.Chart(table).encode(y=y)
    lines = base.mark_rule(color=FAINT, strokeWidth=3)
    lines = lines.encode(x=f"{names[0]}:Q", x2=names[1])
    # above its line, where the label of any length has room on a narrow screen too
    labels = base.mark_text(align="left", dy=-14).encode(x=alt.value(0), text="group")
    return framed(
        lines + dots + labels,
        f"{metric.label} per group, on the same holdout rows",
        f"Left is better. Percentages: the change from {names[0]} to {names[1]}.",
        height=44 * len(table) + 80,
    )
