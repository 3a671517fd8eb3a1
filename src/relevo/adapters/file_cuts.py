"""How a table in one file is cut into batches, so that a batch never changes once it has been answered."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from relevo.adapters.table_file import RowNumbers
from relevo.domain import contract
from relevo.domain.cells import Misfit
from relevo.domain.periods import Period, period_start


def cut_by_rows(rows: int, size: int, *, finished: bool) -> list[RowNumbers]:
    """`size` rows a batch, in the file's order; what is left at the end is a batch only of a finished file."""
    order = np.arange(rows, dtype=np.int64)
    if not finished:
        order = order[: rows - rows % size]
    return [order[start : start + size] for start in range(0, len(order), size)]


def cut_by_date(
    values: list[object], every: Period, now: datetime
) -> list[RowNumbers] | None:
    """A batch for each day, week (from Monday) or month that has rows and is over.

    In order of date, ties in the file's order. A row without a date takes that of the row before it in the file; at the
    file's start, of the first that has one. None where no row has a date.
    """
    dates = _dates(values)
    if dates is None:
        return None
    order = np.argsort(dates, kind="stable").astype(np.int64)
    days, first_rows = np.unique(
        dates[order].astype("datetime64[D]"), return_index=True
    )
    periods: dict[date, int] = {}
    for day, first_row in zip(days.tolist(), first_rows.tolist(), strict=True):
        periods.setdefault(period_start(day, every), first_row)
    pieces = np.split(order, list(periods.values())[1:])
    # a period that has begun may still grow, as may one that has not
    current = period_start(now.date(), every)
    return [
        piece for start, piece in zip(periods, pieces, strict=True) if start < current
    ]


def _dates(values: list[object]) -> NDArray[np.datetime64] | None:
    kind = contract.date("by", nullable=True).kind
    dates: list[object] = []
    for value in values:
        try:
            found: object = kind.read(value or None, spelled=True)
        except Misfit:
            found = None
        if found is None and dates:
            found = dates[-1]
        dates.append(found)
    missing = dates.count(None)  # all at the start
    if missing == len(dates):
        return None
    first = dates[missing]
    return np.array([first] * missing + dates[missing:], dtype="datetime64[us]")
