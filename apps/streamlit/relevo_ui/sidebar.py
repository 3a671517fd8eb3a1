"""The choice of use case and environment, and who is champion there."""

from __future__ import annotations

from html import escape

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from relevo.domain.identity import Split
from relevo.errors import RelevoError
from relevo_ui import blocks, cached, words
from relevo_ui.place import Place, case_title
from relevo_ui.reading.api import ApiAway, ApiRefused
from relevo_ui.reading.record import measure_of

EVERY = 5


def choose(pages: dict[str, StreamlitPage]) -> Place | None:
    """None where there is no use case to look at."""
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
    return Place(case or cases[0], environment or environments[0], pages)


def present(place: Place) -> None:
    """After the page, which need not wait for an API that takes its time."""
    with st.sidebar:
        st.space("small")
        _present(place)


@st.fragment(run_every=EVERY)
def _present(place: Place) -> None:
    """Champion by the record, and what the API of the environment answers with."""
    with blocks.guarded():
        _champion(place)
        _serving(place)


def _champion(place: Place) -> None:
    st.html('<div class="quiet">Champion</div>')
    try:
        history = cached.history(place.case_name)
    except RelevoError:
        st.html(blocks.chip("warehouse away", "orange"))
        return
    training = history.training(history.champion)
    if history.champion is None or training is None:
        st.html(blocks.chip("none yet"))
        return
    measure = measure_of(place.case)
    error = words.metric(
        measure.name, measure.of(training.metrics, Split.TEST), place.case.unit
    )
    st.html(
        f'<div><b>Version {escape(history.champion)}</b><br><span class="quiet">{escape(training.estimator.replace("_", " "))}<br>'
        f"{measure.label} {error}<br>trained {words.ago(training.trained_at)}</span></div>"
    )


def _serving(place: Place) -> None:
    st.html(f'<div class="quiet">API of {escape(place.environment)}</div>')
    try:
        model = place.api.model(place.case_name)
    except ApiAway:
        st.html(blocks.chip("away", "orange"))
    except ApiRefused as refused:
        st.html(
            blocks.chip(
                "no champion yet" if refused.status == 503 else "does not serve this",
                "grey",
            )
        )
    else:
        st.html(blocks.chip(f"answers with version {model['version']}", "blue"))
