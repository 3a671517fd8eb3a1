"""What kind each column is, from a sample of its cells: only what the loop will accept is inferred."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from relevo.domain.cells import is_punctuation
from relevo.domain.contract import Column
from relevo.domain.kinds import MISSING_WORDS, Kind
from relevo.scaffold import words

TOLERANCE = 0.95  # of the filled cells must fit a kind; the others will be bad rows
ENOUGH_ROWS = 200  # to believe that 0 and 1 are all there is
SURELY_WHOLE = 30
FEW_VALUES = 20
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

    def column(self, name: str, *, nullable: bool = True) -> Column:
        return Column(name, self.kind, nullable=nullable, digits=self.digits)


def guess_kind(name: str, values: pa.Array, *, spelled: bool) -> Guess:
    """The kind of a column as it arrived; `spelled` where cells are text whatever they mean."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    counts = _counts(values, spelled)
    if not counts:
        return Guess(Kind.TEXT, counts)
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return _of_type(name, values.type, counts)
    written = {str(word): count for word, count in counts.items()}
    return _with_gaps(name, written) if spelled else _text_of_types(name, written)


def _with_gaps(name: str, counts: dict[str, int]) -> Guess:
    """Where numbers or dates stand, "?" and "-" are gaps; among words they may be words."""
    known = {word: count for word, count in counts.items() if not is_punctuation(word)}
    guess = _spelled(name, known) if known else None
    return guess if guess and not guess.kind.any_text else _spelled(name, counts)


def _counts(values: pa.Array, spelled: bool) -> dict[Any, int]:
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), None, values)
    counted = {
        row["values"]: row["counts"]
        for row in pc.value_counts(values.drop_null()).to_pylist()
    }
    return {
        word: n
        for word, n in counted.items()
        if not (spelled and word in MISSING_WORDS)
    }


