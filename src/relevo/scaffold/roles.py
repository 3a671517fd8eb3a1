"""Which columns are features, and which say what a row is about."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relevo.domain.kinds import Kind
from relevo.domain.use_case import Task
from relevo.scaffold.batches import Cut
from relevo.scaffold.facts import ColumnFacts
from relevo.scaffold.kinds import snake_case
from relevo.scaffold.leaks import gives_away

ID_NAME = re.compile(
    r"(^|[\W_])(id|ids|uuid|guid|pk|identifier)([\W_]|$)|[\W_](number|no|nr|key)$|^(number|no|nr|key|index|idx|row|rownum)$|^unnamed"
)
ALMOST_EMPTY = 0.005
ALMOST_ALL = 0.98
WITH_TIME = 0.95  # correlation with the main date, or with the position in the file
IDENTITY_SIZES = (8, 16, 32)  # columns; more where fewer leave many rows alike
MOST_ALIKE = 0.02
FEWEST_THINGS = 50
SLICE_GROUPS, SLICE_ROWS = 12, 150


def leave_out(
    facts: Sequence[ColumnFacts], target: ColumnFacts, task: Task, cut: Cut
) -> None:
    """Say of each column that is to be no feature why; the target is none of `facts`."""
    main_date = next((fact for fact in facts if fact.name == cut.by), None)
    for fact in facts:
        fact.out = _no_feature(fact, main_date)
    features = [fact for fact in facts if fact.is_feature]
    leaks = {fact.name: gives_away(fact, target, task) for fact in features}
    if all(leaks.values()):
        return
    for fact in features:
        if how := leaks[fact.name]:
            fact.out = f"suspect: it {how} almost alone; add it if it is known before the target is"


def _no_feature(fact: ColumnFacts, main_date: ColumnFacts | None) -> str:
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
    if fact.is_words and fact.distinct > max(fact.filled / 2, FEWEST_THINGS):
        return "almost every row has one of its own"
    if fact.kind is Kind.DATE:
        return _moves_with_time(fact, main_date)
    return ""


def is_key(fact: ColumnFacts) -> bool:
    """A column that names rows or things: by its name and many values, or a value a row."""
    if fact.kind in (Kind.DATE, Kind.BOOLEAN) or fact.distinct < 20:
        return False
    is_whole = np.all(np.mod(fact.values[fact.known], 1) == 0)
    if is_whole and has_id_name(fact) and fact.distinct > fact.filled / 2:
        return True
    if fact.distinct < ALMOST_ALL * fact.filled or fact.missing:
        return False
    if fact.kind is Kind.INTEGER:
        return _counts_rows(fact)
    return fact.kind in (Kind.CATEGORY, Kind.CODE)


def has_id_name(fact: ColumnFacts) -> bool:
    return bool(ID_NAME.search(snake_case(fact.name).lower()))


def _counts_rows(fact: ColumnFacts) -> bool:
    """Up by the same step from row to row."""
    steps = np.diff(fact.values)
    if len(steps) < 10 or not (steps > 0).all():
        return False
    return bool(steps.std() <= 0.01 * steps.mean())


def _moves_with_time(fact: ColumnFacts, main_date: ColumnFacts | None) -> str:
    """A date that only ever grows has not been seen before in any new batch: nothing can be learned from it."""
    if fact is main_date:
        return "orders the batches"
    if fact.extent.in_order:
        return "moves with time"
    time = np.arange(len(fact.values), dtype=np.float64)
    if main_date is not None:
        time = main_date.values
    both = fact.known & ~np.isnan(time)
    dates, times = fact.values[both], time[both]
    if len(dates) < 10 or not dates.std() or not times.std():
        return ""
    if abs(np.corrcoef(dates, times)[0, 1]) > WITH_TIME:
        return "moves with time"
    return ""


def choose_identity(facts: Sequence[ColumnFacts]) -> tuple[tuple[str, ...], str]:
    """The columns that say what a row is about, and why they do. An id among them is no feature."""
    keys = [fact for fact in facts if _may_be_identity(fact)]
    if keys:
        best = min(keys, key=lambda fact: (fact.distinct, fact.name))
        best.out = best.out or "an id"
        if best.distinct > ALMOST_ALL * best.rows:
            return (best.name,), "an id: every row has its own"
        return (best.name,), f"an id: about {best.distinct:,} different ones"
    usable = [fact for fact in facts if fact.filled and fact.distinct > 1]
    ranked = sorted(usable, key=lambda fact: (not fact.is_feature, -fact.distinct))
    chosen = _telling_apart(ranked) or list(facts[:1])
    names = tuple(fact.name for fact in facts if fact in chosen)
    these = f"these {len(names)} columns"
    if len(names) == len(usable):
        these = "all columns"
    why = f"no id was found: rows that agree in {these} are one thing"
    things = len(_combinations(chosen))
    if things < FEWEST_THINGS:
        why += f"; only {things} different rows: holdout may be uneven, name an id if there is one"
    return names, why


def _may_be_identity(fact: ColumnFacts) -> bool:
    by_name = has_id_name(fact) and fact.kind is not Kind.NUMBER
    if fact.missing > 0.05 * fact.rows or not (by_name or is_key(fact)):
        return False
    enough = fact.distinct >= max(FEWEST_THINGS, 0.05 * fact.rows)
    if not enough and fact.distinct <= 0.9 * fact.rows:
        return False
    largest = np.bincount(fact.codes()).max()
    return bool(largest <= max(0.05 * len(fact.values), 2))


def _telling_apart(facts: Sequence[ColumnFacts]) -> list[ColumnFacts]:
    """The first columns, as many as it takes until few rows are alike."""
    for size in IDENTITY_SIZES:
        chosen = list(facts[:size])
        if size >= len(facts):
            break
        if _combinations(chosen).max() <= MOST_ALIKE * len(chosen[0].values):
            break
    return chosen


def _combinations(facts: Sequence[ColumnFacts]) -> NDArray[np.int64]:
    """How many rows have each combination of values."""
    combined = np.zeros(len(facts[0].values), np.int64)
    for fact in facts:
        codes = fact.codes()
        codes += combined * (int(codes.max()) + 1)
        combined = np.unique(codes, return_inverse=True)[1]
    return np.bincount(combined)


def choose_slice(facts: Sequence[ColumnFacts]) -> tuple[str, ...]:
    """One feature with a few common groups, none of which a new model may harm."""
    for fact in facts:
        is_plain = fact.is_feature and fact.kind is Kind.CATEGORY and not fact.missing
        is_coarse = 2 <= fact.distinct <= SLICE_GROUPS
        if is_plain and is_coarse and fact.rows >= 4 * SLICE_ROWS * fact.distinct:
            return (fact.name,)
    return ()
