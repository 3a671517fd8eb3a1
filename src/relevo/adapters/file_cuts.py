"""How a table in one file is cut into batches, so that a batch never changes once it has been answered."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np

from relevo.adapters.table_file import Rows
from relevo.domain import contract
from relevo.domain.cells import Misfit
from relevo.domain.periods import Period, period_start


def cut_by_rows(rows: int, size: int, *, finished: bool) -> list[Rows]:
    """`size` rows a batch, in the file's order; what is left at the end is a batch only of a finished file."""
    order = np.arange(rows, dtype=np.int64)
    end = rows if finished else rows - rows % size
    return [order[start : min(start + size, end)] for start in range(0, end, size)]


def cut_by_date(
    values: list[object], every: Period, now: datetime
) -> list[Rows] | None:
    """A batch a day, week (from Monday) or month that has rows and is over; in order of date, ties in the file's order.

    A row without a date takes that of the row before it in the file; at the file's start, of the first that has one.
    None where no row has a date.
    """
    dates = _dates(values)
    if dates is None:
        return None
    order = np.argsort(dates, kind="stable").astype(np.int64)
    days, first_rows = np.unique(
        dates[order].astype("datetime64[D]"), return_index=True
    )
    starts = [period_start(day, every) for day in days.tolist()]
    new = [i for i in range(len(starts)) if i == 0 or starts[i] != starts[i - 1]]
    pieces = np.split(order, [int(first_rows[i]) for i in new[1:]])
    return [
        piece
        for i, piece in zip(new, pieces, strict=True)
        if _is_over(starts[i], every, now.date())
    ]


def _dates(
    values: list[object],
) -> np.ndarray[tuple[int], np.dtype[np.datetime64]] | None:
    column = contract.date("by", nullable=True)
    dates: list[object] = []
    for value in values:
        try:
            known = column.kind.read(value or None, spelled=True)
        except Misfit:
            known = None
        dates.append(known if known is not None or not dates else dates[-1])
    first = next((known for known in dates if known is not None), None)
    if first is None:
        return None
    return np.array(
        [first if known is None else known for known in dates], dtype="datetime64[us]"
    )


def _is_over(start: date, every: Period, today: date) -> bool:
    """A month that has begun may still grow, as may one that has not."""
    return start < period_start(today, every)
