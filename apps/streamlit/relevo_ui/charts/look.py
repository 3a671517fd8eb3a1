"""One look for all charts. Blue, orange and grey stay apart for the colour-blind; shape says it again where it matters."""

from __future__ import annotations

from typing import Any

import altair as alt

INK, QUIET, FAINT, GRID = "#22303c", "#6b7a86", "#c3ccd4", "#e8edf1"
BLUE, PALE_BLUE, ORANGE, PALE_ORANGE = "#2f6f9f", "#a9c8e0", "#d1662b", "#f0b999"
FONT = "Source Sans, sans-serif"


def titled(chart: Any, title: str, subtitle: str = "", *, height: int) -> Any:
    """The chart with what is seen above it, and the look of all; `height` is that of everything."""
    heading = alt.TitleParams(
        title, subtitle=subtitle or alt.Undefined, anchor="start", frame="bounds", color=INK, fontSize=14,
        fontWeight=600, subtitleColor=QUIET, subtitleFontSize=12, offset=6, subtitlePadding=4,
    )  # fmt: skip
    return (
        (chart.properties(title=heading) if title else chart)
        .properties(width="container", height=height)
        .configure(font=FONT, background="transparent")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=QUIET, titleColor=QUIET, gridColor=GRID, domainColor=FAINT, tickColor=FAINT, labelFontSize=12,
            titleFontSize=12, titleFontWeight="normal", titlePadding=8, labelLimit=220,
        )
        .configure_legend(
            labelColor=INK, titleColor=QUIET, orient="top", title=None, labelFontSize=12, symbolSize=90, offset=2,
            labelLimit=260,
        )
    )  # fmt: skip
