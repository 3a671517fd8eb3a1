"""Models: any two versions beside each other, on the same rows; promote one or roll back, with a reason."""

from __future__ import annotations

from html import escape

import streamlit as st

from relevo.domain.metrics import METRICS
from relevo.releases.publisher import rollback_target
from relevo_ui import blocks, cached, words
from relevo_ui.charts import models as charts
from relevo_ui.place import Place, here
from relevo_ui.reading.api import ApiAway, ApiRefused
from relevo_ui.reading.comparison import Comparison
from relevo_ui.reading.record import History, measure_of
from relevo_ui.reading.releases import HEADINGS, ReleaseAbsent, ReleaseFolder

DONE = "order carried out"


def show() -> None:
    place = here()
    history = cached.history(place.case_name)
    title, orders = st.columns([13, 9], vertical_alignment="bottom")
    with title:
        blocks.heading("Models", _lead(history))
    if not history.trainings:
        blocks.nothing(
            "No model yet",
            f"The first batch makes the first model: `relevo run {place.case_name}`.",
        )
        return
    with orders:
        _orders(place, history)
    versions = [one.version for one in reversed(history.trainings)]
    champion = history.champion or versions[0]
    other = next((one for one in versions if one != champion), champion)
    columns = st.columns(2, gap="medium")
    chosen = []
    for column, label, default in zip(
        columns, ("Version", "Beside version"), (champion, other), strict=True
    ):
        with column:
            version = st.selectbox(
                label, versions, index=versions.index(default), key=f"{label} {place.case_name} {len(versions)}",
                format_func=lambda one: _named(one, history), label_visibility="collapsed",
            )  # fmt: skip
            chosen.append(version or default)
    _compare(place, history, chosen[0], chosen[1])


def _lead(history: History) -> str:
    parts = [words.count(len(history.trainings), "version")]
    if history.champion:
        parts.append(f"version {history.champion} is champion")
    if history.challenger and history.challenger != history.champion:
        entry = history.entry_of(history.challenger)
        parts.append(
            f"version {history.challenger} is the newest candidate{f', {entry.result}' if entry and entry.result else ''}"
        )
    return "; ".join(parts) + "."


def _named(version: str, history: History) -> str:
    training, entry = history.training(version), history.entry_of(version)
    parts = [f"Version {version}"]
    if version == history.champion:
        parts.append("champion")
    elif entry and entry.result:
        parts.append(entry.result if entry.result == "kept out" else "former champion")
    if training:
        parts.append(f"trained {words.moment(training.trained_at)}")
    return " · ".join(parts)


def _compare(place: Place, history: History, first: str, second: str) -> None:
    folders = []
    for version in (first, second):
        try:
            folders.append(cached.release(place.case_name, version))
        except ReleaseAbsent as absent:
            blocks.nothing(f"Version {version} cannot be compared", str(absent))
            return
    compared_tab, rests, cards = st.tabs(
        ["Metrics and slices", "Importances and errors", "Cards"]
    )
    compared = cached.comparison(
        place.case_name, first, second, tuple(one.id for one in history.batches)
    )
    with compared_tab:
        left, right = st.columns([11, 9], gap="large")
        with left:
            _metrics(place, compared, first, second)
            _slices(place, compared, first, second)
        with right:
            _origins(place, history, first, second)
    with rests:
        _pictures(folders)
    with cards:
        for column, folder in zip(st.columns(2, gap="medium"), folders, strict=True):
            with column, st.container(border=True):
                st.markdown(_card(folder))


def _metrics(
    place: Place, compared: Comparison | None, first: str, second: str
) -> None:
    if compared is None:
        blocks.nothing(
            "No holdout rows yet",
            "Metrics follow with the first batch that has a known target.",
        )
        return
    rows = [
        (
            words.label(name),
            words.metric(name, compared.first[name], place.case.unit),
            words.metric(name, compared.second[name], place.case.unit),
            _better(name, compared.first[name], compared.second[name], first, second),
        )
        for name in compared.first
        if name != "mse" and name in compared.second
    ]
    blocks.quiet(
        f"Both asked about the same {compared.rows:,} holdout rows, which neither has learnt from."
    )
    blocks.table(("Metric", f"Version {first}", f"Version {second}", "Better"), rows)


