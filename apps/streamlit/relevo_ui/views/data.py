"""Data: rows per batch, the quarantine and its reasons, and the drift of each column since training."""

import pandas as pd
import streamlit as st

from relevo.domain.batch import Batch
from relevo.domain.wording import count
from relevo_ui import blocks, cached, words
from relevo_ui.charts.data import distribution, drift_by_column, rows_per_batch
from relevo_ui.reading.record import History
from relevo_ui.reading.releases import ReleaseAbsent
from relevo_ui.selection import Selection, current_selection


def render_data() -> None:
    selection = current_selection()
    history = selection.history
    if not history.batches:
        blocks.heading("Data", "The rows of each batch.")
        blocks.empty_state(
            "No batches yet", f"Ingest the first: `relevo run {selection.case_name}`."
        )
        return
    bad_rows = sum(batch.bad_rows for batch in history.batches)
    blocks.heading(
        "Data",
        f"{count(history.rows, 'row')} in {count(len(history.batches), 'batch', 'batches')}, "
        f"{count(bad_rows, 'row')} in quarantine.",
    )
    left, right = st.columns([9, 11], gap="large")
    with left:
        batch = _chosen_batch(selection, history)
        blocks.show_figure(rows_per_batch(history.batches, batch.number))
        _show_quarantine(batch)
    with right:
        _show_drift(selection, history, batch)


def _chosen_batch(selection: Selection, history: History) -> Batch:
    """A link may name the batch; else it is the newest."""
    by_number = {str(batch.number): batch for batch in reversed(history.batches)}
    linked = st.query_params.get("batch", "")
    newest, *_ = numbers = list(by_number)
    chosen = st.selectbox(
        "Batch",
        numbers,
        index=numbers.index(linked if linked in numbers else newest),
        key=selection.key("batch", linked),
        format_func=lambda number: _batch_label(by_number[number]),
    )
    return by_number[chosen or newest]


def _batch_label(batch: Batch) -> str:
    rows, loaded = count(batch.rows, "row"), words.timestamp(batch.loaded_at)
    return f"Batch {batch.number} · {rows} · loaded {loaded}"


def _show_quarantine(batch: Batch) -> None:
    st.subheader(f"Quarantine of batch {batch.number}", anchor=False)
    if not batch.bad_rows:
        blocks.quiet("All its rows satisfy the contract.")
        return
    counts = cached.bad_cell_counts(batch)
    reasons = ", ".join(
        f"{words.title(column).lower()} {reason} ({cells:,})"
        for column, reason, cells in counts[:4]
    )
    blocks.quiet(f"{count(batch.bad_rows, 'row')} rejected: {reasons}.")
    table = pd.DataFrame(cached.bad_cells(batch))
    table = table.set_axis(["Row", "Column", "Value", "Reason"], axis="columns")
    st.dataframe(
        table,
        hide_index=True,
        height=min(262, 36 * (len(table) + 1)),
        row_height=31,
        column_config=blocks.widths(Row=60, Column=90, Value=100),
    )


def _show_drift(selection: Selection, history: History, batch: Batch) -> None:
    champion = history.champion
    if champion is None:
        blocks.empty_state(
            "No champion yet",
            "Drift is measured against the rows that a champion was trained on.",
        )
        return
    version = st.selectbox(
        "Beside the training rows of",
        # the champion first: it is the default
        sorted(history.versions, key=lambda version: version != champion),
        format_func=lambda version: (
            f"Version {version}{', the champion' * (version == champion)}"
        ),
        key=selection.key("profile", champion),
    )
    version = version or champion
    try:
        drifts = cached.column_drifts(batch, version)
    except ReleaseAbsent as absent:
        blocks.empty_state(f"Version {version} has no profile", str(absent))
        return
    if not drifts:
        blocks.empty_state(
            "Nothing to measure",
            f"Batch {batch.number} has no good rows with a known target.",
        )
        return
    blocks.show_figure(drift_by_column(drifts, selection.case.policy.input_drift))
    by_name = {drift.name: drift for drift in drifts}
    name = st.segmented_control(
        "Column",
        list(by_name),
        default=drifts[0].name,
        format_func=words.title,
        label_visibility="collapsed",
        required=True,
        key=selection.key("column", batch.number, version),
    )
    chosen = by_name[name or drifts[0].name]
    blocks.show_figure(distribution(chosen, batch.number, version))
