"""What written cells look like: numbers, dates, sums of money, marks for a gap."""

from __future__ import annotations

import io
import re
from datetime import datetime
from functools import lru_cache

from relevo.domain.contract import Column, Contract, text
from relevo.domain.kinds import Boolean, Kind
from relevo.formats import read_rows

NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
WHOLE = re.compile(r"\s*[+-]?\d{1,18}\s*", re.ASCII)
DIGITS = re.compile(r"\d+", re.ASCII)
PADDED = re.compile(r"0\d+", re.ASCII)
ISO = re.compile(r"\s*(\d{4}-\d{2}-\d{2}([T ].*)?|(19|20)\d{6}(T.*)?)\s*", re.ASCII)
SLASHED = re.compile(r"\s*(\d{1,4})[/.-](\d{1,2})[/.-](\d{1,4})([T ,].*)?\s*", re.ASCII)
SUM = re.compile(
    r"\s*\(?-?[^\w\s.,-]{0,3}\s*-?\d[\d.,'\u00a0\u202f ]*\s*([^\w\s.,-]|%|[A-Za-z]{1,3})?\)?\s*",
    re.ASCII,
)
GAP_MARKS = frozenset(
    {
        "?",
        "-",
        "--",
        "---",
        ".",
        "..",
        "*",
        "#N/A",
        "#NA",
        "N.A.",
        "n.a.",
        "na",
        "Na",
        "NAN",
        "Null",
        "nil",
        "none",
    }
    | {
        "None",
        "NONE",
        "missing",
        "Missing",
        "MISSING",
        "unknown",
        "Unknown",
        "UNKNOWN",
        "n/d",
        "N/D",
        "nd",
        "ND",
    }
)


def is_boolean(word: str) -> bool:
    return word.strip().casefold() in Boolean.words


def is_iso(word: str) -> bool:
    if not ISO.fullmatch(word):
        return False
    try:
        datetime.fromisoformat(word.strip())
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4096)
def is_read_as_gap(word: str, kind: Kind) -> bool:
    """Whether the loop takes this word in a column of this kind for a missing value: it is asked."""
    if "\x00" in word:
        return False
    contract = Contract(
        (Column("x", kind, nullable=True, digits=9), text("y")), "x", ("y",)
    )
    quoted = '"' + word.replace('"', '""') + '"'
    chunk, *_ = list(
        read_rows(
            io.BytesIO(f"x,y\n{quoted},1\n".encode("utf-8", "replace")),
            "csv",
            contract,
            0,
        )
    )
    return not chunk.bad and chunk.rows["x"].null_count == 1


def order_of(dates: list[str]) -> str:
    """How dates with slashes are written, in words."""
    parts = [match.groups() for word in dates if (match := SLASHED.fullmatch(word))]
    if any(len(first) == 4 for first, *_ in parts):
        return "year first"
    day_first = any(int(first) > 12 for first, *_ in parts)
    month_first = any(int(second) > 12 for _, second, *_ in parts)
    if day_first and month_first:
        return "day first in some rows and month first in others"
    if day_first or month_first:
        return "day first" if day_first else "month first"
    return "day or month first, which no row tells"
