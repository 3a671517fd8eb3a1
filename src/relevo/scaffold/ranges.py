"""Contract columns from facts: wide enough for any honest row of tomorrow, narrow enough to stop nonsense."""

from __future__ import annotations

import math
from dataclasses import replace

from relevo.domain.contract import Column
from relevo.domain.kinds import Kind
from relevo.scaffold.facts import Facts

NO_GAP_ROWS = 200  # without one gap, before a gap is taken for an error
SIGN_ROWS = 30  # without one negative number, before one is taken for an error
SMALL = 100.0  # a column of shares or of few things may well hold more tomorrow
_RANGED = (Kind.NUMBER, Kind.INTEGER)


def contract_column(
    fact: Facts,
    *,
    is_target: bool = False,
    is_needed: bool = True,
    log_target: bool = False,
) -> Column:
    """`is_needed`: the column is a feature or says what a row is about; a gap in any other harms nothing."""
    column = fact.column
    nullable = fact.missing > 0 or fact.filled < NO_GAP_ROWS or column.kind is Kind.TEXT
    if is_target:
        nullable = fact.missing > 0
    elif not is_needed:
        nullable = True
    low, high = _range(fact) if column.kind in _RANGED else (None, None)
    if log_target and fact.extent.low is not None:
        low = lowest_positive(fact.extent.low)
    return replace(column, nullable=nullable, low=low, high=high)


def _range(fact: Facts) -> tuple[float | None, float | None]:
    """From 0, or from as far below as above, to ten times the largest at least; nothing where little is known."""
    low, high = fact.extent.low, fact.extent.high
    if (
        low is None
        or high is None
        or not fact.is_feature
        or fact.filled < SIGN_ROWS
        or fact.distinct <= 1
    ):
        return None, None
    bound = 10.0 ** math.ceil(math.log10(10 * max(abs(low), abs(high), SMALL)))
    if bound > 1e15:
        is_exact = (
            fact.kind is Kind.INTEGER
        )  # whole numbers beyond 2**53 are not compared with fractions
        return (0.0 if low >= 0 and not is_exact else None), None
    return (0.0 if low >= 0 else -bound), bound


def lowest_positive(low: float) -> float:
    """A bound above zero that is far below the lowest: 1 for prices, which are whole."""
    return 1.0 if low >= 1 else float(f"1e{math.floor(math.log10(low)) - 3}")
