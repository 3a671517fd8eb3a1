"""How the table is cut into batches: by its main date where it has one, else by rows."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from relevo.domain.kinds import Kind
from relevo.domain.periods import Period, period_start
from relevo.scaffold.facts import ColumnFacts

PERIODS: tuple[Period, ...] = ("month", "week", "day")
BATCH_ROWS = 50  # at least
FEWEST_PERIODS, MOST_PERIODS = 3, 60
FEWEST_BATCHES, MOST_BATCHES = 8, 10
RARE_CLASS = 0.02
_EPOCH = date(1970, 1, 1)
_NO_EVENT = re.compile(r"birth|dob|born|expir|due|valid", re.IGNORECASE)
_EVENT = re.compile(
    r"^(date|datetime|day|time|timestamp|ts)$|sold|sale|order|created|event|pickup|start",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """`why` is a sentence; `waiting` rows at the end do not fill a batch."""

    why: str
    batches: int
    by: str | None = None
    every: Period | None = None
    rows: int | None = None
    waiting: int = 0


def choose_cut(
    facts: Iterable[ColumnFacts],
    target: ColumnFacts,
    class_rows: dict[str, list[int]],
    *,
    dates_can_cut: bool,
) -> Cut:
    """`class_rows` tells for each class by which rows it has come 1, 2, 4, 8, … times."""
    if dates_can_cut:
        for fact in sorted(filter(_is_main_date, facts), key=_least_likely):
            if cut := _by_date(fact, target, is_class=bool(class_rows)):
                return cut
    return _by_rows(target.rows, class_rows)


def _is_main_date(fact: ColumnFacts) -> bool:
    is_full_date = fact.kind is Kind.DATE and fact.missing <= 0.01 * fact.rows
    return is_full_date and not _NO_EVENT.search(fact.name)


def _least_likely(fact: ColumnFacts) -> tuple[bool, bool]:
    return (not fact.extent.in_order, not _EVENT.search(fact.name))


def _by_date(fact: ColumnFacts, target: ColumnFacts, *, is_class: bool) -> Cut | None:
    """By the period that makes about as many batches as rows would."""
    fitting: dict[Period, int] = {}
    for every in PERIODS:
        rows = Counter[date]()
        for day, count in fact.extent.days.items():
            rows[_start(day, every)] += count
        if not _are_enough(rows):
            continue
        if not is_class or _has_classes(fact, target, min(rows), every):
            fitting[every] = len(rows)
    if not fitting:
        return None
    best = min(fitting, key=lambda every: abs(math.log(fitting[every] / MOST_BATCHES)))
    why = f"a batch a {best} of {fact.name!r}"
    return Cut(why=why, batches=fitting[best], by=fact.name, every=best)


def _start(day: float, every: Period) -> date:
    """The first day of the period that a day, counted from 1970, lies in."""
    return period_start(_EPOCH + timedelta(days=math.floor(day)), every)


def _are_enough(rows: Counter[date]) -> bool:
    """Enough periods, with enough rows in most and in the first, on which the first model is trained."""
    if not FEWEST_PERIODS <= len(rows) <= MOST_PERIODS:
        return False
    return min(float(np.median(list(rows.values()))), rows[min(rows)]) >= BATCH_ROWS


def _has_classes(
    fact: ColumnFacts, target: ColumnFacts, first: date, every: Period
) -> bool:
    """Whether the first period holds as many classes as there are, all but the rare."""
    known = fact.known & target.known
    classes = target.values[known]
    values, counts = np.unique(classes, return_counts=True)
    common = set(values[counts >= RARE_CLASS * len(classes)])
    inside = [_start(day, every) == first for day in fact.values[known]]
    return common <= set(classes[inside])


def _by_rows(rows: int, class_rows: dict[str, list[int]]) -> Cut:
    most = min(MOST_BATCHES, rows // BATCH_ROWS) or 1
    fewest = min(FEWEST_BATCHES, most)
    needed = _rows_until_all_classes(rows, class_rows)
    if needed > rows / 2:
        why = "one batch, since the rows are sorted by the target: shuffle the file to have more"
        return Cut(why=why, batches=1, rows=rows)
    if needed > rows // fewest:
        most = fewest = max(1, rows // needed)
    batches = min(range(most, fewest - 1, -1), key=lambda count: rows % count)
    size = rows // batches
    why = f"{batches} batches of {size:,} rows, in the file's order"
    return Cut(why=why, batches=batches, rows=size, waiting=rows % batches)


def _rows_until_all_classes(rows: int, class_rows: dict[str, list[int]]) -> int:
    """How many rows it takes until each class that is not rare has come eight times."""
    return max(
        (
            doublings[3] + 1
            for doublings in class_rows.values()
            if 2 ** len(doublings) > RARE_CLASS * rows and len(doublings) >= 4
        ),
        default=0,
    )
