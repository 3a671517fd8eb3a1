"""Predict: a form, the prediction with its typical error, what each field adds, and the receipt."""

from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from relevo.domain.metrics import METRICS
from relevo.domain.wording import count
from relevo.serving.responses import CaseSchema, Explanation, Prediction
from relevo_ui import blocks, cached, entry, words
from relevo_ui.charts.answer import (
    class_probabilities,
    error_range,
    range_bar,
    waterfall,
)
from relevo_ui.reading.api import ApiError, ApiRefused, ApiUnavailable
from relevo_ui.selection import Selection, case_title, current_selection


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownResult:
    """The right half of the page. Without a response it is an example, which is not logged."""

    form_version: str
    response: Prediction | None = None
    explanation: Explanation | str  # or why there is none


def render_predict() -> None:
    selection = current_selection()
    try:
        form = cached.form_schema(selection.case_name, selection.environment)
    except ApiError as error:
        _no_form(selection, error)
        return
    blocks.heading(
        form.title,
        f"{words.title(form.target)} from {count(len(form.fields), 'field')}. "
        f"Version {form.version} answers, the {form.alias} in {selection.environment}.",
    )
    left, right = st.columns([9, 13], gap="large")
    with left:
        row = _form(form, selection)
    with right:
        try:
            _show_result(_current_result(row, form, selection), form, selection)
        except ApiError as error:
            for problem in error.problems:
                text = f"{words.title(problem.field)}: {problem.message}"
                st.error(text, icon=":material/error:")
            if not error.problems:
                blocks.empty_state("No prediction", str(error))


def _form(form: CaseSchema, selection: Selection) -> dict[str, Any] | None:
    """The row to predict, when the button has been pressed."""
    with st.form(selection.key("form")):
        columns = st.columns(2, gap="medium")
        row = {}
        for index, field in enumerate(form.fields):
            with columns[index % 2]:
                key = selection.key(field.name)
                row[field.name] = entry.field_widget(field, key)
        if st.form_submit_button("Predict", type="primary", width="stretch"):
            return row
    return None


def _current_result(
    row: dict[str, Any] | None, form: CaseSchema, selection: Selection
) -> ShownResult:
    """Of the row if there is one, else the last one; an example for a form that is new."""
    key = selection.key("result")
    last: ShownResult | None = st.session_state.get(key)
    if row is None and last and last.form_version == form.version:
        return last
    response = None
    if row is None:
        row = {field.name: field.default for field in form.fields}
    else:
        response = selection.api.predict(selection.case_name, row)
    with st.spinner("Explaining the prediction …"):
        explanation = _explain(row, selection)
    st.session_state[key] = result = ShownResult(
        form_version=form.version, response=response, explanation=explanation
    )
    return result


def _explain(row: dict[str, Any], selection: Selection) -> Explanation | str:
    """Not every estimator has an exact explanation; the API then says why."""
    try:
        return selection.api.explain(selection.case_name, row)
    except ApiRefused as refused:
        if refused.status != 409:
            raise
        return str(refused)


def _show_result(result: ShownResult, form: CaseSchema, selection: Selection) -> None:
    response, explanation = result.response, result.explanation
    shown = response or explanation
    if isinstance(shown, str):
        blocks.empty_state(
            "No example",
            f"Enter values and press Predict. There is no explanation: {shown}",
        )
        return
    target = words.title(form.target).lower()
    label = "An example, with the usual value of each field"
    if response:
        label = f"Predicted {target}"
    value = str(shown.prediction)
    if isinstance(shown.prediction, float):
        value = words.in_unit(shown.prediction, form.unit)
    st.html(
        f'<div class="quiet">{escape(label)}</div><div class="answer">{escape(value)}</div>'
    )
    _show_typical_error(shown.prediction, form)
    if response:
        _show_receipt(response, selection)
    if response and response.probabilities:
        blocks.show_figure(class_probabilities(response.probabilities))
    elif isinstance(explanation, str):
        blocks.quiet(f"No explanation of this prediction: {explanation}")
    else:
        # `Width` of "width, in metres": a label beside a bar must be short
        labels = {
            field.name: entry.field_label(field).partition(",")[0]
            for field in form.fields
        }
        blocks.show_figure(waterfall(explanation, target, labels))
    if not response:
        blocks.quiet("Press Predict for a receipt; this example is not logged.")


def _show_typical_error(value: float | str, form: CaseSchema) -> None:
    error = form.typical_error
    if error is None or isinstance(value, str):
        return
    span = error_range(value, error.metric, error.value)
    if span:
        metric = METRICS[error.metric]
        blocks.quiet(
            f"Typically {words.metric(metric, error.value, form.unit)} off "
            f"({metric.label} on the holdout): between {words.in_unit(span.low, form.unit)} "
            f"and {words.in_unit(span.high, form.unit)}."
        )
        st.altair_chart(range_bar(span, form.unit).chart)


def _show_receipt(response: Prediction, selection: Selection) -> None:
    for warning in response.warnings:
        text = f"{words.title(warning.field)}: {warning.message}"
        st.warning(text, icon=":material/info:")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        receipt = blocks.identity(response.receipt)
        st.html(f'<span class="quiet">Receipt</span> {receipt}', width="content")
        selection.link(
            "Live", "Trace it to model, data and verdict", receipt=response.receipt
        )


def _no_form(selection: Selection, error: ApiError) -> None:
    case, api = selection.case_name, f"The API of {selection.environment}"
    blocks.heading(case_title(case), f"{api} answers here.")
    if isinstance(error, ApiUnavailable):
        blocks.empty_state(f"{api} is unavailable", str(error))
    elif isinstance(error, ApiRefused) and error.status == 503:
        blocks.empty_state(
            "No champion yet",
            f"The first batch makes the first model: `relevo run {case}`, or start the DAG in Airflow. "
            "The API loads the model by itself; then this page shows a form.",
        )
    else:
        blocks.empty_state(
            f"{api} does not serve {case}",
            f"{error} Add the use case to its RELEVO_API_CASES, or choose another on the left.",
        )
