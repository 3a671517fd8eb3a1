"""One cell of a row: what it may hold, and how it is written for people."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

Cell = float | int | bool | str | datetime | None
Row = tuple[Cell, ...]

IS_MISSING = "is missing"
SHOWN_CHARACTERS = 200
# above it a float is shown as one, not as twenty digits that it does not have
LARGEST_WHOLE = 2**63
# the first that fits: a bool is an int as well
_TYPE_NAMES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),
    (str, "text"),
    ((int, float, Decimal), "a number"),
    (date, "a date"),
    (dict, "an object"),
    (list, "a list"),
    (bytes, "binary"),
)


class Misfit(Exception):
    """The value breaks its column's rules; the message is the reason, in plain words."""


def is_punctuation(value: object) -> bool:
    """ "?", "-", ".": people write these where a number or a date is missing."""
    return isinstance(value, str) and not any(map(str.isalnum, value))


def spell(value: object) -> str:
    """One spelling for each value: 3.0 is "3", true is "true"."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_WHOLE:
        return str(int(value))
    return str(value)


def printable(value: object) -> str:
    """For people: short, and safe to store in any database."""
    text = spell(value).encode("utf-8", "backslashreplace").decode()
    text = text.replace("\x00", "\\x00")
    if len(text) <= SHOWN_CHARACTERS:
        return text
    return text[: SHOWN_CHARACTERS - 1] + "…"


def listed(values: Sequence[str], most: int) -> str:
    shown = list(values[:most])
    if len(values) > most:
        shown.append("…")
    return ", ".join(shown)


def type_name(value: object) -> str:
    for types, name in _TYPE_NAMES:
        if isinstance(value, types):
            return name
    return f"a {type(value).__name__}"