def _better(name: str, one: float, other: float, first: str, second: str) -> str:
    """Which version is better, and by what share of the first."""
    if one == other or first == second:
        return '<span class="quiet">equal</span>'
    more = METRICS[name].more_is_better
    winner = first if (one > other) == more else second
    share = abs(other - one) / abs(one) if one else 0.0
    return blocks.chip(
        f"version {winner}, by {words.percent(share)}",
        "blue" if winner == first else "orange",
    )


def _origins(place: Place, history: History, first: str, second: str) -> None:
    """Where each comes from, and what became of it."""
    mlflow = cached.settings().mlflow()
    for version in dict.fromkeys((first, second)):
        training, entry = history.training(version), history.entry_of(version)
        if training is None or entry is None:
            continue
        name = f"Version {version}"
        title = (
            f'<a href="{mlflow}/#/models/{place.case_name}/versions/{version}" target="_blank">{name}</a>'
            if mlflow
            else name
        )
        role = (
            blocks.chip("champion", "blue")
            if version == history.champion
            else blocks.chip(entry.result or "in contest")
        )
        rows = ", ".join(
            f"{training.rows.get(side, 0):,} {side}" for side in ("train", "test")
        )
        st.html(f"<b>{title}</b> {role}")
        blocks.facts(
            (
                (
                    "Trained at batch",
                    f"{entry.batch.number}, because {escape(entry.reason)}",
                ),
                (
                    "Estimator",
                    f"{escape(training.estimator.replace('_', ' '))}, {rows} rows",
                ),
                (
                    "Verdict",
                    escape(entry.verdict.sentence)
                    if entry.verdict
                    else "not judged yet",
                ),
            )
        )


def _slices(place: Place, compared: Comparison | None, first: str, second: str) -> None:
    if compared is None or not compared.slices or first == second:
        return
    names = (f"version {first}", f"version {second}")
    st.altair_chart(
        charts.slices(compared.slices, names, measure_of(place.case), place.case.unit)
    )


def _pictures(folders: list[ReleaseFolder]) -> None:
    names = [
        name for name in HEADINGS if any(name in folder.pictures for folder in folders)
    ]
    if not names:
        blocks.nothing(
            "No pictures",
            "These versions were released without any; the next training draws them.",
        )
        return
    columns = st.columns(2, gap="medium")
    for column, folder in zip(columns, folders, strict=True):
        with column:
            st.html(f"<b>Version {escape(folder.version)}</b>")
            for name in names:
                if name in folder.pictures:
                    st.image(folder.pictures[name])


def _card(folder: ReleaseFolder) -> str:
    """The card as it is, its headings a size smaller and saying the version."""
    lines = folder.card.replace(
        "# Model card:", f"# Version {folder.version}:", 1
    ).splitlines()
    return "\n".join(f"##{line}" if line.startswith("#") else line for line in lines)


def _orders(place: Place, history: History) -> None:
    if done := st.session_state.pop(DONE, None):
        st.success(done, icon=":material/check:")
    versions = [
        one.version
        for one in reversed(history.trainings)
        if one.version != history.champion
    ]
    before = rollback_target(list(history.moves))
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        with st.popover(
            "Promote a version", icon=":material/upgrade:", disabled=not versions
        ):
            _order(place, "promote", versions)
        with st.popover("Roll back", icon=":material/undo:", disabled=before is None):
            st.html(
                f"<div>The champion before this one was version {escape(before or '')}.</div>"
            )
            _order(place, "rollback", [])


def _order(place: Place, order: str, versions: list[str]) -> None:
    """Through the API, which records who won by whose word; a failure says why."""
    with st.form(f"{order} {place.case_name}", border=False):
        version = (
            st.selectbox("Version", versions, key=f"{order} version")
            if versions
            else ""
        )
        reason = st.text_input(
            "Reason", placeholder="kept with the record", key=f"{order} reason"
        )
        token = st.text_input(
            "Token",
            type="password",
            key=f"{order} token",
            help="The API's RELEVO_API_TOKEN.",
        )
        pressed = st.form_submit_button(
            "Promote" if order == "promote" else "Roll back", type="primary"
        )
    if not pressed:
        return
    if not reason.strip():
        st.error("Say why; the reason is kept with the record.")
        return
    try:
        if order == "promote":
            moved = place.api.promote(place.case_name, version or "", reason, token)
        else:
            moved = place.api.rollback(place.case_name, reason, token)
    except (ApiAway, ApiRefused) as error:
        st.error(str(error))
        return
    cached.history.clear()
    st.session_state[DONE] = (
        f"Version {moved['version']} is champion now (before: {moved['was'] or 'none'}): {moved['reason']}."
    )
    st.rerun()
