"""History: each batch, its decision and its reason, the contest; click one for all its evidence."""

from dataclasses import asdict
from html import escape

import pandas as pd
import streamlit as st

from relevo.domain.identity import Split
from relevo.domain.metrics import Metric
from relevo.domain.policy import Policy
from relevo.domain.wording import count, fixed_percent, percent, ranges
from relevo_ui import blocks, cached, words
from relevo_ui.charts.history import PICKED, error_by_batch, timeline
from relevo_ui.reading.record import History, HistoryEntry, measured
from relevo_ui.selection import Selection, current_selection

MARKS_OF_CALLS = {True: ("yes", "●"), False: ("quiet", "○"), None: ("quiet", "–")}
CHIP_COLOURS = {"trained": "blue", "stopped": "orange", "promoted": "blue"}


@st.fragment(run_every=blocks.REFRESH_SECONDS)
@blocks.guarded()
def render_history() -> None:
    selection = current_selection()
    history = selection.history
    promoted = sum(entry.result == "promoted" for entry in history.entries)
    blocks.heading(
        "History",
        f"{count(len(history.batches), 'batch', 'batches')} with {count(history.rows, 'row')}: "
        f"{count(len(history.versions), 'training')}, {count(promoted, 'promotion')}.",
    )
    if not history.entries:
        blocks.empty_state(
            "No batches yet",
            f"Ingest the first with `relevo run {selection.case_name}`, or start Airflow (`make up`). "
            "This page refreshes by itself.",
        )
        return
    entry = _chosen_entry(history, selection)
    left, right = st.columns([13, 9], gap="large")
    with left:
        _show_charts(history, entry, selection)
        _show_list(history, selection)
    with right:
        _show_entry(entry, history, selection)


def _show_charts(history: History, entry: HistoryEntry, selection: Selection) -> None:
    key = selection.key("timeline")

    def pick() -> None:
        if picked := st.session_state[key].selection.get(PICKED):
            _choose(picked[0]["batch"], selection)

    blocks.show_figure(
        timeline(history.entries, entry.batch.number), key=key, on_select=pick
    )
    if history.versions:
        figure = error_by_batch(history.entries, selection.headline, selection.unit)
        blocks.show_figure(figure)


def _show_list(history: History, selection: Selection) -> None:
    newest_first = history.entries[::-1]
    key = selection.key("list", len(newest_first))

    def pick() -> None:
        for row in st.session_state[key].selection.rows:
            _choose(newest_first[row].key, selection)

    table = pd.DataFrame(
        {
            "Batch": entry.batch.number,
            "Rows": entry.batch.rows,
            "Decision": entry.outcome,
            "Verdict": entry.version_result,
            "Reason": entry.reason,
        }
        for entry in newest_first
    )
    config = blocks.widths(Batch=48, Decision=70, Verdict=140, Reason=430)
    config["Rows"] = st.column_config.NumberColumn(width=58, format="localized")
    st.dataframe(
        table,
        key=key,
        hide_index=True,
        height=222,
        row_height=31,
        on_select=pick,
        selection_mode="single-row",
        column_config=config,
    )


def _choose(chosen: str | int, selection: Selection) -> None:
    st.session_state[selection.key("chosen")] = chosen


def _chosen_entry(history: History, selection: Selection) -> HistoryEntry:
    """The row that was clicked; of a bar the last decision on its batch; else the newest."""
    chosen = st.session_state.get(selection.key("chosen"))
    newest_first = history.entries[::-1]
    matching = (
        entry for entry in newest_first if chosen in (entry.key, entry.batch.number)
    )
    return next(matching, newest_first[0])


def _show_entry(entry: HistoryEntry, history: History, selection: Selection) -> None:
    st.subheader(f"Batch {entry.batch.number}", anchor=False)
    chips = [blocks.chip(entry.outcome, CHIP_COLOURS.get(entry.outcome, "grey"))]
    if entry.training:
        colour = CHIP_COLOURS.get(entry.result, "grey")
        chips.append(blocks.chip(entry.version_result, colour))
    reason = escape(words.capitalized(entry.reason))
    st.html(f'{" ".join(chips)}<div style="margin-top:0.5rem">{reason}.</div>')
    decision, training, contest, rows = st.tabs(
        ["Decision", "Training", "Contest", "Rows"]
    )
    with decision:
        _show_decision(entry)
    with training:
        _show_training(entry, history, selection)
    with contest:
        _show_contest(entry)
    with rows:
        _show_rows(entry, selection)


