"""Rows as they came, and how far the newer ones lie from those that a model learnt from."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from relevo.domain.batch import Batch
from relevo_ui import words
from relevo_ui.charts.look import BLUE, FAINT, INK, ORANGE, PALE_BLUE, titled
from relevo_ui.reading.columns import ColumnDrift

PSI_IN_WORDS = "population stability index (0: as in training)"


def rows(batches: tuple[Batch, ...], chosen: int) -> Any:
    """Good rows and those in quarantine, stacked."""
    table = pd.DataFrame(
        {
            "batch": one.number,
            "side": side,
            "rows": many,
            "order": order,
            "chosen": one.number == chosen,
        }
        for one in batches
        for order, (side, many) in enumerate(
            (("good", one.rows - one.bad_rows), ("in quarantine", one.bad_rows))
        )
    )
    bars = alt.Chart(table).mark_bar(stroke=INK)
    bars = bars.encode(
        x=alt.X(
            "batch:O",
            title="batch",
            axis=alt.Axis(labelAngle=0, labelOverlap=True, ticks=False),
        ),
        y=alt.Y("rows:Q", title="rows", axis=alt.Axis(format="~s", tickCount=4)),
        color=alt.Color(
            "side:N",
            scale=alt.Scale(
                domain=["good", "in quarantine"], range=[PALE_BLUE, ORANGE]
            ),
            legend=alt.Legend(
                title=None, symbolType="square", symbolStrokeColor="transparent"
            ),
        ),
        order="order:Q",
        strokeWidth=alt.condition(
            "datum.chosen && datum.side == 'good'", alt.value(2), alt.value(0)
        ),
        tooltip=[
            alt.Tooltip("batch:O"),
            alt.Tooltip("side:N", title="rows that are"),
            alt.Tooltip("rows:Q", format=","),
        ],
    )
    return titled(
        bars,
        "Rows by batch",
        "Orange: rows that break the contract; they are kept out of training.",
        height=255,
    )


def drifts(found: tuple[ColumnDrift, ...], limit: float) -> Any:
    """PSI of each column, with the limit at which the policy calls for training."""
    table = pd.DataFrame(
        {
            "column": [words.title(one.name) for one in found],
            "psi": [one.psi for one in found],
        }
    )
    table["state"] = [
        "beyond the limit" if value > limit else "steady" for value in table["psi"]
    ]
    reach = max(limit, table["psi"].max()) * 1.18
    bars = alt.Chart(table).mark_bar(height=13, cornerRadius=2)
    bars = bars.encode(
        x=alt.X(
            "psi:Q",
            scale=alt.Scale(domain=[0, reach]),
            axis=alt.Axis(title=PSI_IN_WORDS, tickCount=6),
        ),
        y=alt.Y(
            "column:N",
            sort=None,
            title=None,
            axis=alt.Axis(ticks=False, domain=False, labelColor=INK),
        ),
        color=alt.Color(
            "state:N",
            scale=alt.Scale(
                domain=["steady", "beyond the limit"], range=[BLUE, ORANGE]
            ),
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("column:N"),
            alt.Tooltip("psi:Q", title="PSI", format=".3f"),
            alt.Tooltip("state:N"),
        ],
    )
    text = bars.mark_text(align="left", dx=5, color=INK, fontSize=12).encode(
        text=alt.Text("psi:Q", format=".3f"), color=alt.value(INK)
    )
    mark = pd.DataFrame({"limit": [limit], "says": [f"limit {limit:.2f}"]})
    rule = (
        alt.Chart(mark)
        .mark_rule(color=ORANGE, strokeDash=[5, 4], strokeWidth=1.5)
        .encode(x="limit:Q")
    )
    worst = table["column"].iloc[0]
    return titled(
        rule + bars + text,
        "How far each column has moved since training",
        f"Most in {worst.lower()}. Dashed: from {limit:.2f} on, the policy calls for training.",
        height=24 * len(table) + 95,
    )


def distribution(one: ColumnDrift, batch: int, version: str) -> Any:
    """Shares of rows a bin, training beside batch."""
    names = (f"training of version {version}", f"batch {batch}")
    table = pd.DataFrame(
        [
            (bin, names[0], share)
            for bin, share in zip(one.bins, one.reference, strict=True)
        ]
        + [
            (bin, names[1], share)
            for bin, share in zip(one.bins, one.batch, strict=True)
        ],
        columns=["bin", "rows of", "share"],
    )
    slanted = sum(len(bin) for bin in one.bins) > 70
    bars = alt.Chart(table).mark_bar()
    bars = bars.encode(
        x=alt.X(
            "bin:N",
            sort=list(one.bins),
            title=None,
            axis=alt.Axis(
                labelAngle=-35 if slanted else 0,
                labelOverlap=not slanted,
                ticks=False,
                labelLimit=120,
            ),
        ),
        xOffset=alt.XOffset("rows of:N", sort=list(names)),
        y=alt.Y(
            "share:Q", title="share of rows", axis=alt.Axis(format=".0%", tickCount=4)
        ),
        color=alt.Color(
            "rows of:N",
            scale=alt.Scale(domain=list(names), range=[FAINT, BLUE]),
            legend=alt.Legend(title=None, symbolType="square"),
        ),
        tooltip=["bin:N", "rows of:N", alt.Tooltip("share:Q", format=".1%")],
    )
    heading = f"{words.title(one.name)}: batch {batch} beside training"
    return titled(
        bars,
        heading,
        "Each bar is a share of its rows, so that few rows compare with many.",
        height=275,
    )
