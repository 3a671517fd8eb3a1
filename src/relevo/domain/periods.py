"""Calendar periods that batches are cut by."""

from datetime import date, timedelta
from typing import Literal

Period = Literal["day", "week", "month"]


def period_start(day: date, period: Period) -> date:
    """The first day of the period that `day` lies in; weeks begin on Monday."""
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    return day
