"""The choice of use case and environment, and the champion there."""

from html import escape

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from relevo.errors import RelevoError
from relevo_ui import blocks, cached, words
from relevo_ui.reading.api import ApiRefused, ApiUnavailable
from relevo_ui.selection import Selection, case_title


def selection_widgets(pages: dict[str, StreamlitPage]) -> Selection | None:
    """None where there is no use case."""
    cases = cached.use_cases()
    if not cases:
        return None
    environments = list(cached.settings().apis)
    with st.sidebar:
        case = st.selectbox(
            "Use case", cases, format_func=case_title, key="case", bind="query-params"
        )
        environment = st.segmented_control(
            "Environment",
            environments,
            default=environments[0],
            key="env",
            required=True,
            bind="query-params",
        )
    return Selection(case or cases[0], environment or environments[0], pages)


def champion_status(selection: Selection) -> None:
    """Called after the page, so that a slow API does not hold the page up."""
    with st.sidebar:
        st.space("small")
        _champion_status(selection)


@st.fragment(run_every=blocks.REFRESH_SECONDS)
@blocks.guarded()
def _champion_status(selection: Selection) -> None:
    blocks.quiet("Champion")
    _champion(selection)
    blocks.quiet(f"API of {selection.environment}")
    _served_version(selection)


def _champion(selection: Selection) -> None:
    try:
        history = selection.history
    except RelevoError:
        st.html(blocks.chip("warehouse unavailable", "orange"))
        return
    entry = history.entry_of(history.champion)
    if entry is None or entry.training is None:
        st.html(blocks.chip("none yet"))
        return
    training, metric = entry.training, selection.headline
    error = words.metric(metric, entry.error_on_holdout(metric), selection.unit)
    st.html(
        f"<div><b>Version {escape(training.version)}</b><br>"
        f'<span class="quiet">{escape(words.plain(training.estimator))}<br>'
        f"{metric.label} {error}<br>trained {words.ago(training.trained_at)}</span></div>"
    )


def _served_version(selection: Selection) -> None:
    try:
        model = selection.api.model(selection.case_name)
    except ApiUnavailable:
        st.html(blocks.chip("unavailable", "orange"))
    except ApiRefused as refused:
        reasons = {503: "no champion yet"}
        st.html(blocks.chip(reasons.get(refused.status, "does not serve this")))
    else:
        st.html(blocks.chip(f"answers with version {model.version}", "blue"))
