"""History: every batch, what was decided and why, who won; click one for all its evidence."""

from __future__ import annotations

from dataclasses import fields
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from relevo.domain.evidence import Training
from relevo.domain.policy import Policy
from relevo_ui import blocks, cached, words
from relevo_ui.charts import history as charts
from relevo_ui.place import Place, here
from relevo_ui.reading.record import Entry, History, measure_of

EVERY = 4
CALLS = {True: ("yes", "●"), False: ("quiet", "○"), None: ("quiet", "–")}
OUTCOME_CHIPS = {
    "trained": "blue",
    "skipped": "grey",
    "stopped": "orange",
    "waiting": "grey",
}
SIDES = ("train", "validation", "test")


def show() -> None:
    _follow(here())


@st.fragment(run_every=EVERY)
def _follow(place: Place) -> None:
    with blocks.guarded():
        _page(place)


def _page(place: Place) -> None:
    history = cached.history(place.case_name)
    blocks.heading("History", _lead(history))
    if not history.entries:
        blocks.nothing(
            "No batches yet",
            f"Bring them in with `relevo run {place.case_name}`, or let Airflow do it (`make up`). "
            "This page follows by itself.",
        )
        return
    chosen = _chosen(history, place)
    left, right = st.columns([13, 9], gap="large")
    with left:
        _charts(history, chosen, place)
        _list(history, place)
    with right:
        _evidence(chosen, history, place)


def _lead(history: History) -> str:
    trained = sum(one.outcome == "trained" for one in history.entries)
    promoted = sum(one.result == "promoted" for one in history.entries)
    return (
        f"{words.count(len(history.batches), 'batch', 'batches')} with {words.count(history.rows, 'row')}: "
        f"{words.count(trained, 'training')}, {words.count(promoted, 'promotion')}."
    )


def _charts(history: History, chosen: Entry, place: Place) -> None:
    measure = measure_of(place.case)
    key = f"timeline {place.case_name}"
    st.altair_chart(
        charts.timeline(history.entries, chosen.batch.number),
        key=key,
        on_select=lambda: _pick_bar(key, place),
    )
    if history.trainings:
        st.altair_chart(charts.errors(history.entries, measure, place.case.unit))


def _list(history: History, place: Place) -> None:
    newest_first = tuple(reversed(history.entries))
    table = pd.DataFrame(
        {
            "Batch": one.batch.number,
            "Rows": one.batch.rows,
            "Decision": one.outcome,
            "Verdict": f"version {one.training.version} {one.result}"
            if one.training
            else "",
            "Reason": one.reason,
        }
        for one in newest_first
    )
    key = f"list {place.case_name} {len(newest_first)}"
    st.dataframe(
        table,
        key=key,
        hide_index=True,
        height=222,
        row_height=31,
        on_select=lambda: _pick_row(key, newest_first, place),
        selection_mode="single-row",
        column_config={
            "Batch": st.column_config.NumberColumn(width=48),
            "Rows": st.column_config.NumberColumn(width=58, format="localized"),
            "Decision": st.column_config.TextColumn(width=70),
            "Verdict": st.column_config.TextColumn(width=140),
            "Reason": st.column_config.TextColumn(width=430),
        },
    )


def _pick_bar(key: str, place: Place) -> None:
    if picked := st.session_state[key].selection.get(charts.PICKED):
        st.session_state[_chosen_key(place)] = int(picked[0]["batch"])


def _pick_row(key: str, entries: tuple[Entry, ...], place: Place) -> None:
    if rows := st.session_state[key].selection.rows:
        st.session_state[_chosen_key(place)] = entries[rows[0]].key


def _chosen_key(place: Place) -> str:
    return f"chosen {place.case_name}"


def _chosen(history: History, place: Place) -> Entry:
    """The entry that was clicked; of a bar the last word on its batch; else the newest."""
    wanted: Any = st.session_state.get(_chosen_key(place))
    found = [one for one in history.entries if wanted in (one.key, one.batch.number)]
    return (found or list(history.entries))[-1]