def _of_type(name: str, kind: pa.DataType, counts: dict[Any, int]) -> Guess:
    types = pa.types
    if types.is_boolean(kind):
        return Guess(Kind.BOOLEAN, counts)
    if types.is_date(kind) or types.is_timestamp(kind):
        return Guess(Kind.DATE, counts)
    if not all(value == value // 1 for value in counts):  # as infinity is not
        return Guess(Kind.NUMBER, counts)
    numbers = [int(value) for value in counts]
    if min(numbers) >= 0 and (
        digits := _digits_of_code(name, [str(n) for n in numbers])
    ):
        return Guess(Kind.CODE, counts, digits, "a code by its name")
    if not types.is_integer(kind):
        return Guess(Kind.NUMBER, counts)
    if set(numbers) == {0, 1} and sum(counts.values()) >= ENOUGH_ROWS:
        return Guess(Kind.BOOLEAN, counts)
    return Guess(
        Kind.INTEGER if max(map(abs, numbers)) < 2**62 else Kind.NUMBER, counts
    )


def _spelled(name: str, counts: dict[str, int]) -> Guess:
    kept: dict[Any, int] = dict(counts)
    total = sum(counts.values())
    zero_one = set(counts) <= {"0", "1", "0.0", "1.0"}
    if (
        all(map(words.is_boolean, counts))
        and len(counts) > 1
        and (not zero_one or total >= ENOUGH_ROWS)
    ):
        return Guess(Kind.BOOLEAN, kept)
    if _mostly(counts, words.is_iso):
        return Guess(Kind.DATE, kept, note=_odd(counts, words.is_iso, Kind.DATE))
    return _code(name, counts) or _number(counts) or _written(counts)


def _text_of_types(name: str, counts: dict[str, int]) -> Guess:
    """Text of Parquet is text: "3" is no number there, though a date or a code is what it is."""
    if all(map(words.is_iso, counts)):
        return Guess(Kind.DATE, dict(counts))
    numbers = _mostly(counts, lambda word: bool(words.NUMBER.fullmatch(word)))
    note = (
        "numbers stored as text: store them as numbers to have them used as such"
        if numbers
        else ""
    )
    guess = _code(name, counts) or _written(counts)
    return Guess(guess.kind, guess.counts, guess.digits, guess.note or note)


def _code(name: str, counts: dict[str, int]) -> Guess | None:
    """Digits that are a name: they begin with a 0, or the column says so. Lengths that differ make it a category."""
    whole = [
        word.removesuffix(".0")
        for word in counts
        if words.DIGITS.fullmatch(word.removesuffix(".0"))
    ]
    if len(whole) < len(counts):
        return None
    if any(words.PADDED.fullmatch(word) for word in whole):
        digits = max(map(len, whole))
        if len(set(map(len, whole))) == 1 and digits <= 15:
            return Guess(
                Kind.CODE, dict(counts), digits, "a code: it has leading zeros"
            )
        return _word_kind(
            dict(counts), "digits with leading zeros, of different lengths"
        )
    if found := _digits_of_code(name, whole):
        return Guess(Kind.CODE, dict(counts), found, "a code by its name")
    return None


def _digits_of_code(name: str, numbers: list[str]) -> int | None:
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    digits = max(map(len, numbers))
    return digits if CODE_NAME.search(snake) and 3 <= digits <= 15 else None


def _number(counts: dict[str, int]) -> Guess | None:
    def is_number(word: str) -> bool:
        return bool(words.NUMBER.fullmatch(word))

    numbers = {word: count for word, count in counts.items() if is_number(word)}
    odd = {word: count for word, count in counts.items() if word not in numbers}
    strange = {
        word: n
        for word, n in odd.items()
        if word not in words.GAP_MARKS and not _gap(word, Kind.NUMBER)
    }
    if not numbers or not _mostly(
        counts, lambda word: is_number(word) or _gap(word, Kind.NUMBER)
    ):
        return None
    if strange and len(numbers) <= FEW_VALUES:
        return None  # such as 1, 2, 3, 3a
    whole = all(words.WHOLE.fullmatch(word) for word in numbers)
    kind = (
        Kind.INTEGER if whole and sum(numbers.values()) >= SURELY_WHOLE else Kind.NUMBER
    )
    left = {word: n for word, n in counts.items() if not _gap(word, kind)}
    return Guess(kind, dict(left), note=_odd(counts, is_number, kind))


def _written(counts: dict[str, int]) -> Guess:
    """Neither number nor ISO date: a category or free text, with a word on what it might have been."""
    dates = [word for word in counts if words.SLASHED.fullmatch(word)]
    if _mostly(counts, lambda word: bool(words.SLASHED.fullmatch(word))):
        note = f"dates such as {dates[0]!r}, {words.order_of(dates)}: write them as 2024-12-31 to have them used as dates"
        return Guess(Kind.TEXT, dict(counts), note=note)
    is_sum = _mostly(
        counts, lambda word: bool(words.SUM.fullmatch(word)) and len(word.strip()) > 1
    )
    plain = not is_sum and _mostly_but_gaps(counts)
    example = next(
        (
            word
            for word in counts
            if words.SUM.fullmatch(word) and not words.NUMBER.fullmatch(word)
        ),
        "",
    )
    note = (
        f"numbers written as {example!r}: write 1200.5 to have them used as numbers"
        if is_sum and example
        else ""
    )
    if plain:
        marks = ", ".join(repr(word) for word in counts if word in words.GAP_MARKS)
        note = f"numbers, with {marks} for a gap: leave those cells empty to have them used as numbers"
    return _word_kind(dict(counts), note)


def _word_kind(counts: dict[Any, int], note: str) -> Guess:
    total = sum(counts.values())
    length = sum(len(str(word)) * count for word, count in counts.items()) / total
    spaced = sum(count for word, count in counts.items() if " " in str(word).strip())
    is_prose = (len(counts) > total / 2 and spaced > total / 2) or length > LONG_TEXT
    return Guess(
        Kind.TEXT if is_prose and len(counts) > FEW_VALUES else Kind.CATEGORY,
        counts,
        note=note,
    )


def _mostly_but_gaps(counts: dict[str, int]) -> bool:
    plain = {
        word: count for word, count in counts.items() if word not in words.GAP_MARKS
    }
    return (
        len(plain) < len(counts)
        and bool(plain)
        and _mostly(plain, lambda word: bool(words.NUMBER.fullmatch(word)))
    )


def _mostly(counts: dict[str, int], fits: Callable[[str], bool]) -> bool:
    total = sum(counts.values())
    fitting = sum(count for word, count in counts.items() if fits(word))
    return fitting >= (TOLERANCE if total >= FEW_VALUES else 1) * total and fitting > 0


def _gap(word: str, kind: Kind) -> bool:
    return word in words.GAP_MARKS and words.is_read_as_gap(word, kind)


def _odd(counts: dict[str, int], fits: Callable[[str], bool], kind: Kind) -> str:
    """The words that will be bad cells."""
    bad = {
        word: count
        for word, count in counts.items()
        if not fits(word) and not _gap(word, kind)
    }
    if not bad:
        return ""
    shown = ", ".join(
        repr(word) for word in sorted(bad, key=lambda word: -bad[word])[:3]
    )
    return f"cells such as {shown} do not fit and go to quarantine with their rows"
