"""Predict: a form, the answer with the model's typical error around it, what made it so, and its receipt."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from relevo.domain.metrics import METRICS
from relevo_ui import blocks, cached, entry, words
from relevo_ui.charts import answer as charts
from relevo_ui.place import Place, here
from relevo_ui.reading.api import Answer, ApiAway, ApiRefused, Explanation, Form


@dataclass(frozen=True, slots=True)
class Told:
    """What the page shows on the right. Without an answer it is an example, which nothing logs."""

    explanation: Explanation
    answer: Answer | None = None


def show() -> None:
    place = here()
    try:
        form = cached.form(place.case_name, place.environment)
    except (ApiAway, ApiRefused) as error:
        _nothing_to_ask(place, error)
        return
    what = words.title(form.target).lower()
    blocks.heading(
        form.title or words.title(form.case),
        f"{what.capitalize()} from {words.count(len(form.fields), 'fact')}. "
        f"Version {form.version} answers, the {form.alias} in {place.environment}.",
    )
    left, right = st.columns([9, 13], gap="large")
    with left:
        row = _ask(form, place)
    key = f"told {place.case_name} {place.environment}"
    with right:
        try:
            if row is not None:
                st.session_state[key] = _predict(place, row)
            elif (
                key not in st.session_state
                or st.session_state[key].explanation.version != form.version
            ):
                example = {field.name: field.default for field in form.fields}
                with st.spinner("Working out an example …"):
                    st.session_state[key] = Told(
                        place.api.explain(place.case_name, example)
                    )
        except (ApiAway, ApiRefused) as error:
            _refused(error)
        else:
            _tell(st.session_state[key], form, place)


def _ask(form: Form, place: Place) -> dict[str, Any] | None:
    """The row to predict, when the button has been pressed."""
    with st.form(f"ask {place.case_name} {place.environment}"):
        columns = st.columns(2, gap="medium")
        row = {}
        for order, field in enumerate(form.fields):
            with columns[order % 2]:
                row[field.name] = entry.ask(field, f"{place.case_name}.{field.name}")
        pressed = st.form_submit_button("Predict", type="primary", width="stretch")
    return row if pressed else None


def _predict(place: Place, row: dict[str, Any]) -> Told:
    answer = place.api.predict(place.case_name, row)
    return Told(place.api.explain(place.case_name, row), answer)


def _tell(told: Told, form: Form, place: Place) -> None:
    found, value = told.explanation, (told.answer or told.explanation).prediction
    label = (
        f"Predicted {words.title(form.target).lower()}"
        if told.answer
        else "An example: a common one of each fact"
    )
    shown = (
        words.amount(value, form.unit) if isinstance(value, float | int) else str(value)
    )
    st.html(
        f'<div class="quiet">{escape(label)}</div><div class="answer">{escape(shown)}</div>'
    )
    _typical_error(value, form)
    if told.answer:
        _receipt(told.answer, place)
    if found.scale != "log odds" or not (told.answer and told.answer.probabilities):
        st.altair_chart(charts.waterfall(found, form.target, _called(form)))
    if told.answer and told.answer.probabilities:
        st.altair_chart(charts.probabilities(dict(told.answer.probabilities)))
    if not told.answer:
        st.html(
            '<div class="quiet">Press Predict for an answer with a receipt; this example is not logged.</div>'
        )


def _called(form: Form) -> dict[str, str]:
    """Short names: `Living space` of "living space, in square feet"."""
    return {
        field.name: entry.label_of(field).partition(",")[0] for field in form.fields
    }


def _typical_error(value: float | str, form: Form) -> None:
    error = form.typical_error
    if error is None or isinstance(value, str):
        return
    span = charts.around(value, error.metric, error.value)
    if span is None:
        return
    amount = words.metric(error.metric, error.value, form.unit)
    low, high = words.amount(span.low, form.unit), words.amount(span.high, form.unit)
    st.html(
        f'<div class="quiet">Typically {amount} off ({METRICS[error.metric].meaning} on the holdout): '
        f"between {low} and {high}.</div>"
    )
    st.altair_chart(charts.range_bar(span, form.unit))


def _receipt(answer: Answer, place: Place) -> None:
    for warning in answer.warnings:
        st.warning(
            f"{words.title(warning.field)}: {warning.message}", icon=":material/info:"
        )
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.html(
            f'<span class="quiet">Receipt</span> {blocks.identity(answer.receipt)}',
            width="content",
        )
        place.link(
            "live",
            "Follow it to model, data and verdict",
            ":material/arrow_forward:",
            receipt=answer.receipt,
        )


def _refused(error: ApiAway | ApiRefused) -> None:
    if isinstance(error, ApiRefused) and error.faults:
        for fault in error.faults:
            st.error(
                f"{words.title(fault.field)}: {fault.message}", icon=":material/error:"
            )
        return
    blocks.nothing("No answer", str(error))


def _nothing_to_ask(place: Place, error: ApiAway | ApiRefused) -> None:
    title = place.case.title or words.title(place.case_name)
    blocks.heading(title, f"Answers come from the API of {place.environment}.")
    if isinstance(error, ApiAway):
        blocks.nothing(f"The API of {place.environment} is away", str(error))
    elif error.status == 503:
        blocks.nothing(
            "No champion yet",
            f"The first batch makes the first model: `relevo run {place.case_name}`, or start the chain in Airflow. "
            "The API takes the model up by itself; this page then shows a form.",
        )
    else:
        blocks.nothing(
            f"The API of {place.environment} does not answer for {place.case_name}",
            f"{error} Let it serve this use case with RELEVO_API_CASES, or choose another on the left.",
        )
