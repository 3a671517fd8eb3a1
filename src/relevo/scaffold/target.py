"""What is to be predicted: a number or a class, and whether the number is learned on a log scale."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from relevo.domain.cells import listed
from relevo.domain.kinds import Kind
from relevo.domain.use_case import Task
from relevo.errors import UseCaseBroken
from relevo.scaffold.facts import ColumnFacts, SampleValues
from relevo.scaffold.kinds import Guess

FEW_CLASSES = 10  # of whole numbers: more are a number
CLASS_LIMIT = 100
RARE_ROWS = 5
LONG_TAIL = 1.0  # skewness
NUMERIC = (Kind.NUMBER, Kind.INTEGER)


@dataclass(frozen=True, slots=True)
class TargetChoice:
    task: Task
    guess: Guess
    why: str


def choose_task(name: str, guess: Guess, requested: Task | None) -> TargetChoice:
    """The task, with the kind the target is read as in it. UseCaseBroken where it can be neither."""
    distinct = len(guess.counts)
    if distinct < 2:
        whats = [f"is {value!r} in every row" for value in guess.counts]
        what = (whats or ["is empty"])[0]
        raise UseCaseBroken(
            f"target {name!r} {what}; there is nothing to learn; name another column"
        )
    is_number = guess.kind in NUMERIC
    if requested == "regression" and not is_number:
        raise UseCaseBroken(
            f"target {name!r} holds {guess.kind}, not numbers: {_remedy(guess)}"
        )
    if requested == "regression":
        return _regression(guess, "as asked")
    if requested is None and is_number and not _are_classes(guess):
        return _regression(guess, f"{distinct:,} different numbers")
    if guess.kind is Kind.DATE:
        raise UseCaseBroken(
            f"target {name!r} is a date; add a column with a number, such as days from another date"
        )
    is_spread = distinct > guess.filled / 3 or "numbers" in guess.note
    if distinct > CLASS_LIMIT or (distinct > FEW_CLASSES and is_spread):
        raise UseCaseBroken(
            f"target {name!r} holds {distinct:,} different values in {guess.filled:,} rows: too many for classes "
            f"and not numbers: {_remedy(guess)}"
        )
    common = sorted(guess.counts, key=lambda value: -guess.counts[value])
    why = f"{distinct} classes: {listed(list(map(str, common)), 6)}"
    classes = replace(guess, kind=Kind.CATEGORY, digits=None)
    return TargetChoice("classification", classes, why)


def _regression(guess: Guess, why: str) -> TargetChoice:
    # whole numbers too: those of later batches may have a fraction
    return TargetChoice("regression", replace(guess, kind=Kind.NUMBER), why)


def _are_classes(guess: Guess) -> bool:
    """Few small whole numbers, each of them often."""
    try:
        numbers = [float(value) for value in guess.counts]
    except ValueError:
        return False
    if len(numbers) > FEW_CLASSES:
        return False
    if not all(number.is_integer() and abs(number) <= 100 for number in numbers):
        return False
    return len(numbers) == 2 or guess.filled >= 10 * len(numbers)


def _remedy(guess: Guess) -> str:
    if guess.note:
        return guess.note
    examples = ", ".join(map(repr, list(guess.counts)[:3]))
    return f"they are such as {examples}; name another target, or group its values in the file"


def rare_classes(guess: Guess) -> list[str]:
    return [str(value) for value, rows in guess.counts.items() if rows < RARE_ROWS]


def is_long_tailed(target: ColumnFacts) -> bool:
    """Positive, skewed to the right, and much less so as a logarithm."""
    values = target.values[target.known]
    if (target.extent.low or 0) <= 0 or len(values) < 20:
        return False
    skewness = _skewness(values)
    return skewness > LONG_TAIL and abs(_skewness(np.log(values))) < skewness / 2


def _skewness(values: SampleValues) -> float:
    spread = values.std()
    if not spread:
        return 0.0
    return float((((values - values.mean()) / spread) ** 3).mean())