def _show_decision(entry: HistoryEntry) -> None:
    decision, batch = entry.decision, entry.batch
    if entry.outcome == "stopped":
        blocks.empty_state(
            "Not decided yet",
            f"{percent(batch.bad_share)} of its rows break the contract. Look at them under Data. "
            f"Then accept its good rows, or reject all: `relevo accept {batch.case} {batch.number} --reason …` "
            "or `relevo reject …`",
        )
    elif decision is None:
        blocks.empty_state(
            "Not decided yet",
            f"The DAG decides in its next run; without Airflow: `relevo run {batch.case}`",
        )
    else:
        blocks.evidence_table(decision.evidence, MARKS_OF_CALLS)
        decided = words.timestamp(decision.decided_at)
        blocks.quiet(f"● calls for training. Decided {decided}.")
        with st.expander("The policy of this decision"):
            blocks.details(map(_policy_row, decision.policy.items()))
            blocks.quiet("Bold: not the default.")


def _policy_row(item: tuple[str, object]) -> tuple[str, str]:
    name, value = item
    text = _listed(value)
    html = escape(text)
    if text != _listed(asdict(Policy()).get(name)):
        html = f"<b>{html}</b>"
    return words.title(name), html


def _listed(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _show_training(entry: HistoryEntry, history: History, selection: Selection) -> None:
    training = entry.training
    if training is None:
        blocks.quiet("No model was trained.")
        return
    rows = (
        [metric.label, *_by_split(metric, training.metrics, selection.unit)]
        for metric in measured(training.metrics, Split.TEST)
    )
    blocks.table(["Metric", *Split], rows)
    took = f"{training.seconds:.1f} s, until {words.timestamp(training.trained_at)}"
    blocks.details(
        [
            ("Estimator", escape(words.plain(training.estimator))),
            ("Rows", words.rows_per_split(training.rows)),
            ("Batches", ranges(history.batch_numbers(training))),
            ("Time", took),
            ("Data", blocks.identity(words.short_digest(training.data_sha256))),
            ("Registered", blocks.version_link(training.case, training.version)),
        ]
    )
    for sentence in cached.failures(training.case, training.version):
        blocks.quiet(sentence)


def _by_split(metric: Metric, metrics: dict[str, float], unit: str) -> list[str]:
    values = (metric.of(metrics, split) for split in Split)
    return [words.metric(metric, value, unit) for value in values]


def _show_contest(entry: HistoryEntry) -> None:
    verdict = entry.verdict
    if verdict is None:
        blocks.quiet("No contest was held.")
        return
    if all(verdict.sentence != fact.sentence for fact in verdict.evidence):
        st.html(f"<div>{escape(words.capitalized(verdict.sentence))}.</div>")
    blocks.evidence_table(verdict.evidence)


def _show_rows(entry: HistoryEntry, selection: Selection) -> None:
    batch = entry.batch
    arrived = f"{batch.rows:,} rows, loaded {words.timestamp(batch.loaded_at)}"
    bad = f"{count(batch.bad_rows, 'row')} ({fixed_percent(batch.bad_share)})"
    blocks.details(
        [
            ("Arrived", arrived),
            ("In quarantine", bad),
            ("State", escape(words.comma_list(batch.state, batch.reason))),
            ("SHA-256", blocks.identity(batch.sha256)),
            ("Landed at", blocks.identity(batch.object_key)),
        ]
    )
    counts = cached.bad_cell_counts(batch)
    if counts:
        rows = (
            (escape(f"{words.title(column)} {reason}"), f"{cells:,}")
            for column, reason, cells in counts
        )
        blocks.table(("Reason of the quarantine", "Cells"), rows)
    selection.link(
        "Data", "Its columns beside those of training", batch=str(batch.number)
    )
