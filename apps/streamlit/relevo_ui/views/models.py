"""Models: any two versions on the same rows; promote one or roll back, with a reason."""

import re
from html import escape

import streamlit as st

from relevo.domain.metrics import Metric
from relevo.domain.wording import count
from relevo.releases.publisher import rollback_target
from relevo_ui import blocks, cached, words
from relevo_ui.charts.models import error_by_slice
from relevo_ui.reading.api import ApiError
from relevo_ui.reading.comparison import VersionComparison
from relevo_ui.reading.record import History, HistoryEntry, measured
from relevo_ui.reading.releases import ReleaseAbsent, StoredRelease
from relevo_ui.selection import Selection, current_selection

LAST_ACTION = "last action"


def render_models() -> None:
    selection = current_selection()
    history, versions = selection.history, selection.history.versions
    title, actions = st.columns([13, 9], vertical_alignment="bottom")
    with title:
        blocks.heading("Models", _lead(history))
    if not versions:
        blocks.empty_state(
            "No model yet",
            f"The first batch makes the first model: `relevo run {selection.case_name}`.",
        )
        return
    with actions:
        _show_actions(selection, history)
    champion = history.champion or versions[0]
    others = [version for version in versions if version != champion] or [champion]
    left, right = st.columns(2, gap="medium")
    with left:
        first = _chosen_version("Version", champion, selection)
    with right:
        second = _chosen_version("Beside version", others[0], selection)
    _show_versions(selection, first, second)


def _show_versions(selection: Selection, first: str, second: str) -> None:
    try:
        releases = [cached.release(selection.case_name, v) for v in (first, second)]
    except ReleaseAbsent as absent:
        blocks.empty_state("These versions cannot be compared", str(absent))
        return
    metrics, importances, cards = st.tabs(
        ["Metrics and slices", "Importances and errors", "Cards"]
    )
    with metrics:
        left, right = st.columns([11, 9], gap="large")
        with left:
            _show_comparison(selection, first, second)
        with right:
            for version in dict.fromkeys((first, second)):
                _show_origin(selection.history.entry_of(version), selection)
    with importances:
        _show_pictures(releases)
    with cards:
        for column, release in zip(st.columns(2), releases, strict=True):
            with column, st.container(border=True):
                st.markdown(_card(release))


def _lead(history: History) -> str:
    lead = count(len(history.versions), "version")
    if history.champion:
        lead += f"; version {history.champion} is champion"
    newest = history.entry_of(next(iter(history.versions), None))
    if newest and newest.version != history.champion:
        lead += f"; version {newest.version} is the newest, {newest.result}"
    return f"{lead}."


def _chosen_version(label: str, default: str, selection: Selection) -> str:
    versions = selection.history.versions
    chosen = st.selectbox(
        label,
        versions,
        index=versions.index(default),
        key=selection.key(label, len(versions)),
        format_func=lambda version: _version_label(version, selection.history),
        label_visibility="collapsed",
    )
    return chosen or default


def _version_label(version: str, history: History) -> str:
    entry = history.entry_of(version)
    if entry is None or entry.training is None:
        return f"Version {version}"
    role = {"promoted": "former champion"}.get(entry.result, entry.result)
    if version == history.champion:
        role = "champion"
    trained = words.timestamp(entry.training.trained_at)
    return f"Version {version} · {role} · trained {trained}"


def _show_comparison(selection: Selection, first: str, second: str) -> None:
    batches = tuple(batch.id for batch in selection.history.batches)
    comparison = cached.comparison(selection.case_name, first, second, batches)
    if comparison is None:
        blocks.empty_state(
            "No holdout rows yet",
            "Metrics follow with the first batch that has a known target.",
        )
        return
    blocks.quiet(
        f"Both predict the same {comparison.rows:,} holdout rows, which neither was trained on."
    )
    names = (f"version {first}", f"version {second}")
    blocks.table(
        ("Metric", *map(words.capitalized, names), "Better"),
        (
            _metric_row(metric, comparison, names, selection.unit)
            for metric in measured(comparison.first)
        ),
    )
    if comparison.slices and first != second:
        figure = error_by_slice(
            comparison.slices, names, selection.headline, selection.unit
        )
        blocks.show_figure(figure)


