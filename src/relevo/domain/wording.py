"""Numbers as people read them in sentences."""

import math

AGES = (
    (86_400 * 2, 86_400, "{:.0f} days"),
    (3_600 * 2, 3_600, "{:.0f} hours"),
    (120, 60, "{:.0f} minutes"),
    (60, 60, "a minute"),
)
SIZES = ((1e9, "B"), (1e6, "M"), (1e3, "k"))


def percent(share: float, against: float | None = None, decimals: int = 0) -> str:
    """`45 %`; a decimal below 1 %, and as many as tell it from the limit `against` that it does not equal."""
    if not decimals and 0 < abs(share) < 0.01:
        decimals = 1
    if share > 0 and not round(100 * share, decimals):
        return f"under {10.0**-decimals:g} %"
    if against is not None and share != against:
        while decimals < 6 and round(100 * share, decimals) == round(100 * against, 9):
            decimals += 1
    return fixed_percent(share, decimals)


def fixed_percent(share: float, decimals: int = 1) -> str:
    """`14.1 %`, with these decimals whatever the number is."""
    rounded = round(100 * share, decimals) + 0.0  # which turns -0.0 into 0.0
    return f"{rounded:.{decimals}f} %"


def confidence(alpha: float) -> str:
    """`95.0 %` of an error probability, with the decimals that tell it from certainty."""
    decimals = max(1, math.ceil(-math.log10(100 * alpha)))
    return f"{100 * (1 - alpha):.{decimals}f} %"


def amount(value: float, digits: int = 3) -> str:
    """`1,234` from a hundred on; below it as many digits as say something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def table_number(value: float) -> str:
    """Four digits of a number that stands in a table: `0.1235`, `12,346`."""
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def compact(value: float) -> str:
    """`1.5M`, for an axis."""
    for size, letter in SIZES:
        if abs(value) >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:.4g}"


def beside_limit(value: float, limit: float) -> str:
    """Two decimals, or four where two would make it look like the limit."""
    if value != limit and f"{value:.2f}" == f"{limit:.2f}":
        return f"{value:.4f}"
    return f"{value:.2f}"


def count(many: int, noun: str, plural: str = "") -> str:
    """`1 row`, `1,234 rows`."""
    if many == 1:
        return f"1 {noun}"
    return f"{many:,} {plural or noun + 's'}"


def days(age: float) -> str:
    """`1 day`, `12.5 days`; never more than have passed."""
    text = f"{int(age * 10) / 10:g}"
    if text == "1":
        return "1 day"
    return f"{text} days"


def duration(seconds: float) -> str:
    """`3 hours`, as exact as people say it."""
    for least, unit, template in AGES:
        if seconds >= least:
            return template.format(seconds / unit)
    return "less than a minute"


def ranges(numbers: tuple[int, ...]) -> str:
    """0, 1, 2, 5 is "0 to 2, 5"."""
    runs: list[list[int]] = []
    for each in sorted(numbers):
        if runs and each == runs[-1][-1] + 1:
            runs[-1].append(each)
        else:
            runs.append([each])
    return ", ".join(" to ".join(map(str, sorted({run[0], run[-1]}))) for run in runs)
