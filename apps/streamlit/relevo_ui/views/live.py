"""Live: what is answered now, how fast and how well; one prediction followed back to all it rests on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from relevo.domain.identity import Split
from relevo.domain.metrics import MAPE
from relevo.domain.prediction import LoggedPrediction
from relevo.errors import RelevoError
from relevo_ui import blocks, cached, words
from relevo_ui.charts import live as charts
from relevo_ui.place import Place, here
from relevo_ui.reading.api import ApiAway, ApiRefused
from relevo_ui.reading.record import measure_of
from relevo_ui.reading.traffic import Traffic, moment_of, truth_of

EVERY = 3
SPANS = {
    "15 minutes": timedelta(minutes=15),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
}
RECEIPT = "receipt"
SHOWN = 50


def show() -> None:
    place = here()
    blocks.heading(
        "Live",
        f"What the API of {place.environment} answers, as the log of predictions has it.",
    )
    left, right = st.columns([13, 9], gap="large")
    with left:
        _follow(place)
    with right:
        _look_up(place)


@st.fragment(run_every=EVERY)
def _follow(place: Place) -> None:
    with blocks.guarded():
        _traffic(place)


def _traffic(place: Place) -> None:
    span = st.segmented_control(
        "The last",
        list(SPANS),
        default="hour",
        key="span",
        required=True,
        label_visibility="collapsed",
    )
    try:
        found = cached.traffic(
            place.case_name, place.environment, SPANS[span or "hour"]
        )
    except RelevoError as error:
        blocks.nothing("The log of predictions is away", str(error))
        return
    if not found.minutes:
        blocks.nothing(
            f"No predictions in the last {span}",
            "Ask for one under Predict, or send rows to the API. They show here within seconds of being logged.",
        )
        return
    _figures(found, place)
    now = datetime.now(UTC)
    first, second = st.columns(2, gap="medium")
    first.altair_chart(charts.volume(found.minutes, found.since, now))
    second.altair_chart(charts.latency(found.minutes, found.since, now))
    _errors(found, place)
    _recent(found, place)


def _figures(found: Traffic, place: Place) -> None:
    error, unit = found.error, place.case.unit
    if error.rows and error.accuracy is not None:
        off, of = (
            words.percent(error.accuracy),
            f"Right, {words.count(error.rows, 'label')}",
        )
    elif error.rows and measure_of(place.case) == MAPE:
        off, of = (
            words.percent(error.mean_absolute_percentage),
            f"Error, {words.count(error.rows, 'label')}",
        )
    else:
        off, of = (
            (words.amount(error.mean_absolute, unit) if error.rows else "–"),
            f"Error, {words.count(error.rows, 'label')}",
        )
    columns = st.columns(4, gap="small")
    columns[0].metric("Predictions", f"{found.predictions:,}")
    columns[1].metric("Failed", f"{found.failed:,}")
    columns[2].metric(
        "Mean time", "–" if found.mean_ms is None else f"{found.mean_ms:.2f} ms"
    )
    columns[3].metric(of, off)


def _errors(found: Traffic, place: Place) -> None:
    measure, history = measure_of(place.case), cached.history(place.case_name)
    champion = history.training(history.champion)
    typical = measure.of(champion.metrics, Split.TEST) if champion else None
    chart = charts.error(found.recent, measure, typical, place.case.unit)
    if chart is not None:
        st.altair_chart(chart)
    elif not found.error.rows:
        st.html(
            '<div class="quiet">Send what turned out to be true to <code>/v1/'
            f"{escape(place.case_name)}/labels</code>, by receipt: then the error shows here.</div>"
        )


def _recent(found: Traffic, place: Place) -> None:
    shown = found.recent[:SHOWN]
    unit = place.case.unit
    table = pd.DataFrame(
        {
            "At": moment_of(one),
            "Answer": _answer(one, unit),
            "Truth": _truth(one, unit),
            "Version": one["version"] or "",
            "ms": one["latency_ms"],
            "Asked with": _asked(one),
        }
        for one in shown
    )
    key = f"recent {place.case_name} {place.environment}"
    picked = st.dataframe(
        table, key=key, hide_index=True, height=206, row_height=31, on_select="rerun", selection_mode="single-row",
        column_config={
            "At": st.column_config.DatetimeColumn(width=70, format="HH:mm:ss"),
            "Answer": st.column_config.TextColumn(width=80),
            "Truth": st.column_config.TextColumn(width=80),
            "Version": st.column_config.TextColumn(width=56),
            "ms": st.column_config.NumberColumn(width=48, format="%.2f"),
            "Asked with": st.column_config.TextColumn(width=330),
        },
    )  # fmt: skip
    rows = picked.selection.rows
    if (
        rows
        and rows[0] < len(shown)
        and st.session_state.get("followed") != shown[rows[0]]["receipt"]
    ):
        st.session_state["followed"] = st.session_state["follow"] = shown[rows[0]][
            "receipt"
        ]
        st.rerun()


def _answer(one: LoggedPrediction, unit: str) -> str:
    if one["status"] >= 400:
        return "failed"
    return one["output_text"] or words.amount(one["output"], unit)


def _truth(one: LoggedPrediction, unit: str) -> str:
    label, number = one.get("label"), truth_of(one)
    if not label:
        return ""
    return label["truth"] if number is None else words.amount(number, unit)


def _asked(one: LoggedPrediction) -> str:
    given = one["input"]
    return (
        ", ".join(f"{name} {_cell(value)}" for name, value in given.items())
        if isinstance(given, dict)
        else str(given)
    )


def _cell(value: Any) -> str:
    return (
        words.number(value, 4)
        if isinstance(value, float)
        else "unknown"
        if value is None
        else str(value)
    )


def _look_up(place: Place) -> None:
    if "follow" in st.session_state:  # a row of the list was clicked
        st.session_state[RECEIPT] = st.session_state.pop("follow")
    receipt = st.text_input(
        "Follow a receipt",
        key=RECEIPT,
        bind="query-params",
        placeholder="32 characters, from an answer",
        icon=":material/search:",
    )
    wanted = (receipt or "").strip() or _newest(place)
    if not wanted:
        blocks.nothing(
            "From one answer to all it rests on",
            "Paste a receipt, or click a prediction on the left.",
        )
        return
    try:
        _trace(place.api.trace(wanted), place)
    except ApiAway as error:
        blocks.nothing(f"The API of {place.environment} is away", str(error))
    except ApiRefused as error:
        blocks.nothing("Nothing is known of this receipt", str(error))


def _newest(place: Place) -> str:
    """The receipt of the newest prediction; empty where there is none, or nobody to ask."""
    try:
        recent = cached.traffic(
            place.case_name, place.environment, SPANS["hour"]
        ).recent
    except RelevoError:
        return ""
    return recent[0]["receipt"] if recent else ""


def _trace(found: dict[str, Any], place: Place) -> None:
    unit = place.case.unit if found["case"] == place.case_name else ""
    value = found["output_text"] or words.amount(found["output"], unit)
    release, data, label = found["release"] or {}, found["data"] or {}, found["label"]
    failed = found["status"] >= 400
    said = f"failed: {found['error']}" if failed else value
    st.html(f'<div class="answer" style="font-size:2rem">{escape(said)}</div>')
    steps = [
        ("Receipt", blocks.identity(found["receipt"])),
        (
            "Asked",
            f"{escape(_when(found['at']))} in {escape(found['environment'])}, took {words.number(found['latency_ms'])} ms",
        ),
        (
            "With",
            ", ".join(
                f"{escape(name)} <b>{escape(_cell(given))}</b>"
                for name, given in found["input"].items()
            ),
        ),
        (
            "Truth",
            _labelled(label, found, unit)
            if label
            else '<span class="quiet">not known yet</span>',
        ),
        (
            "Release",
            f"version {escape(str(found['version']))}, {escape(release.get('estimator', '').replace('_', ' '))}, "
            f"trained {escape(_when(release.get('trained_at')))}",
        ),
        ("Model file", blocks.identity(release.get("digest", "unknown"))),
        ("Learnt from", _rows(data)),
        ("Data", blocks.identity(data.get("sha256", "unknown"))),
        (
            "Code",
            f"commit {blocks.identity(words.short(found['commit'] or 'unknown'))}",
        ),
        ("Trained because", _said(found["decision"])),
        ("Champion because", _said(found["verdict"])),
        (
            "Log",
            "in the warehouse"
            if found["shipped"]
            else "on the API's disk, to be shipped",
        ),
    ]
    blocks.facts(steps)


def _rows(data: dict[str, Any]) -> str:
    rows, batches = data.get("rows") or {}, data.get("batches") or []
    return f"{words.count(rows.get('train', 0), 'row')} of {words.count(len(batches), 'batch', 'batches')}"


def _labelled(label: dict[str, str], found: dict[str, Any], unit: str) -> str:
    try:
        truth = float(label["truth"])
    except ValueError:
        return escape(label["truth"])
    off = (
        f", off by {words.percent(abs(found['output'] - truth) / abs(truth))}"
        if truth and found["output"] is not None
        else ""
    )
    return f"<b>{escape(words.amount(truth, unit))}</b>{off}"


def _said(one: dict[str, Any] | None) -> str:
    return (
        escape(one["sentence"]) if one else '<span class="quiet">not on record</span>'
    )


def _when(text: str | None) -> str:
    return words.moment(datetime.fromisoformat(text)) if text else "–"
