"""What written cells look like: numbers, dates, sums of money, marks for a gap."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from relevo.domain.cells import is_punctuation
from relevo.domain.kinds import Boolean


def _spelled(pattern: str) -> Callable[[str], object]:
    return re.compile(rf"\s*{pattern}\s*", re.ASCII).fullmatch


is_number = _spelled(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
is_whole = _spelled(r"[+-]?\d{1,18}")
looks_like_iso = _spelled(r"(\d{4}-\d{2}-\d{2}([T ].*)?|(19|20)\d{6}(T.*)?)")
is_amount = _spelled(
    r"\(?-?[^\w\s.,-]{0,3}\s*-?\d[\d.,'\u00a0\u202f ]*\s*([^\w\s.,-]|%|[A-Za-z]{1,3})?\)?"
)
is_slashed = re.compile(
    r"\s*(\d{1,4})[/.-](\d{1,2})[/.-](\d{1,4})([T ,].*)?\s*", re.ASCII
).fullmatch
_MARKS = (
    "? - -- --- . .. * #N/A #NA N.A. n.a. na Na NAN Null nil none None NONE "
    "missing Missing MISSING unknown Unknown UNKNOWN n/d N/D nd ND"
)
GAP_MARKS = frozenset(_MARKS.split())


def is_boolean(word: str) -> bool:
    return word.strip().casefold() in Boolean.spellings


def is_iso(word: str) -> bool:
    try:
        datetime.fromisoformat(word.strip())
    except ValueError:
        return False
    return bool(looks_like_iso(word))


def is_gap(word: str) -> bool:
    """Whether the loop takes this mark among numbers and dates for a missing value."""
    return word in GAP_MARKS and is_punctuation(word)


def order_of(dates: list[str]) -> str:
    """How dates with slashes are written, in words."""
    parts = [match.groups() for word in dates if (match := is_slashed(word))]
    if any(len(first) == 4 for first, *_ in parts):
        return "year first"
    day_first = any(int(first) > 12 for first, *_ in parts)
    month_first = any(int(second) > 12 for _, second, *_ in parts)
    if day_first and month_first:
        return "day first in some rows and month first in others"
    if day_first:
        return "day first"
    if month_first:
        return "month first"
    return "day or month first, which no row tells"
