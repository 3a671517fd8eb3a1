"""Live: recent predictions, how fast and how good they were; one traced to all that it rests on."""

from datetime import UTC, datetime, timedelta
from html import escape

import pandas as pd
import streamlit as st

from relevo.domain.prediction import Label
from relevo.domain.wording import count, fixed_percent
from relevo.errors import RelevoError
from relevo.serving.responses import DecisionSummary, Receipt, VerdictSummary
from relevo_ui import blocks, cached, words
from relevo_ui.charts.live import labelled_errors, latency, volume
from relevo_ui.reading.api import ApiRefused, ApiUnavailable
from relevo_ui.reading.traffic import Traffic, numeric_truth, predicted_at
from relevo_ui.selection import Selection, current_selection

SPANS = {
    "15 minutes": timedelta(minutes=15),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
}
DEFAULT_SPAN = "hour"
MOST_LISTED = 50
LOGGED = {True: "in the warehouse", False: "on the API's disk, to be shipped"}
NOT_RECORDED = '<span class="quiet">not on record</span>'


def render_live() -> None:
    selection = current_selection()
    blocks.heading(
        "Live",
        f"Predictions of the API of {selection.environment}, from the prediction log.",
    )
    left, right = st.columns([13, 9], gap="large")
    with left:
        _show_traffic(selection)
    with right:
        _show_receipt(selection)


@st.fragment(run_every=blocks.REFRESH_SECONDS)
@blocks.guarded()
def _show_traffic(selection: Selection) -> None:
    span = st.segmented_control(
        "The last",
        list(SPANS),
        default=DEFAULT_SPAN,
        key="span",
        required=True,
        label_visibility="collapsed",
    )
    try:
        traffic = cached.traffic(
            selection.case_name, selection.environment, SPANS[span or DEFAULT_SPAN]
        )
    except RelevoError as error:
        blocks.empty_state("The prediction log is unavailable", str(error))
        return
    if not traffic.minutes:
        blocks.empty_state(
            f"No predictions in the last {span}",
            "Ask for one under Predict, or send rows to the API. They show here within seconds.",
        )
        return
    _show_totals(traffic, selection)
    now = datetime.now(UTC)
    left, right = st.columns(2, gap="medium")
    with left:
        blocks.show_figure(volume(traffic.minutes, traffic.since, now))
    with right:
        blocks.show_figure(latency(traffic.minutes, traffic.since, now))
    _show_errors(traffic, selection)
    _show_recent(traffic, selection)


def _show_totals(traffic: Traffic, selection: Selection) -> None:
    metric = selection.headline
    error = words.metric(metric, metric.of(traffic.error.by_metric), selection.unit)
    totals = {
        "Predictions": f"{traffic.predictions:,}",
        "Failed": f"{traffic.failed:,}",
        "Mean time": words.milliseconds(traffic.mean_ms),
        f"Error, {count(traffic.error.rows, 'label')}": error,
    }
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        for label, total in totals.items():
            st.metric(label, total, width="content")


def _show_errors(traffic: Traffic, selection: Selection) -> None:
    metric, history = selection.headline, selection.history
    champion = history.entry_of(history.champion)
    typical = None
    if champion:
        typical = champion.error_on_holdout(metric)
    figure = labelled_errors(traffic.recent, metric, typical, selection.unit)
    if figure:
        blocks.show_figure(figure)
    elif not traffic.error.rows:
        blocks.quiet(
            f"Send true values to /v1/{selection.case_name}/labels, by receipt; then the error shows here."
        )


def _show_recent(traffic: Traffic, selection: Selection) -> None:
    listed, unit = traffic.recent[:MOST_LISTED], selection.unit
    table = pd.DataFrame(
        {
            "At": predicted_at(logged),
            "Output": logged["error"]
            or logged["output_text"]
            or words.in_unit(logged["output"], unit),
            "Truth": _truth(logged.get("label"), unit),
            "Version": logged["version"] or "",
            "ms": logged["latency_ms"],
            "Input": words.row(logged["input"]),
        }
        for logged in listed
    )
    config = blocks.widths(Output=80, Truth=80, Version=56, Input=330)
    config["At"] = st.column_config.DatetimeColumn(width=70, format="HH:mm:ss")
    config["ms"] = st.column_config.NumberColumn(width=48, format="%.2f")
    event = st.dataframe(
        table,
        key=selection.key("recent"),
        hide_index=True,
        height=206,
        row_height=31,
        on_select="rerun",
        selection_mode="single-row",
        column_config=config,
    )
    for row in event.selection.rows:
        if row < len(listed):
            _trace_once(listed[row]["receipt"])


