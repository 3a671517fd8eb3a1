"""Models: any two versions on the same rows; promote one or roll back, with a reason."""

from __future__ import annotations

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
from relevo_ui.reading.record import History, HistoryEntry, headline_metric, measured
from relevo_ui.reading.releases import ReleaseAbsent, ReleaseFolder
from relevo_ui.selection import Selection, current_selection

DONE = "admin action done"


def render_models() -> None:
    selection = current_selection()
    history = cached.case_history(selection.case_name)
    title, actions = st.columns([13, 9], vertical_alignment="bottom")
    with title:
        blocks.heading("Models", _lead(history))
    versions = history.versions
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
        first = _chosen_version("Version", champion, selection, history)
    with right:
        second = _chosen_version("Beside version", others[0], selection, history)
    try:
        folders = [cached.release(selection.case_name, v) for v in (first, second)]
    except ReleaseAbsent as absent:
        blocks.empty_state("These versions cannot be compared", str(absent))
        return
    metrics, importances, cards = st.tabs(
        ["Metrics and slices", "Importances and errors", "Cards"]
    )
    with metrics:
        left, right = st.columns([11, 9], gap="large")
        with left:
            _show_comparison(selection, history, first, second)
        with right:
            for version in dict.fromkeys((first, second)):
                _show_origin(history.entry_of(version), selection, history)
    with importances:
        _show_pictures(folders)
    with cards:
        for column, folder in zip(st.columns(2, gap="medium"), folders, strict=True):
            with column, st.container(border=True):
                st.markdown(_card(folder))


def _lead(history: History) -> str:
    parts = [count(len(history.versions), "version")]
    if history.champion:
        parts.append(f"version {history.champion} is champion")
    for newest in history.versions[:1]:
        entry = history.entry_of(newest)
        if entry and newest != history.champion:
            parts.append(f"version {newest} is the newest, {entry.result}")
    return "; ".join(parts) + "."


def _chosen_version(
    label: str, default: str, selection: Selection, history: History
) -> str:
    versions = history.versions
    chosen = st.selectbox(
        label,
        versions,
        index=versions.index(default),
        key=f"{label} {selection.case_name} {len(versions)}",
        format_func=lambda version: _version_label(version, history),
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


def _show_comparison(
    selection: Selection, history: History, first: str, second: str
) -> None:
    batches = tuple(batch.id for batch in history.batches)
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
    head = ("Metric", f"Version {first}", f"Version {second}", "Better")
    rows = (
        _metric_row(metric, comparison, (first, second), selection.case.unit)
        for metric in measured(comparison.first)
    )
    blocks.table(head, rows)
    if comparison.slices and first != second:
        names = (f"version {first}", f"version {second}")
        measure = headline_metric(selection.case)
        blocks.show_figure(
            error_by_slice(comparison.slices, names, measure, selection.case.unit)
        )


def _metric_row(
    metric: Metric, comparison: VersionComparison, versions: tuple[str, str], unit: str
) -> list[str]:
    """Both values, and which is better by what share of the first."""
    first, second = comparison.first[metric.name], comparison.second[metric.name]
    better = '<span class="quiet">equal</span>'
    if first != second:
        second_is_better = (second > first) == metric.more_is_better
        colour = ("blue", "orange")[second_is_better]
        share = words.change(first, second).lstrip("+−")
        better = blocks.chip(
            f"version {versions[second_is_better]}, by {share}", colour
        )
    values = (words.metric(metric, value, unit) for value in (first, second))
    return [metric.label, *values, better]


def _show_origin(
    entry: HistoryEntry | None, selection: Selection, history: History
) -> None:
    """What a version was trained for, and how its contest ended."""
    if entry is None or entry.training is None:
        return
    role = blocks.chip(entry.result)
    if entry.version == history.champion:
        role = blocks.chip("champion", "blue")
    title = blocks.version_link(selection.case_name, entry.version)
    st.html(f"<b>{title}</b> {role}")
    estimator = words.plain(entry.training.estimator)
    rows = words.rows_per_split(entry.training.rows)
    verdict = "not judged yet"
    if entry.verdict:
        verdict = entry.verdict.sentence
    batch = f"{entry.batch.number}, because {escape(entry.reason)}"
    blocks.details(
        [
            ("Trained at batch", batch),
            ("Estimator", f"{escape(estimator)}, {rows} rows"),
            ("Verdict", escape(verdict)),
        ]
    )


def _show_pictures(folders: list[ReleaseFolder]) -> None:
    if not any(folder.pictures for folder in folders):
        blocks.empty_state(
            "No pictures",
            "These versions were released without any; the next training draws them.",
        )
        return
    for column, folder in zip(st.columns(2, gap="medium"), folders, strict=True):
        with column:
            st.html(f"<b>Version {escape(folder.version)}</b>")
            for _, picture in sorted(folder.pictures.items()):
                st.image(picture)


def _card(folder: ReleaseFolder) -> str:
    """The model card, its headings a size smaller and with the version."""
    title = f"# Version {folder.version}:"
    card = folder.card.replace("# Model card:", title, 1)
    return re.sub("^#", "###", card, flags=re.MULTILINE)


def _show_actions(selection: Selection, history: History) -> None:
    if done := st.session_state.pop(DONE, None):
        st.success(done, icon=":material/check:")
    others = [version for version in history.versions if version != history.champion]
    before = rollback_target(list(history.moves))
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        with (
            st.popover(
                "Promote a version", icon=":material/upgrade:", disabled=not others
            ),
            st.form(f"promote {selection.case_name}", border=False),
        ):
            version = st.selectbox("Version", others, key="promote version") or ""
            _action("promote", "Promote", selection, version=version)
        with (
            st.popover("Roll back", icon=":material/undo:", disabled=before is None),
            st.form(f"rollback {selection.case_name}", border=False),
        ):
            st.html(f"<div>The champion before this one is version {before}.</div>")
            _action("rollback", "Roll back", selection)


def _action(action: str, label: str, selection: Selection, **body: str) -> None:
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
    try:
        moved = selection.api.move_champion(
            selection.case_name, action, {"reason": reason, **body}, token
        )
    except ApiError as error:
        st.error(str(error))
        return
    cached.case_history.clear()
    st.session_state[DONE] = (
        f"Version {moved['version']} is champion now (before: {moved['was'] or 'none'}): {moved['reason']}."
    )
    st.rerun()
