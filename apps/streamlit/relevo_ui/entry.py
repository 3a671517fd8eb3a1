"""The entries of a form, one per field of a model, with its default and its limits."""

import math
from datetime import date
from typing import Any

import streamlit as st

from relevo.serving.responses import FieldSchema
from relevo_ui import words

NO_VALUE = "no value"
BOOLEANS = {"yes": True, "no": False, "unknown": None}
BOOLEAN_LABELS = {value: label for label, value in BOOLEANS.items()}
MOST_DECIMALS = 6
LONGEST_LABEL = 30


def field_widget(field: FieldSchema, key: str) -> Any:
    """The value that the person enters; None where it is left open."""
    widget = WIDGETS.get(field.kind, _category)
    return widget(field, label=field_label(field), help=_help(field), key=key)


def field_label(field: FieldSchema) -> str:
    """The field's doc, where that is short enough for a label."""
    if 0 < len(field.doc) <= LONGEST_LABEL:
        return words.capitalized(field.doc)
    return words.title(field.name)


def _category(field: FieldSchema, **options: Any) -> str | None:
    """Any value may be written where the contract does not list all of them."""
    choices = list(field.values or field.suggestions or [])
    if not choices:
        return st.text_input(value=field.default or "", **options) or None
    return st.selectbox(
        options=choices,
        index=_index(choices, field.default),
        accept_new_options=field.values is None,
        placeholder=NO_VALUE,
        **options,
    )


def _boolean(field: FieldSchema, **options: Any) -> bool | None:
    choices = list(BOOLEANS)[: 2 + field.nullable]
    index = _index(choices, BOOLEAN_LABELS.get(field.default))
    label = st.selectbox(options=choices, index=index, **options)
    return BOOLEANS.get(label or "")


def _date(field: FieldSchema, **options: Any) -> str | None:
    default = field.default and date.fromisoformat(field.default)
    day: date | None = st.date_input(value=default, **options)
    if day is None:
        return None
    return day.isoformat()


def _integer(field: FieldSchema, **options: Any) -> int | None:
    value = _number(field, **options)
    if value is None:
        return None
    return int(value)


def _number(field: FieldSchema, **options: Any) -> float | None:
    default, decimals = None, 2
    if field.default is not None:
        default = float(f"{field.default:.4g}")
        decimals = _decimals(default)
    return st.number_input(
        min_value=field.low,
        max_value=field.high,
        value=default,
        step=_step(field, decimals),
        format=f"%.{decimals}f",
        placeholder=NO_VALUE,
        **options,
    )


WIDGETS = {"number": _number, "integer": _integer, "boolean": _boolean, "date": _date}


def _decimals(value: float) -> int:
    """As many as three significant digits need."""
    text = f"{float(f'{value:.3g}'):.{MOST_DECIMALS}f}".rstrip("0")
    return len(text.partition(".")[2])


def _step(field: FieldSchema, decimals: int) -> float:
    """Of whole numbers about a tenth of what they usually span, as a power of ten."""
    if decimals:
        return 10.0**-decimals
    low, high = field.typical or (0, 1)
    return max(1.0, 10.0 ** (math.floor(math.log10(max(high - low, 1))) - 1))


def _help(field: FieldSchema) -> str:
    parts = [f"`{field.name}`."]
    if len(field.doc) > LONGEST_LABEL:
        parts = [f"{words.capitalized(field.doc)}."]
    if field.typical and field.kind in ("number", "integer"):
        low, high = map(words.plain_number, field.typical)
        parts.append(f"Most values are from {low} to {high}.")
    if field.low is not None and field.high is not None:
        low, high = words.plain_number(field.low), words.plain_number(field.high)
        parts.append(f"Allowed: {low} to {high}.")
    if field.values is None and field.suggestions:
        parts.append("The list has the commonest values; any other may be written.")
    if field.nullable:
        parts.append("May be left empty.")
    return " ".join(parts)


def _index(choices: list[Any], default: Any) -> int | None:
    if default not in choices:
        return None
    return choices.index(default)
