"""Rows per batch, and the drift of columns since training."""

import altair as alt
import pandas as pd

from relevo.domain.batch import Batch
from relevo_ui import words
from relevo_ui.charts.look import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    OUTLINE_CHOSEN,
    PALE_BLUE,
    Figure,
    dashed_line,
    framed,
    in_order,
    labelled_bars,
    shades,
)
from relevo_ui.reading.columns import ColumnDrift

ROW_STATES = {"good": PALE_BLUE, "in quarantine": ORANGE}


def rows_per_batch(batches: tuple[Batch, ...], chosen: int) -> Figure:
    table = pd.DataFrame(
        {
            "batch": batch.number,
            "good": batch.rows - batch.bad_rows,
            "in quarantine": batch.bad_rows,
            "chosen": batch.number == chosen,
        }
        for batch in batches
    )
    bars = (
        alt.Chart(table)
        .transform_fold(list(ROW_STATES), as_=["state", "rows"])
        .mark_bar(stroke=INK)
        .encode(
            x="batch:O",
            y="rows:Q",
            color=shades("state", ROW_STATES),
            order="state:N",
            strokeWidth=OUTLINE_CHOSEN,
            tooltip=["batch", "state:N", alt.Tooltip("rows:Q", format=",")],
        )
    )
    note = "Orange: rows that break the contract. They are not used for training."
    return framed(bars, "Rows per batch", note, height=220)


def drift_by_column(drifts: tuple[ColumnDrift, ...], limit: float) -> Figure:
    """The PSI of each column, and the limit at which the policy calls for training."""
    table = pd.DataFrame(
        {"column": words.title(each.name), "PSI": each.psi} for each in drifts
    )
    x = alt.X("PSI:Q", title="population stability index (0: as in training)")
    # beside the longest bar there is room for its number
    x = x.scale(domain=[0, 1.18 * max(limit, table["PSI"].max())])
    colour = alt.condition(f"datum.PSI > {limit}", alt.value(ORANGE), alt.value(BLUE))
    most = table["column"].iloc[0].lower()
    return framed(
        dashed_line(limit, x="PSI") + labelled_bars(table, x, "column", ".3f", colour),
        "Drift of each column since training",
        f"Most in {most}. Dashed: from {limit:.2f} on, the policy calls for training.",
        height=24 * len(table) + 60,
    )


def distribution(drift: ColumnDrift, batch: int, version: str) -> Figure:
    """Shares of rows per bin, training beside batch."""
    colours = {f"training of version {version}": FAINT, f"batch {batch}": BLUE}
    table = pd.DataFrame(
        zip(drift.bins, drift.reference, drift.batch, strict=True),
        columns=["bin", *colours],
    )
    bars = (
        alt.Chart(table)
        .transform_fold(list(colours), as_=["rows of", "share"])
        .mark_bar()
        .encode(
            x=alt.X("share:Q", title="share of rows").axis(format=".0%"),
            y=in_order("bin"),
            yOffset=alt.YOffset("rows of:N", sort=list(colours)),
            color=shades("rows of", colours),
            tooltip=["bin", "rows of:N", alt.Tooltip("share:Q", format=".1%")],
        )
    )
    return framed(
        bars,
        f"{words.title(drift.name)}: batch {batch} beside training",
        "Shares, so that a small batch can be compared with all rows of training.",
        height=20 * len(table) + 80,
    )
