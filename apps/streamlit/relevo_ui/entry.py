"""A form's entries made from the fields of a model: one widget a field, with sensible defaults and ranges."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import streamlit as st

from relevo_ui import words
from relevo_ui.reading.api import InputField

YES_NO = {"yes": True, "no": False}
MOST_DECIMALS = 6
LONGEST_LABEL = 30


def ask(field: InputField, key: str) -> Any:
    """What the person wants the field to be; None where it is left open."""
    label, hint = label_of(field), _hint(field)
    if field.kind in ("number", "integer"):
        return _number(field, label, hint, key)
    if field.kind == "boolean":
        options = [*YES_NO, *(["unknown"] if field.nullable else [])]
        chosen = st.selectbox(
            label,
            options,
            index=_place(options, "yes" if field.default else "no"),
            help=hint,
            key=key,
        )
        return YES_NO.get(chosen or "")
    if field.kind == "date":
        default = date.fromisoformat(field.default) if field.default else None
        chosen_day = st.date_input(label, default, help=hint, key=key)
        return chosen_day.isoformat() if isinstance(chosen_day, date) else None
    return _words(field, label, hint, key)


def label_of(field: InputField) -> str:
    """What people call the field; its doc where that is short enough to stand above an entry."""
    return (
        f"{field.doc[:1].upper()}{field.doc[1:]}"
        if 0 < len(field.doc) <= LONGEST_LABEL
        else words.title(field.name)
    )


def _words(field: InputField, label: str, hint: str, key: str) -> Any:
    """A closed set is chosen from; an open one is suggested, and anything else may be written."""
    options = list(field.values or field.suggestions or [])
    if not options:
        return st.text_input(label, field.default or "", help=hint, key=key) or None
    return st.selectbox(
        label, options, index=_place(options, field.default), help=hint, key=key,
        accept_new_options=field.values is None, placeholder="unknown" if field.nullable else "choose",
    )  # fmt: skip


def _number(field: InputField, label: str, hint: str, key: str) -> float | int | None:
    if field.kind == "integer":
        low, high = (
            None if bound is None else int(bound) for bound in (field.low, field.high)
        )
        whole = None if field.default is None else int(field.default)
        return st.number_input(
            label, low, high, whole, step=1, help=hint, key=key, placeholder="unknown"
        )
    default = None if field.default is None else float(f"{field.default:.4g}")
    decimals = 2 if default is None else _decimals(default)
    step = 10.0**-decimals if decimals else _whole_step(field)
    return st.number_input(
        label, field.low, field.high, default, step=step, format=f"%.{decimals}f", help=hint, key=key, placeholder="unknown"
    )  # fmt: skip


def _decimals(value: float) -> int:
    """As many as three digits that say something need."""
    text = f"{float(f'{value:.3g}'):.{MOST_DECIMALS}f}".rstrip("0")
    return len(text.partition(".")[2])


def _whole_step(field: InputField) -> float:
    low, high = field.typical or [0.0, 1.0]
    return (
        max(1.0, 10.0 ** (math.floor(math.log10(high - low)) - 1))
        if high > low
        else 1.0
    )


def _hint(field: InputField) -> str:
    parts = [
        f"{field.doc[:1].upper()}{field.doc[1:]}."
        if len(field.doc) > LONGEST_LABEL
        else f"`{field.name}`."
    ]
    if field.typical and all(isinstance(one, int | float) for one in field.typical):
        low, high = (words.number(one) for one in field.typical)
        parts.append(
            f"Most lie between {low} and {high}." if low != high else f"Most are {low}."
        )
    if field.low is not None and field.high is not None:
        parts.append(
            f"Allowed: {words.number(field.low)} to {words.number(field.high)}."
        )
    if field.values is None and field.suggestions:
        parts.append("The commonest are listed; any other may be written.")
    if field.nullable:
        parts.append("May be left empty.")
    return " ".join(part for part in parts if part)


def _place(options: list[str], value: Any) -> int | None:
    return options.index(value) if value in options else None
