"""What pages read, cached for a few seconds, so that a click does not read every store again."""

from datetime import UTC, datetime, timedelta

import streamlit as st

from relevo.app import Loop, open_loop
from relevo.bootstrap import SERVING_PATIENCE, ServingPorts, find_use_cases
from relevo.domain.arrival import BadCell
from relevo.domain.batch import Batch
from relevo.ports.predictions import PredictionStore
from relevo.serving.responses import CaseSchema
from relevo.settings import Settings
from relevo_ui.reading.api import Api
from relevo_ui.reading.columns import ColumnDrift, read_drift
from relevo_ui.reading.comparison import VersionComparison, compare_versions
from relevo_ui.reading.record import History, read_case_history
from relevo_ui.reading.releases import StoredRelease, read_stored_release
from relevo_ui.reading.traffic import Traffic, read_traffic
from relevo_ui.settings import UiSettings

# less than the time between two refreshes of a page, so that each reads anew
briefly = st.cache_data(ttl=3, show_spinner=False)
# what is made of a release never changes; only memory bounds how many are kept
for_long = st.cache_data(ttl=3600, max_entries=40, show_spinner="Reading models …")
for_all_sessions = st.cache_resource(show_spinner=False)


@for_all_sessions
def settings() -> UiSettings:
    return UiSettings()


@for_all_sessions
def loop(case: str) -> Loop:
    """Its connections are opened when they are first needed."""
    return open_loop(case, patience=SERVING_PATIENCE)


@for_all_sessions
def api(environment: str) -> Api:
    own = settings()
    return Api(environment, own.apis[environment], own.api_timeout, own.api_key)


@for_all_sessions
def predictions() -> PredictionStore:
    return ServingPorts(Settings()).predictions


@briefly
def use_cases() -> list[str]:
    return find_use_cases(Settings())


@briefly
def case_history(case: str) -> History:
    return read_case_history(loop(case))


@briefly
def form_schema(case: str, environment: str) -> CaseSchema:
    return api(environment).schema(case)


@briefly
def failures(case: str, version: str) -> list[str]:
    return loop(case).failures(version)


@briefly
def bad_cells(batch: Batch) -> list[BadCell]:
    return loop(batch.case).warehouse.batches.bad_cells(batch)


@briefly
def bad_cell_counts(batch: Batch) -> list[tuple[str, str, int]]:
    """Column, reason, cells; most first."""
    return loop(batch.case).warehouse.batches.bad_cell_counts(batch)


@briefly
def traffic(case: str, environment: str, span: timedelta) -> Traffic:
    since = datetime.now(UTC) - span
    return read_traffic(predictions(), loop(case).case, environment, since)


@for_long
def release(case: str, version: str) -> StoredRelease:
    return read_stored_release(loop(case).artifacts, case, version)


@for_long
def comparison(
    case: str, first: str, second: str, batches: tuple[int, ...]
) -> VersionComparison | None:
    releases = [release(case, version) for version in (first, second)]
    return compare_versions(loop(case), releases, batches)


@for_long
def column_drifts(batch: Batch, version: str) -> tuple[ColumnDrift, ...]:
    return read_drift(loop(batch.case), batch, release(batch.case, version))