def _evidence(entry: Entry, history: History, place: Place) -> None:
    batch = entry.batch
    st.subheader(f"Batch {batch.number}", anchor=False)
    chips = [blocks.chip(entry.outcome, OUTCOME_CHIPS[entry.outcome])]
    if entry.training:
        chips.append(
            blocks.chip(
                f"version {entry.training.version} {entry.result or 'in contest'}",
                "blue" if entry.result == "promoted" else "grey",
            )
        )
    st.html(
        " ".join(chips)
        + f'<div style="margin-top:0.5rem">{escape(_sentence(entry.reason))}</div>'
    )
    names = [
        "Decision",
        *(["Training"] if entry.training else []),
        *(["Contest"] if entry.verdict else []),
        "Rows",
    ]
    tabs = dict(zip(names, st.tabs(names), strict=True))
    with tabs["Decision"]:
        _decision(entry)
    if entry.training:
        with tabs["Training"]:
            _training(entry.training, history, place)
    if entry.verdict:
        with tabs["Contest"]:
            if entry.verdict.sentence not in [
                one.sentence for one in entry.verdict.evidence
            ]:
                st.html(f"<div>{escape(_sentence(entry.verdict.sentence))}</div>")
            blocks.evidence(entry.verdict.evidence)
    with tabs["Rows"]:
        _rows(entry, place)


def _decision(entry: Entry) -> None:
    if entry.decision is None:
        blocks.nothing("Not decided on yet", _waiting_for(entry))
        return
    blocks.evidence(entry.decision.evidence, CALLS)
    st.html(
        f'<div class="quiet">● calls for training. Decided {words.moment(entry.decision.decided_at)}.</div>'
    )
    differs = {
        one.name
        for one in fields(Policy)
        if one.default != _plain(entry.decision.policy.get(one.name))
    }
    with st.expander("The policy it was decided by"):
        blocks.facts(
            (
                words.title(name),
                f"<b>{escape(_said(value))}</b>"
                if name in differs
                else escape(_said(value)),
            )
            for name, value in entry.decision.policy.items()
        )
        st.html('<div class="quiet">Bold: not the default.</div>')


def _waiting_for(entry: Entry) -> str:
    batch = entry.batch
    if entry.outcome == "stopped":
        return (
            f"{batch.bad_share:.0%} of its rows break the contract. Look at them under Data, then let its good rows pass or keep "
            f"all out: `relevo accept {batch.case} {batch.number} --reason …` or `relevo reject …`"
        )
    return f"The chain goes on with it by itself; without Airflow: `relevo run {batch.case}`"


def _training(training: Training, history: History, place: Place) -> None:
    names = sorted(
        {name.split("_", 1)[1] for name in training.metrics if name.startswith("test_")}
        - {"mse"}
    )
    blocks.table(
        ("Metric", *SIDES),
        (
            (
                words.label(name),
                *(
                    words.metric(
                        name, training.metrics.get(f"{side}_{name}"), place.case.unit
                    )
                    for side in SIDES
                ),
            )
            for name in names
        ),
    )
    mlflow = cached.settings().mlflow()
    link = (
        f'<a href="{mlflow}/#/models/{place.case_name}/versions/{training.version}" target="_blank">version {training.version}</a>'
        if mlflow
        else f"version {training.version}"
    )
    blocks.facts(
        (
            ("Estimator", escape(training.estimator.replace("_", " "))),
            (
                "Rows",
                ", ".join(f"{training.rows.get(side, 0):,} {side}" for side in SIDES),
            ),
            ("Batches", escape(_ranges(history.batch_numbers(training)))),
            (
                "Took",
                f"{training.seconds:.1f} s, done {words.moment(training.trained_at)}",
            ),
            ("Data", blocks.identity(words.short(training.data_sha256))),
            ("In MLflow" if mlflow else "Registered", link),
        )
    )


def _rows(entry: Entry, place: Place) -> None:
    batch = entry.batch
    blocks.facts(
        (
            ("Arrived", f"{batch.rows:,} rows, loaded {words.moment(batch.loaded_at)}"),
            (
                "In quarantine",
                f"{words.count(batch.bad_rows, 'row')} ({batch.bad_share:.1%})".replace(
                    "%", " %"
                ),
            ),
            (
                "State",
                escape(f"{batch.state}{f': {batch.reason}' if batch.reason else ''}"),
            ),
            ("SHA-256", blocks.identity(batch.sha256)),
            ("Landed at", blocks.identity(batch.object_key)),
        )
    )
    counts = cached.quarantine(place.case_name, batch).counts if batch.bad_rows else ()
    if counts:
        rows = (
            (escape(f"{words.title(column)} {reason}"), f"{cells:,}")
            for column, reason, cells in counts
        )
        blocks.table(("In quarantine because", "Cells"), rows)
    place.link(
        "data",
        "Its columns beside those of training",
        ":material/arrow_forward:",
        batch=str(batch.number),
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _said(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    return "none" if value is None else str(value)


def _ranges(numbers: list[int]) -> str:
    """`0 to 8` where they follow each other; else each."""
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(str(one) for one in numbers)
