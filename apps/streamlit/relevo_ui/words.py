"""Values and names as people read them; the same everywhere in the UI."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from relevo.domain import wording
from relevo.domain.metrics import Metric, Unit

DASH = "–"
PREFIXES = {"USD": "$", "EUR": "€", "GBP": "£"}


def plain_number(value: float) -> str:
    return wording.amount(value).replace("-", "−")


def small(value: float) -> str:
    """Like `plain_number`; what would need many zeros is written as a power of ten."""
    if 0 < abs(value) < 0.0005:
        return f"{value:.1e}".replace("-", "−")
    return plain_number(value)


def in_unit(value: float | None, unit: str = "") -> str:
    """`$437,000`; another unit follows its number."""
    if value is None:
        return DASH
    if unit not in PREFIXES:
        return f"{plain_number(value)} {unit}".rstrip()
    if value < 0:
        return f"−{in_unit(-value, unit)}"
    return f"{PREFIXES[unit]}{plain_number(round(value))}"


def signed_amount(value: float, unit: str) -> str:
    if value < 0:
        return in_unit(value, unit)
    return f"+{in_unit(value, unit)}"


def relative_change(before: float, after: float) -> str:
    """`+1.9 %`; nothing can be said of a change from 0."""
    if not before:
        return DASH
    return f"{100 * (after / before - 1):+.1f} %".replace("-", "−")


def metric(kind: Metric, value: float | None, unit: str = "") -> str:
    """A share, an amount in the target's unit, or a bare number."""
    if value is None:
        return DASH
    if kind.unit is Unit.SHARE:
        return wording.fixed_percent(value)
    if kind.unit is Unit.TARGET:
        return in_unit(value, unit)
    return plain_number(value)


def milliseconds(value: float | None) -> str:
    if value is None:
        return DASH
    return f"{value:.2f} ms"


def cell(value: Any) -> str:
    """A field's value, without separators that would be read as part of it."""
    if value is None:
        return "unknown"
    if isinstance(value, float):
        return wording.amount(value, 4).replace(",", "")
    return str(value)


def row(values: Any) -> str:
    """`width 3, colour blue`."""
    if not isinstance(values, Mapping):  # a refused request may hold anything
        return str(values)
    return ", ".join(f"{name} {cell(value)}" for name, value in values.items())


def rows_per_split(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{many:,} {split}" for split, many in rows.items())


def timestamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%d %b %Y, %H:%M} UTC"


def ago(at: datetime) -> str:
    return f"{wording.duration((datetime.now(UTC) - at).total_seconds())} ago"


def plain(name: str) -> str:
    """`boosted_trees` is "boosted trees"."""
    return name.replace("_", " ").strip()


def title(name: str) -> str:
    return plain(name).capitalize()


def capitalized(text: str) -> str:
    """Unlike `str.capitalize`, names within the text keep their letters."""
    return text[:1].upper() + text[1:]


def comma_list(*parts: str) -> str:
    """Of those that are not empty."""
    return ", ".join(filter(None, parts))


def short_digest(digest: str) -> str:
    return digest[:12]