def _trace_once(receipt: str) -> None:
    """A row stays selected, and must not overwrite what is typed in later."""
    if st.session_state.get("traced") != receipt:
        st.session_state["traced"] = st.session_state["to trace"] = receipt
        st.rerun()


def _truth(label: Label | None, unit: str) -> str:
    number = numeric_truth(label)
    if number is not None:
        return words.in_unit(number, unit)
    if label:
        return label["truth"]
    return ""


def _show_receipt(selection: Selection) -> None:
    if "to trace" in st.session_state:  # a row of the list was clicked
        st.session_state["receipt"] = st.session_state.pop("to trace")
    entered = st.text_input(
        "Trace a receipt",
        key="receipt",
        bind="query-params",
        placeholder="32 characters, from a response",
        icon=":material/search:",
    )
    receipt = (entered or "").strip() or _newest_receipt(selection)
    if not receipt:
        blocks.empty_state(
            "From one prediction to all that it rests on",
            "Paste a receipt, or click a prediction on the left.",
        )
        return
    try:
        _show_trace(selection.api.trace(receipt), selection)
    except ApiUnavailable as error:
        blocks.empty_state(
            f"The API of {selection.environment} is unavailable", str(error)
        )
    except ApiRefused as error:
        blocks.empty_state("Unknown receipt", str(error))


def _newest_receipt(selection: Selection) -> str:
    """Empty without predictions, or without their log."""
    try:
        traffic = cached.traffic(
            selection.case_name, selection.environment, SPANS[DEFAULT_SPAN]
        )
    except RelevoError:
        return ""
    return next((logged["receipt"] for logged in traffic.recent), "")


def _show_trace(trace: Receipt, selection: Selection) -> None:
    unit = selection.unit
    if trace.case != selection.case_name:  # a receipt of any use case may be entered
        unit = ""
    output = trace.output_text or words.in_unit(trace.output, unit)
    if trace.error:
        output = f"failed: {trace.error}"
    st.html(f'<div class="answer" style="font-size:2rem">{escape(output)}</div>')
    took = words.milliseconds(trace.latency_ms)
    blocks.details(
        [
            ("Receipt", blocks.identity(trace.receipt)),
            ("Asked", f"{_time(trace.at)} in {escape(trace.environment)}, took {took}"),
            ("Input", _input(trace)),
            ("Truth", _truth_and_error(trace, unit)),
            *_origin(trace),
            ("Trained because", _sentence(trace.decision)),
            ("Champion because", _sentence(trace.verdict)),
            ("Log", LOGGED[trace.shipped]),
        ]
    )


def _origin(trace: Receipt) -> list[tuple[str, str]]:
    """Release, data and code; nothing of a version whose release is gone."""
    release, data = trace.release, trace.data
    if release is None or data is None:
        return [("Release", NOT_RECORDED)]
    estimator = escape(words.plain(release.estimator))
    rows = count((data.rows or {}).get("train", 0), "row")
    batches = count(len(data.batches or ()), "batch", "batches")
    version = f"version {escape(trace.version or '')}, {estimator}"
    return [
        ("Release", f"{version}, trained {_time(release.trained_at)}"),
        ("Model file", blocks.identity(release.digest)),
        ("Trained on", f"{rows} of {batches}"),
        ("Data", blocks.identity(data.sha256)),
        ("Commit", blocks.identity(words.short_digest(trace.commit or "unknown"))),
    ]


def _input(trace: Receipt) -> str:
    return ", ".join(
        f"{escape(name)} <b>{escape(words.cell(value))}</b>"
        for name, value in trace.input.items()
    )


def _truth_and_error(trace: Receipt, unit: str) -> str:
    text, number = escape(_truth(trace.label, unit)), numeric_truth(trace.label)
    if not text:
        return '<span class="quiet">not known yet</span>'
    if not number or trace.output is None:
        return f"<b>{text}</b>"
    share = fixed_percent(abs(trace.output - number) / abs(number))
    return f"<b>{text}</b>, error {share}"


def _sentence(summary: DecisionSummary | VerdictSummary | None) -> str:
    if summary is None:
        return NOT_RECORDED
    return escape(summary.sentence)


def _time(text: str) -> str:
    return words.timestamp(datetime.fromisoformat(text))
