"""What kind each column is, from a sample of its cells: only what the loop will accept is inferred."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from relevo.domain.cells import is_punctuation
from relevo.domain.contract import Column
from relevo.domain.kinds import MISSING_WORDS, Kind
from relevo.scaffold.spelling import (
    GAP_MARKS,
    is_amount,
    is_boolean,
    is_gap,
    is_iso,
    is_number,
    is_slashed,
    is_whole,
    order_of,
)

TOLERANCE = 0.95  # of the filled cells must fit a kind; the others will be bad rows
BOOLEAN_ROWS = 200  # to believe that 0 and 1 are all there is
SURELY_WHOLE = 30
FEW_VALUES = 20
ZERO_ONE = {"0", "1", "0.0", "1.0"}
LONG_TEXT = 60
CODE_NAME = re.compile(
    r"(^|[\W_])(zip|zip_?code|post_?code|postal_?code|plz|fips|naics|siren)([\W_]|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Guess:
    """A column's kind, its values counted in the sample, and what a person should know."""

    kind: Kind
    counts: dict[Any, int]
    digits: int | None = None
    note: str = ""

    @property
    def filled(self) -> int:
        return sum(self.counts.values())

    def column(self, name: str) -> Column:
        return Column(name, self.kind, nullable=True, digits=self.digits)


