"""Numbers and moments as people read them; the same everywhere in the UI."""

from __future__ import annotations

from datetime import UTC, datetime

METRICS = {
    "rmse": "RMSE",
    "mae": "Mean absolute error",
    "median_ae": "Median absolute error",
    "mape": "MAPE",
    "r2": "R²",
    "accuracy": "Accuracy",
    "log_loss": "Log loss",
    "f1_macro": "F1, classes alike",
    "auc": "AUC",
    "error_rate": "Error rate",
}
SHARES = ("mape", "accuracy", "error_rate")
IN_UNIT = ("rmse", "mae", "median_ae")
MORE_IS_BETTER = ("r2", "accuracy", "f1_macro", "auc")
PREFIXES = {"USD": "$", "EUR": "€", "GBP": "£"}
AGES = ((86_400 * 2, 86_400, "days"), (3_600 * 2, 3_600, "hours"), (120, 60, "minutes"))


def number(value: float | None, digits: int = 3) -> str:
    """`1,234` from a hundred on; below it as many digits as say something."""
    if value is None:
        return "–"
    return (
        f"{value:,.0f}"
        if abs(value) >= 100 or value == int(value)
        else f"{value:.{digits}g}"
    )


def amount(value: float | None, unit: str = "") -> str:
    """`$437,000`; another unit follows its number."""
    if value is None:
        return "–"
    if unit in PREFIXES:
        return f"{'−' if value < 0 else ''}{PREFIXES[unit]}{number(abs(round(value)))}"
    return f"{number(value)} {unit}".rstrip()


def percent(share: float | None, digits: int = 1) -> str:
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def metric(name: str, value: float | None, unit: str = "") -> str:
    """A metric by its own name: a share, an amount in the target's unit, or a bare number."""
    if name in SHARES:
        return percent(value)
    return amount(value, unit) if name in IN_UNIT else number(value)


def count(many: int, one: str, more: str = "") -> str:
    """`1 row`, `1,234 rows`."""
    return f"{many:,} {one if many == 1 else more or one + 's'}"


def moment(at: datetime | None) -> str:
    return "–" if at is None else f"{at.astimezone(UTC):%d %b %Y, %H:%M} UTC"


def age(seconds: float) -> str:
    for least, unit, name in AGES:
        if seconds >= least:
            return f"{seconds / unit:.0f} {name}"
    return "less than a minute" if seconds < 60 else "a minute"


def ago(at: datetime, now: datetime | None = None) -> str:
    return f"{age(((now or datetime.now(UTC)) - at).total_seconds())} ago"


def title(name: str) -> str:
    """`house_size` is "House size"."""
    return name.replace("_", " ").strip().capitalize()


def short(digest: str) -> str:
    return digest[:12]
