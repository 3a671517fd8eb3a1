"""Which columns are features, and which say what a row is about."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relevo.domain.kinds import Kind
from relevo.domain.use_case import Task
from relevo.scaffold.batches import Cut
from relevo.scaffold.facts import Facts
from relevo.scaffold.leaks import gives_away

ID_NAME = re.compile(
    r"(^|[\W_])(id|ids|uuid|guid|pk|identifier)([\W_]|$)|[\W_](number|no|nr|key)$|^(number|no|nr|key|index|idx|row|rownum)$"
)
ALMOST_EMPTY = 0.005
WITH_TIME = 0.95  # correlation with the main date, or with the place in the file
IDENTITY_SIZES = (8, 16, 32)  # columns; more where fewer leave many rows alike
MOST_ALIKE = 0.02
LEAST_THINGS = 50
SLICE_WORDS, SLICE_ROWS = 12, 150


def leave_out(facts: Sequence[Facts], target: Facts, task: Task, cut: Cut) -> None:
    """Say of each column that is to be no feature why; the target is none of `facts`."""
    main = next((fact for fact in facts if fact.name == cut.by), None)
    for fact in facts:
        fact.out = _no_feature(fact, main)
    suspects = {
        fact.name: how
        for fact in facts
        if not fact.out and (how := gives_away(fact, target, task))
    }
    if len(suspects) < sum(not fact.out for fact in facts):
        for fact in facts:
            if fact.name in suspects:
                fact.out = f"suspect: it {suspects[fact.name]} almost alone; add it if it is known before the target is"


def _no_feature(fact: Facts, main: Facts | None) -> str:
    if fact.filled == 0:
        return "empty"
    if fact.filled < ALMOST_EMPTY * fact.rows:
        return f"filled in only {fact.filled:,} rows"
    if fact.distinct <= 1:
        return "the same in all rows"
    if fact.kind is Kind.TEXT:
        return "text" if fact.note else "free text"
    if is_key(fact):
        return "an id"
    if (
        fact.is_words
        and fact.distinct > fact.filled / 2
        and fact.distinct > LEAST_THINGS
    ):
        return "almost every row has one of its own"
    return _moves_with_time(fact, main) if fact.kind is Kind.DATE else ""


def is_key(fact: Facts) -> bool:
    """A column that names rows or things: by its name and many values, or a value a row."""
    if fact.kind in (Kind.DATE, Kind.BOOLEAN) or fact.distinct < 20:
        return False
    is_whole = fact.is_words or bool(
        np.all(np.mod(fact.values[~np.isnan(fact.values)], 1) == 0)
    )
    if is_whole and has_id_name(fact) and fact.distinct > fact.filled / 2:
        return True
    if fact.distinct < 0.98 * fact.filled or fact.missing:
        return False
    return fact.kind in (Kind.CATEGORY, Kind.CODE) or (
        fact.kind is Kind.INTEGER and _counts_rows(fact)
    )


def has_id_name(fact: Facts) -> bool:
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", fact.name).lower()
    return bool(ID_NAME.search(snake)) or snake.startswith("unnamed")


def _counts_rows(fact: Facts) -> bool:
    """Up by the same step from row to row."""
    steps = np.diff(fact.values)
    return bool(
        len(steps) >= 10 and (steps > 0).all() and steps.std() <= 0.01 * steps.mean()
    )


def _moves_with_time(fact: Facts, main: Facts | None) -> str:
    """A date that only ever grows has not been seen before in any new batch: nothing can be learned from it."""
    if fact is main:
        return "orders the batches"
    if fact.extent.in_order:
        return "moves with time"
    time = (
        main.values
        if main is not None
        else np.arange(len(fact.values), dtype=np.float64)
    )
    both = ~np.isnan(fact.values) & ~np.isnan(time)
    if both.sum() < 10 or not fact.values[both].std() or not time[both].std():
        return ""
    return (
        "moves with time"
        if abs(np.corrcoef(fact.values[both], time[both])[0, 1]) > WITH_TIME
        else ""
    )


def choose_identity(facts: Sequence[Facts]) -> tuple[tuple[str, ...], str]:
    """The columns that say what a row is about, and why they do. An id among them is no feature."""
    keys = [fact for fact in facts if _may_be_identity(fact)]
    if keys:
        best = min(keys, key=lambda fact: (fact.distinct, fact.name))
        best.out = best.out or "an id"
        every = (
            "every row has its own"
            if best.distinct > 0.98 * best.rows
            else f"about {best.distinct:,} different ones"
        )
        return (best.name,), f"an id: {every}"
    usable = [fact for fact in facts if fact.filled and fact.distinct > 1]
    by_words = sorted(usable, key=lambda fact: (not fact.is_feature, -fact.distinct))
    chosen = _telling_apart(by_words) or list(facts[:1])
    order = [fact.name for fact in facts if fact in chosen]
    these = (
        "all columns" if len(order) == len(usable) else f"these {len(order)} columns"
    )
    things = len(_combinations(chosen))
    warning = (
        f"; only {things} different rows: holdout may be uneven, name an id if there is one"
        if things < LEAST_THINGS
        else ""
    )
    return tuple(
        order
    ), f"no id was found: rows that agree in {these} are one thing{warning}"


def _may_be_identity(fact: Facts) -> bool:
    if fact.missing > 0.05 * fact.rows or not (
        is_key(fact) or (has_id_name(fact) and fact.kind is not Kind.NUMBER)
    ):
        return False
    largest = np.bincount(fact.codes()).max() / len(fact.values)
    enough = (
        fact.distinct >= max(LEAST_THINGS, 0.05 * fact.rows)
        or fact.distinct > 0.9 * fact.rows
    )
    return bool(enough and largest <= max(0.05, 2 / len(fact.values)))


def _telling_apart(facts: Sequence[Facts]) -> list[Facts]:
    """The first columns, as many as it takes until few rows are alike."""
    for size in IDENTITY_SIZES:
        chosen = list(facts[:size])
        if (
            not chosen
            or size >= len(facts)
            or _combinations(chosen).max() <= MOST_ALIKE * len(chosen[0].values)
        ):
            break
    return chosen


def _combinations(facts: Sequence[Facts]) -> NDArray[np.int64]:
    """How many rows have each combination of values."""
    codes = np.zeros(len(facts[0].values), np.int64)
    for fact in facts:
        values = fact.codes()
        codes = np.unique(
            codes * (int(values.max()) + 1) + values, return_inverse=True
        )[1]
    return np.bincount(codes)


def choose_slice(facts: Sequence[Facts]) -> tuple[str, ...]:
    """One feature with a few common groups, none of which a new model may harm."""
    for fact in facts:
        is_plain = fact.is_feature and fact.kind is Kind.CATEGORY and not fact.missing
        if (
            is_plain
            and 2 <= fact.distinct <= SLICE_WORDS
            and fact.rows / fact.distinct >= 4 * SLICE_ROWS
        ):
            return (fact.name,)
    return ()
