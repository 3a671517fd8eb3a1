"""One look for all charts, and the pieces that several of them share.

Blue, orange and grey differ for the colour-blind too; where it matters, shape repeats it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from relevo.domain.metrics import Metric, Unit

INK, QUIET, FAINT, GRID = "#22303c", "#6b7a86", "#c3ccd4", "#e8edf1"
BLUE, PALE_BLUE, ORANGE = "#2f6f9f", "#a9c8e0", "#d1662b"

# on top of Streamlit's own theme
LOOK: dict[str, Any] = {
    "axis": {
        "labelColor": QUIET,
        "labelFontSize": 12,
        "labelLimit": 220,
        "titleColor": QUIET,
        "titleFontSize": 12,
        "titlePadding": 8,
        "gridColor": GRID,
    },
    "axisXQuantitative": {"tickCount": 5},
    "axisXDiscrete": {"labelAngle": 0, "ticks": False},
    "axisXTemporal": {"grid": False, "tickCount": 5},
    "axisYDiscrete": {"ticks": False, "domain": False, "labelColor": INK},
    # one width for all, so that batches of charts below each other are aligned
    "axisYQuantitative": {"tickCount": 4, "minExtent": 46},
    "legend": {
        "title": None,
        "orient": "top",
        "labelColor": INK,
        "symbolSize": 90,
        "symbolType": "square",
        "symbolStrokeWidth": 0,
    },
    "point": {"filled": True, "opacity": 1},
    "text": {"color": INK, "fontSize": 12},
}
AXIS_FORMATS = {Unit.SHARE: ".0%"}
OUTLINE_CHOSEN = alt.condition("datum.chosen", alt.value(2), alt.value(0))


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, and what is written above it."""

    chart: Any
    title: str = ""
    note: str = ""


def framed(chart: Any, title: str = "", note: str = "", *, height: int) -> Figure:
    chart = chart.properties(width="container", height=height, description=title)
    return Figure(chart.configure(**LOOK), title, note)


def axis_format(metric: Metric) -> str:
    return AXIS_FORMATS.get(metric.unit, "~s")


def error_axis(axis: Any, metric: Metric, unit: str) -> Any:
    """Of the column `error`; `axis` is alt.X or alt.Y."""
    title = metric.label
    if metric.unit is Unit.TARGET and unit:
        title += f", {unit}"
    channel = axis("error:Q", title=title).scale(zero=False, padding=22)
    return channel.axis(format=axis_format(metric))


def in_order(column: str) -> Any:
    """Rows of a chart, in the table's order."""
    return alt.Y(f"{column}:N", sort=None, title=None)


def shades(field: str, colours: Mapping[str, str]) -> Any:
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return alt.Color(f"{field}:N", scale=scale)


def dashed_line(value: float, **channel: str) -> Any:
    """At `value` on the axis of `x` or `y`, which names the column."""
    (column,) = channel.values()
    rule = alt.Chart(pd.DataFrame({column: [value]}))
    rule = rule.mark_rule(color=ORANGE, strokeDash=[5, 4], strokeWidth=1.5)
    return rule.encode(**channel)


def labelled_bars(
    table: pd.DataFrame, x: Any, label: str, labels: str, colour: Any
) -> Any:
    """Horizontal bars in the table's order, with their values in the format `labels`."""
    base = alt.Chart(table).encode(x=x, y=in_order(label))
    text = base.mark_text(align="left", dx=6)
    text = text.encode(text=alt.Text(x.shorthand, format=labels))
    return base.mark_bar(height=14, cornerRadius=2).encode(color=colour) + text
