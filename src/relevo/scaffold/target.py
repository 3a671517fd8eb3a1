"""What is to be predicted: a number or a class, and whether the number is learned on a log scale."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from relevo.domain.kinds import Kind
from relevo.domain.use_case import Task
from relevo.errors import UseCaseBroken
from relevo.scaffold.facts import Floats
from relevo.scaffold.kinds import Guess

FEW_CLASSES = 10  # of whole numbers: more are a number
MOST_CLASSES = 100
RARE_ROWS = 5
LONG_TAIL = 1.0  # skewness
_NUMBERS = (Kind.NUMBER, Kind.INTEGER)


@dataclass(frozen=True, slots=True)
class Goal:
    task: Task
    guess: Guess
    why: str


def choose_task(name: str, guess: Guess, asked: Task | None) -> Goal:
    """The task, with the kind the target is read as in it. UseCaseBroken where it can be neither."""
    distinct = len(guess.counts)
    if distinct < 2:
        what = (
            "is empty"
            if not distinct
            else f"is {next(iter(guess.counts))!r} in every row"
        )
        raise UseCaseBroken(
            f"target {name!r} {what}; there is nothing to learn; name another column"
        )
    if asked == "regression" or (
        asked is None and guess.kind in _NUMBERS and not _are_classes(guess)
    ):
        if guess.kind not in _NUMBERS:
            raise UseCaseBroken(
                f"target {name!r} holds {guess.kind.name}, not numbers: {_remedy(guess)}"
            )
        guess = replace(guess, kind=Kind.NUMBER)  # tomorrow's may have a fraction
        return Goal(
            "regression",
            guess,
            f"{distinct:,} different numbers" if asked is None else "as asked",
        )
    if guess.kind is Kind.DATE:
        raise UseCaseBroken(
            f"target {name!r} is a date; add a column with a number, such as days from another date"
        )
    if distinct > MOST_CLASSES or (
        distinct > FEW_CLASSES
        and (distinct > guess.filled / 3 or "numbers" in guess.note)
    ):
        raise UseCaseBroken(
            f"target {name!r} holds {distinct:,} different values in {guess.filled:,} rows: too many for classes "
            f"and not numbers: {_remedy(guess)}"
        )
    return Goal(
        "classification",
        replace(guess, kind=Kind.CATEGORY, digits=None),
        _classes(guess),
    )


def _are_classes(guess: Guess) -> bool:
    """Few small whole numbers, each of them often."""
    try:
        numbers = [float(value) for value in guess.counts]
    except ValueError:
        return False
    few = len(numbers) <= FEW_CLASSES and all(
        n.is_integer() and abs(n) <= 100 for n in numbers
    )
    return few and (len(numbers) == 2 or guess.filled >= 10 * len(numbers))


def _remedy(guess: Guess) -> str:
    if guess.note:
        return guess.note
    examples = ", ".join(repr(value) for value in list(guess.counts)[:3])
    return f"they are such as {examples}; name another target, or group its values in the file"


def _classes(guess: Guess) -> str:
    common = sorted(guess.counts, key=lambda value: -guess.counts[value])
    shown = ", ".join(str(value) for value in common[:6]) + (
        ", …" if len(common) > 6 else ""
    )
    return f"{len(common)} classes: {shown}"


def rare_classes(guess: Guess) -> list[str]:
    return [str(value) for value, rows in guess.counts.items() if rows < RARE_ROWS]


def is_long_tailed(values: Floats | NDArray[np.int64], low: float | None) -> bool:
    """Positive, skewed to the right, and much less so as a logarithm."""
    known: Floats = values[~np.isnan(values)].astype(np.float64)
    if low is None or low <= 0 or len(known) < 20:
        return False
    plain, logged = _skewness(known), _skewness(np.log(known))
    return plain > LONG_TAIL and abs(logged) < plain / 2


def _skewness(values: Floats) -> float:
    spread = values.std()
    return (
        float((((values - values.mean()) / spread) ** 3).mean()) if spread > 0 else 0.0
    )
