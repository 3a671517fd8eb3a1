"""What one cell of a row may be, by its column's kind: the rules, a cell at a time.

`loop.wire` applies the same rules a column at a time; this is what it falls back to, and what decides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

from relevo.domain.contract import Column, Kind

Cell = float | int | bool | str | datetime | None
Row = tuple[Cell, ...]

IS_MISSING = "is missing"
# of CSV; "None" may well be a category
MISSING_WORDS = frozenset(
    {"", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "NULL", "null"}
)
WORDY = frozenset(
    {Kind.CATEGORY, Kind.TEXT}
)  # whose cells may be any word, "?" and "-" too
BOOLEAN_WORDS = {
    "true": True,
    "yes": True,
    "1": True,
    "1.0": True,
    "false": False,
    "no": False,
    "0": False,
    "0.0": False,
}
SHOWN_VALUES = 10
SHOWN_CHARACTERS = 200

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INT64 = 2**63


class Misfit(Exception):
    """The value cannot be stored in the column's type; the message is the reason, in plain words."""


def read_cell(column: Column, value: object, *, spelled: bool) -> Cell:
    """The value as the column stores it, None for missing; Misfit where it cannot be.

    `spelled`: the format has no types (CSV), so "3" may be a number and "yes" a boolean. JSON's and Parquet's text
    is text.
    """
    if (
        value is None
        or value != value
        or (spelled and column.kind not in WORDY and is_gap(value))
    ):
        return None
    return _READERS[column.kind](value, spelled)


def is_gap(value: object) -> bool:
    """ "?", "-", ".": punctuation alone stands for no number and no date."""
    return isinstance(value, str) and not any(map(str.isalnum, value))


def breaches(column: Column) -> dict[str, str]:
    """The reasons given for a cell that fits its type and breaks the contract."""
    shown = ", ".join((column.values or ())[:SHOWN_VALUES])
    more = ", …" if len(column.values or ()) > SHOWN_VALUES else ""
    return {
        "low": f"is below {spell(column.low)}",
        "high": f"is above {spell(column.high)}",
        "values": f"is not one of {shown}{more}",
    }


def spell(value: object) -> str:
    """One spelling for each value: 3.0 is "3", true is "true"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _INT64:
        return str(int(value))
    return str(value)


def printable(value: object) -> str:
    """For people: short, and safe to store in any database."""
    text = (
        spell(value)
        .encode("utf-8", "backslashreplace")
        .decode()
        .replace("\x00", "\\x00")
    )
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def type_name(value: object) -> str:
    for known, name in _TYPE_NAMES:
        if isinstance(value, known):
            return name
    return f"a {type(value).__name__}"


_TYPE_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (str, "text"),
    (int, "a number"),
    (float, "a number"),
    (Decimal, "a number"),
    (datetime, "a date"),
    (date, "a date"),
    (dict, "an object"),
    (list, "a list"),
    (bytes, "binary"),
)


def _number(value: object, spelled: bool) -> float:
    if spelled and isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise Misfit(f"is {type_name(value)}, not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise Misfit("is infinite")
    return number


def _integer(value: object, spelled: bool) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        whole = value
    else:
        number = _number(value, spelled)
        if not number.is_integer():
            raise Misfit("is not a whole number")
        exact = (
            spelled
            and isinstance(value, str)
            and value.strip().lstrip("+-").isdecimal()
        )
        whole = int(str(value)) if exact else int(number)
    if not -_INT64 <= whole < _INT64:
        raise Misfit("is too large for a whole number")
    return whole


def _boolean(value: object, spelled: bool) -> bool:
    if isinstance(value, bool):
        return value
    if spelled and isinstance(value, str) and value.strip().casefold() in BOOLEAN_WORDS:
        return BOOLEAN_WORDS[value.strip().casefold()]
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    raise Misfit(f"is {type_name(value)}, not true or false")


def _date(value: object, _spelled: bool) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise Misfit("is not a date in ISO 8601") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        raise Misfit(f"is {type_name(value)}, not a date")
    try:
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    except OverflowError:
        raise Misfit("is not between the years 1 and 9999") from None


def _code(value: object, _spelled: bool) -> float:
    if isinstance(value, (bool, dict, list)):
        raise Misfit(f"is {type_name(value)}, not a code")
    number = _number(value, spelled=True)
    if not number.is_integer():
        raise Misfit("is not a whole number")
    return number


def _category(value: object, spelled: bool) -> str | None:
    text = _text(value, spelled)
    return text or None


def _text(value: object, _spelled: bool) -> str:
    if isinstance(value, (dict, list, bytes)):
        raise Misfit(f"is {type_name(value)}, not text")
    text = value.isoformat() if isinstance(value, date) else spell(value)
    if "\x00" in text:
        raise Misfit("holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Misfit("is not valid Unicode") from None
    return text


_READERS: dict[Kind, Callable[[object, bool], Cell]] = {
    Kind.NUMBER: _number,
    Kind.INTEGER: _integer,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.CATEGORY: _category,
    Kind.CODE: _code,
    Kind.TEXT: _text,
}
