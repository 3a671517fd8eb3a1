"""Numbers and moments as people read them; the same everywhere in the UI."""

from __future__ import annotations

from datetime import UTC, datetime

from relevo.domain import wording
from relevo.domain.metrics import METRICS, Unit
from relevo.domain.wording import duration

UNKNOWN = "–"
PREFIXES = {"USD": "$", "EUR": "€", "GBP": "£"}


def number(value: float | None, digits: int = 3) -> str:
    """`1,234` from a hundred on; below it as many digits as say something."""
    if value is None:
        return UNKNOWN
    return wording.amount(value, digits)


def amount(value: float | None, unit: str = "") -> str:
    """`$437,000`; another unit follows its number."""
    if value is None:
        return UNKNOWN
    if unit in PREFIXES:
        return f"{'−' if value < 0 else ''}{PREFIXES[unit]}{number(abs(round(value)))}"
    return f"{number(value)} {unit}".rstrip()


def percent(share: float | None, digits: int = 1) -> str:
    if share is None:
        return UNKNOWN
    return wording.fixed_percent(share, digits)


def metric(name: str, value: float | None, unit: str = "") -> str:
    """A metric by its own name: a share, an amount in the target's unit, or a bare number."""
    kind = METRICS[name].unit if name in METRICS else Unit.PLAIN
    if kind is Unit.SHARE:
        return percent(value)
    if kind is Unit.TARGET:
        return amount(value, unit)
    return number(value)


def label(metric_name: str) -> str:
    if metric_name in METRICS:
        return METRICS[metric_name].label
    return metric_name


def moment(at: datetime | None) -> str:
    return UNKNOWN if at is None else f"{at.astimezone(UTC):%d %b %Y, %H:%M} UTC"


def ago(at: datetime, now: datetime | None = None) -> str:
    return f"{duration(((now or datetime.now(UTC)) - at).total_seconds())} ago"


def title(name: str) -> str:
    """`house_size` is "House size"."""
    return name.replace("_", " ").strip().capitalize()


def short(digest: str) -> str:
    return digest[:12]