def guess_kind(name: str, values: pa.Array, *, spelled: bool) -> Guess:
    """The kind of a column as it arrived; `spelled` where cells are text whatever they mean."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    counts = _counts(values, spelled)
    if not counts:
        return Guess(Kind.TEXT, counts)
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return _of_type(name, values.type, counts)
    if not spelled:
        return _of_text(name, counts)
    # where numbers or dates stand, "?" and "-" are gaps; among words they may be words
    if known := _only(counts, lambda word: not is_punctuation(word)):
        guess = _of_spelling(name, known)
        if not guess.kind.any_text:
            return guess
    return _of_spelling(name, counts)


def _counts(values: pa.Array, spelled: bool) -> dict[Any, int]:
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), None, values)
    counted = pc.value_counts(values.drop_null())
    distinct, counts = (counted.field(i).to_pylist() for i in range(2))
    missing = MISSING_WORDS if spelled else ()
    return {
        value: count
        for value, count in zip(distinct, counts, strict=True)
        if value not in missing
    }


def _of_type(name: str, type_: pa.DataType, counts: dict[Any, int]) -> Guess:
    if pa.types.is_boolean(type_):
        return Guess(Kind.BOOLEAN, counts)
    if pa.types.is_date(type_) or pa.types.is_timestamp(type_):
        return Guess(Kind.DATE, counts)
    if not all(value == value // 1 for value in counts):  # as infinity is not
        return Guess(Kind.NUMBER, counts)
    numbers = [int(value) for value in counts]
    if min(numbers) >= 0 and (digits := _digits_of_code(name, map(str, numbers))):
        return Guess(Kind.CODE, counts, digits, "a code by its name")
    if not pa.types.is_integer(type_) or max(map(abs, numbers)) >= 2**62:
        return Guess(Kind.NUMBER, counts)
    if set(numbers) == {0, 1} and sum(counts.values()) >= BOOLEAN_ROWS:
        return Guess(Kind.BOOLEAN, counts)
    return Guess(Kind.INTEGER, counts)


def _of_spelling(name: str, counts: dict[str, int]) -> Guess:
    # 0 and 1 may be all there is in a few rows of numbers
    enough = sum(counts.values()) >= BOOLEAN_ROWS or counts.keys() - ZERO_ONE
    if all(map(is_boolean, counts)) and len(counts) > 1 and enough:
        return Guess(Kind.BOOLEAN, counts)
    if _mostly(counts, is_iso):
        return Guess(Kind.DATE, counts, note=_misfits(counts, is_iso))
    return _code(name, counts) or _number(counts) or _words(counts)


def _of_text(name: str, counts: dict[str, int]) -> Guess:
    """Text of Parquet is text: "3" is no number there, though a date or a code is what it is."""
    if all(map(is_iso, counts)):
        return Guess(Kind.DATE, counts)
    guess = _code(name, counts) or _words(counts)
    if guess.note or not _mostly(counts, is_number):
        return guess
    note = "numbers stored as text: store them as numbers to have them used as such"
    return replace(guess, note=note)


def _code(name: str, counts: dict[str, int]) -> Guess | None:
    """Digits that are a name: they begin with a 0, or the column says so. Lengths that differ make it a category."""
    whole = [word.removesuffix(".0") for word in counts]
    if not all(word.isascii() and word.isdigit() for word in whole):
        return None
    if any(word[0] == "0" and len(word) > 1 for word in whole):
        lengths = set(map(len, whole))
        if len(lengths) == 1 and max(lengths) <= 15:
            note = "a code: it has leading zeros"
            return Guess(Kind.CODE, counts, max(lengths), note)
        return _category(counts, "digits with leading zeros, of different lengths")
    if digits := _digits_of_code(name, whole):
        return Guess(Kind.CODE, counts, digits, "a code by its name")
    return None


def _digits_of_code(name: str, numbers: Iterable[str]) -> int | None:
    digits = max(map(len, numbers))
    if CODE_NAME.search(snake_case(name)) and 3 <= digits <= 15:
        return digits
    return None


def snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)


def _number(counts: dict[str, int]) -> Guess | None:
    numbers = _only(counts, is_number)
    if not numbers or not _mostly(counts, lambda word: is_number(word) or is_gap(word)):
        return None
    if len(numbers) <= FEW_VALUES and counts.keys() - numbers.keys() - GAP_MARKS:
        return None  # such as 1, 2, 3, 3a
    kind = Kind.NUMBER
    if all(map(is_whole, numbers)) and sum(numbers.values()) >= SURELY_WHOLE:
        kind = Kind.INTEGER
    filled = _only(counts, lambda word: not is_gap(word))
    return Guess(kind, filled, note=_misfits(counts, is_number))


def _words(counts: dict[str, int]) -> Guess:
    """Neither number nor ISO date: a category or free text, with a note on what it might have been."""
    if _mostly(counts, is_slashed):
        dates = list(filter(is_slashed, counts))
        example = f"dates such as {dates[0]!r}, {order_of(dates)}"
        note = f"{example}: write them as 2024-12-31 to have them used as dates"
        return Guess(Kind.TEXT, counts, note=note)
    plain = _only(counts, lambda word: word not in GAP_MARKS)
    note = ""
    if _mostly(counts, lambda word: is_amount(word) and len(word.strip()) > 1):
        amounts = (w for w in counts if is_amount(w) and not is_number(w))
        if example := next(amounts, ""):
            note = f"numbers written as {example!r}: write 1200.5 to have them used as numbers"
    elif 0 < len(plain) < len(counts) and _mostly(plain, is_number):
        marks = ", ".join(repr(word) for word in counts if word in GAP_MARKS)
        note = f"numbers, with {marks} for a gap: leave those cells empty to have them used as numbers"
    return _category(counts, note)


def _category(counts: dict[str, int], note: str) -> Guess:
    total = sum(counts.values())
    length = sum(len(word) * count for word, count in counts.items()) / total
    spaced = sum(_only(counts, lambda word: " " in word.strip()).values())
    is_prose = len(counts) > total / 2 and spaced > total / 2
    kind = Kind.CATEGORY
    if len(counts) > FEW_VALUES and (is_prose or length > LONG_TEXT):
        kind = Kind.TEXT
    return Guess(kind, counts, note=note)


def _only(counts: dict[str, int], fits: Callable[[str], object]) -> dict[str, int]:
    return {word: count for word, count in counts.items() if fits(word)}


def _mostly(counts: dict[str, int], fits: Callable[[str], object]) -> bool:
    total = sum(counts.values())
    fitting = sum(_only(counts, fits).values())
    if total < FEW_VALUES:
        return 0 < fitting == total
    return fitting >= TOLERANCE * total


def _misfits(counts: dict[str, int], fits: Callable[[str], object]) -> str:
    """A note on the words that will be bad cells."""
    bad = _only(counts, lambda word: not fits(word) and not is_gap(word))
    if not bad:
        return ""
    shown = ", ".join(map(repr, sorted(bad, key=lambda word: -bad[word])[:3]))
    return f"cells such as {shown} do not fit and go to quarantine with their rows"
