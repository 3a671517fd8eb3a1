"""What pages read, cached for a few seconds, so that a click does not read every store again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import streamlit as st

from relevo.app import Loop, open_loop
from relevo.bootstrap import SERVING_PATIENCE, ServingPorts, find_use_cases
from relevo.domain.batch import Batch
from relevo.ports.predictions import PredictionStore
from relevo.settings import Settings
from relevo_ui.reading.api import Api, Form
from relevo_ui.reading.columns import (
    ColumnDrift,
    Quarantine,
    read_drift,
    read_quarantine,
)
from relevo_ui.reading.comparison import VersionComparison, compare_versions
from relevo_ui.reading.record import History, read_history
from relevo_ui.reading.releases import ReleaseFolder, read_release
from relevo_ui.reading.traffic import Traffic, read_traffic
from relevo_ui.settings import UiSettings

# less than the time between two refreshes of a page, so that each reads anew
SECONDS = timedelta(seconds=3)
HOUR = timedelta(hours=1)


@st.cache_resource(show_spinner=False)
def settings() -> UiSettings:
    return UiSettings()


@st.cache_resource(show_spinner=False)
def loop(case: str) -> Loop:
    """One for all sessions; its connections are opened when they are first needed."""
    return open_loop(case, patience=SERVING_PATIENCE)


@st.cache_resource(show_spinner=False)
def api(environment: str) -> Api:
    own = settings()
    return Api(environment, own.apis[environment], own.api_timeout, own.api_key)


@st.cache_data(ttl=SECONDS, show_spinner=False)
def use_cases() -> list[str]:
    return find_use_cases(Settings())


@st.cache_data(ttl=SECONDS, show_spinner=False)
def case_history(case: str) -> History:
    return read_history(loop(case))


@st.cache_data(ttl=SECONDS, show_spinner=False)
def failures(case: str, version: str) -> list[str]:
    return loop(case).failures(version)


@st.cache_data(ttl=SECONDS, show_spinner=False)
def form(case: str, environment: str) -> Form:
    return api(environment).form(case)


# a release never changes: what is made of one is cached for long, and bounded by memory
@st.cache_data(ttl=HOUR, max_entries=20, show_spinner=False)
def release(case: str, version: str) -> ReleaseFolder:
    return read_release(loop(case).artifacts, case, version)


@st.cache_data(
    ttl=HOUR,
    max_entries=50,
    show_spinner="Both versions predict the same holdout rows …",
)
def comparison(
    case: str, first: str, second: str, batches: tuple[int, ...]
) -> VersionComparison | None:
    return compare_versions(
        loop(case), release(case, first), release(case, second), batches
    )


@st.cache_data(ttl=HOUR, max_entries=50, show_spinner=False)
def column_drifts(case: str, batch: Batch, version: str) -> tuple[ColumnDrift, ...]:
    return read_drift(loop(case), batch, release(case, version))


@st.cache_data(ttl=SECONDS, show_spinner=False)
def quarantine(case: str, batch: Batch) -> Quarantine:
    return read_quarantine(loop(case), batch)


@st.cache_resource(show_spinner=False)
def predictions() -> PredictionStore:
    return ServingPorts(Settings()).predictions


@st.cache_data(ttl=SECONDS, show_spinner=False)
def traffic(case: str, environment: str, span: timedelta) -> Traffic:
    since = datetime.now(UTC) - span
    return read_traffic(predictions(), loop(case).case, environment, since)
