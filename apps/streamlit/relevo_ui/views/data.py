"""Data: rows by batch, what is in quarantine and why, and how far each column has moved since training."""

from __future__ import annotations

from html import escape

import pandas as pd
import streamlit as st

from relevo.domain.batch import Batch
from relevo_ui import blocks, cached, words
from relevo_ui.charts import data as charts
from relevo_ui.place import Place, here
from relevo_ui.reading.columns import ColumnDrift
from relevo_ui.reading.record import History
from relevo_ui.reading.releases import ReleaseAbsent


def show() -> None:
    place = here()
    history = cached.history(place.case_name)
    if not history.batches:
        blocks.heading("Data", "Rows as they came.")
        blocks.nothing(
            "No batches yet", f"Bring them in: `relevo run {place.case_name}`."
        )
        return
    bad = sum(batch.bad_rows for batch in history.batches)
    blocks.heading(
        "Data",
        f"{words.count(history.rows, 'row')} in {words.count(len(history.batches), 'batch', 'batches')}, "
        f"{words.count(bad, 'row')} in quarantine.",
    )
    left, right = st.columns([9, 11], gap="large")
    with left:
        batch = _choose(place, history)
        st.altair_chart(charts.rows(history.batches, batch.number))
        _quarantine(place, batch)
    with right:
        _drift(place, history, batch)


def _choose(place: Place, history: History) -> Batch:
    """A link may name the batch; else it is the newest."""
    by_number = {batch.number: batch for batch in history.batches}
    asked = st.query_params.get("batch", "")
    first = (
        int(asked)
        if asked.isdigit() and int(asked) in by_number
        else history.batches[-1].number
    )
    numbers = sorted(by_number, reverse=True)
    chosen = st.selectbox(
        "Batch", numbers, index=numbers.index(first), key=f"batch {place.case_name} {asked}",
        format_func=lambda number: _named(by_number[number]),
    )  # fmt: skip
    return by_number[first if chosen is None else chosen]


def _named(batch: Batch) -> str:
    return f"Batch {batch.number} · {words.count(batch.rows, 'row')} · loaded {words.moment(batch.loaded_at)}"


def _quarantine(place: Place, batch: Batch) -> None:
    st.subheader(f"Quarantine of batch {batch.number}", anchor=False)
    if not batch.bad_rows:
        st.html('<div class="quiet">No row of it breaks the contract.</div>')
        return
    found = cached.quarantine(place.case_name, batch)
    counts = ", ".join(
        f"{words.title(column).lower()} {reason} ({cells:,})"
        for column, reason, cells in found.counts[:4]
    )
    st.html(
        f'<div class="quiet">{words.count(batch.bad_rows, "row")} kept out of training: {escape(counts)}.</div>'
    )
    table = pd.DataFrame(
        {
            "Row": one.position,
            "Column": one.column,
            "Value": one.value,
            "Reason": one.reason,
        }
        for one in found.cells
    )
    st.dataframe(
        table, hide_index=True, height=min(262, 36 * (len(table) + 1)), row_height=31,
        column_config={
            "Row": st.column_config.NumberColumn(width=60),
            "Column": st.column_config.TextColumn(width=90),
            "Value": st.column_config.TextColumn(width=100),
        },
    )  # fmt: skip


def _drift(place: Place, history: History, batch: Batch) -> None:
    if history.champion is None:
        blocks.nothing(
            "No champion yet",
            "Drift is measured against the rows that a champion learnt from.",
        )
        return
    versions = [one.version for one in reversed(history.trainings)]
    version = st.selectbox(
        "Beside the training rows of", versions, index=versions.index(history.champion) if history.champion in versions else 0,
        format_func=lambda one: f"Version {one}{', the champion' if one == history.champion else ''}",
        key=f"profile {place.case_name} {history.champion}",
    )  # fmt: skip
    try:
        found = cached.drift(place.case_name, batch, version or history.champion)
    except ReleaseAbsent as absent:
        blocks.nothing(f"Version {version} has no profile", str(absent))
        return
    if not found:
        blocks.nothing(
            "Nothing to measure",
            f"Batch {batch.number} has no clean rows with a known target.",
        )
        return
    st.altair_chart(charts.drifts(found, place.case.policy.input_drift))
    _column(found, batch, version or history.champion, place)


def _column(
    found: tuple[ColumnDrift, ...], batch: Batch, version: str, place: Place
) -> None:
    by_name = {one.name: one for one in found}
    name = st.segmented_control(
        "Column", list(by_name), default=found[0].name, format_func=words.title, label_visibility="collapsed", required=True,
        key=f"column {place.case_name} {batch.number} {version}",
    )  # fmt: skip
    st.altair_chart(
        charts.distribution(by_name[name or found[0].name], batch.number, version)
    )