def _metric_row(
    metric: Metric, comparison: VersionComparison, names: tuple[str, str], unit: str
) -> list[str]:
    """Both values, and which is better by what share of the first."""
    first, second = comparison.first[metric.name], comparison.second[metric.name]
    better = '<span class="quiet">equal</span>'
    if first != second:
        second_is_better = (second > first) == metric.more_is_better
        share = words.relative_change(first, second).lstrip("+−")
        colour = ("blue", "orange")[second_is_better]
        better = blocks.chip(f"{names[second_is_better]}, by {share}", colour)
    values = (words.metric(metric, value, unit) for value in (first, second))
    return [metric.label, *values, better]


def _show_origin(entry: HistoryEntry | None, selection: Selection) -> None:
    """What a version was trained for, and how its contest ended."""
    if entry is None or entry.training is None:
        return
    role = blocks.chip(entry.result)
    if entry.version == selection.history.champion:
        role = blocks.chip("champion", "blue")
    title = blocks.version_link(selection.case_name, entry.version)
    st.html(f"<b>{title}</b> {role}")
    verdict = "not judged yet"
    if entry.verdict:
        verdict = entry.verdict.sentence
    blocks.details(
        [
            (
                "Trained at batch",
                f"{entry.batch.number}, because {escape(entry.reason)}",
            ),
            ("Estimator", escape(words.plain(entry.training.estimator))),
            ("Rows", words.rows_per_split(entry.training.rows)),
            ("Verdict", escape(verdict)),
        ]
    )
    for sentence in cached.failures(selection.case_name, entry.version):
        blocks.quiet(sentence)


def _show_pictures(releases: list[StoredRelease]) -> None:
    if not any(release.pictures for release in releases):
        blocks.empty_state(
            "No pictures",
            "These versions were released without any; the next training draws them.",
        )
        return
    for column, release in zip(st.columns(2), releases, strict=True):
        with column:
            st.html(f"<b>Version {escape(release.version)}</b>")
            for picture in release.pictures:
                st.image(picture)


def _card(release: StoredRelease) -> str:
    """The model card, its headings a size smaller and with the version."""
    title = f"# Version {release.version}:"
    card = release.card.replace("# Model card:", title, 1)
    return re.sub("^#", "###", card, flags=re.MULTILINE)


def _show_actions(selection: Selection, history: History) -> None:
    if done := st.session_state.pop(LAST_ACTION, None):
        st.success(done, icon=":material/check:")
    others = [version for version in history.versions if version != history.champion]
    before = rollback_target(list(history.moves))
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        promote = st.popover(
            "Promote a version", icon=":material/upgrade:", disabled=not others
        )
        roll_back = st.popover(
            "Roll back", icon=":material/undo:", disabled=before is None
        )
    with promote, st.form(selection.key("promote"), border=False):
        version = st.selectbox("Version", others, key="promote version") or ""
        _show_action("promote", "Promote", selection, version=version)
    with roll_back, st.form(selection.key("rollback"), border=False):
        st.html(f"<div>The champion before this one is version {before}.</div>")
        _show_action("rollback", "Roll back", selection)


def _show_action(action: str, label: str, selection: Selection, **body: str) -> None:
    """Through the API, which records the reason; a refusal says why."""
    reason = st.text_input(
        "Reason", placeholder="stored in the record", key=f"{action} reason"
    )
    token = st.text_input(
        "Token",
        type="password",
        key=f"{action} token",
        help="The API's RELEVO_API_TOKEN.",
    )
    if not st.form_submit_button(label, type="primary"):
        return
    if not reason.strip():
        st.error("Enter a reason; it is stored in the record.")
        return
    body["reason"] = reason
    try:
        moved = selection.api.move_champion(selection.case_name, action, body, token)
    except ApiError as error:
        st.error(str(error))
        return
    cached.case_history.clear()
    st.session_state[LAST_ACTION] = (
        f"Version {moved.version} is champion now (before: {moved.was or 'none'}): {moved.reason}."
    )
    st.rerun()
