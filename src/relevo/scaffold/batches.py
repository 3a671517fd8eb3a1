"""How the table is cut into batches: by its main date where it has one, else by rows."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np

from relevo.domain.kinds import Kind
from relevo.scaffold.facts import Facts

Every = Literal["month", "week", "day"]
_EVERY: tuple[Every, ...] = ("month", "week", "day")
LEAST_ROWS = 50
LEAST_PERIODS, MOST_PERIODS = 3, 60
MOST_BATCHES, FEWEST_BATCHES = 10, 8
_EPOCH = date(1970, 1, 1)
_NO_EVENT = re.compile(r"birth|dob|born|expir|due|valid", re.IGNORECASE)
_EVENT = re.compile(
    r"^(date|datetime|day|time|timestamp|ts)$|sold|sale|order|created|event|pickup|start",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Cut:
    """`why` is a sentence; `waiting` rows at the end do not fill a batch."""

    why: str
    batches: int
    by: str | None = None
    every: Every | None = None
    rows: int | None = None
    waiting: int = 0


def choose_cut(
    facts: Iterable[Facts],
    target: Facts,
    rows: int,
    places: dict[str, list[int]],
    *,
    dates_can_cut: bool,
) -> Cut:
    """`places` tells for each class by which rows it has come 1, 2, 4, 8, … times."""
    if dates_can_cut:
        for fact in sorted((f for f in facts if _is_main_date(f)), key=_least_likely):
            if cut := _by_date(fact, target, is_class=bool(places)):
                return cut
    return _by_rows(rows, places)


def _is_main_date(fact: Facts) -> bool:
    return (
        fact.kind is Kind.DATE
        and fact.missing <= 0.01 * fact.rows
        and not _NO_EVENT.search(fact.name)
    )


def _least_likely(fact: Facts) -> tuple[bool, bool]:
    return (not fact.extent.in_order, not _EVENT.search(fact.name))


def _by_date(fact: Facts, target: Facts, *, is_class: bool) -> Cut | None:
    """By the period that makes about as many batches as rows would."""
    fitting = [
        (every, periods) for every in _EVERY if _fit(periods := _periods(fact, every))
    ]
    if is_class:
        fitting = [
            (every, periods)
            for every, periods in fitting
            if _has_classes(fact, target, min(periods), every)
        ]
    if not fitting:
        return None
    every, periods = min(
        fitting, key=lambda cut: abs(math.log(len(cut[1]) / MOST_BATCHES))
    )
    return Cut(
        f"a batch a {every} of {fact.name!r}", len(periods), by=fact.name, every=every
    )


def _periods(fact: Facts, every: Every) -> Counter[date]:
    periods = Counter[date]()
    for day, rows in fact.extent.days.items():
        periods[period_of(day, every)] += rows
    return periods


def _fit(periods: Counter[date]) -> bool:
    """Enough periods, with enough rows in most and in the first, on which the first model is trained."""
    if not LEAST_PERIODS <= len(periods) <= MOST_PERIODS:
        return False
    return (
        min(float(np.median(list(periods.values()))), periods[min(periods)])
        >= LEAST_ROWS
    )


def period_of(day: int, every: Every) -> date:
    """The first day of the period that a day, counted from 1970, lies in."""
    known = _EPOCH + timedelta(days=int(day))
    if every == "week":
        return known - timedelta(days=known.weekday())
    return known.replace(day=1) if every == "month" else known


def _has_classes(fact: Facts, target: Facts, first: date, every: Every) -> bool:
    """Whether the first period holds as many classes as there are, all but the rare."""
    known = ~np.isnan(fact.values) & (target.values >= 0)
    inside = np.array(
        [period_of(int(day), every) == first for day in np.floor(fact.values[known])]
    )
    answers = target.values[known]
    common = {
        c for c in np.unique(answers) if (answers == c).sum() >= 0.02 * len(answers)
    }
    return len(common) <= len(set(answers[inside]) & common)


def _by_rows(rows: int, places: dict[str, list[int]]) -> Cut:
    most = max(1, min(MOST_BATCHES, rows // LEAST_ROWS))
    fewest = min(FEWEST_BATCHES, most)
    needed = _rows_until_all_classes(rows, places)
    if needed > rows / 2:
        why = "one batch, since the rows are sorted by the target: shuffle the file to have more"
        return Cut(why, 1, rows=rows)
    if needed > rows // fewest:
        most = fewest = max(1, rows // needed)
    batches = min(range(most, fewest - 1, -1), key=lambda count: rows % count)
    size = rows // batches
    return Cut(
        f"{batches} batches of {size:,} rows, in the file's order",
        batches,
        rows=size,
        waiting=rows % batches,
    )


def _rows_until_all_classes(rows: int, places: dict[str, list[int]]) -> int:
    """How many rows it takes until each class that is not rare has come eight times."""
    common = [
        known
        for known in places.values()
        if 2 ** len(known) > 0.02 * rows and len(known) >= 4
    ]
    return max((known[3] + 1 for known in common), default=0)
