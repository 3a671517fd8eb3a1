"""Contract columns from facts: wide enough for any honest row of tomorrow, narrow enough to stop nonsense."""

from __future__ import annotations

import math
from dataclasses import replace

from relevo.domain.contract import Column
from relevo.domain.kinds import Kind
from relevo.scaffold.facts import ColumnFacts
from relevo.scaffold.target import NUMERIC

NO_GAP_ROWS = 200  # without one gap, before a gap is taken for an error
SIGN_ROWS = 30  # without one negative number, before one is taken for an error
SMALL = 100.0  # a column of shares or of few things may well hold more tomorrow
WIDEST = 1e15  # whole numbers beyond 2**53 are not compared with fractions


def contract_column(fact: ColumnFacts, *, is_needed: bool) -> Column:
    """`is_needed`: the column is a feature or says what a row is about; a gap in any other harms nothing."""
    nullable = fact.missing > 0 or fact.filled < NO_GAP_ROWS or not is_needed
    if fact.kind is Kind.TEXT:
        nullable = True
    return _ranged(fact, nullable)


def target_column(fact: ColumnFacts, *, log_target: bool) -> Column:
    column = _ranged(fact, fact.missing > 0)
    if log_target and fact.extent.low is not None:
        return replace(column, low=lowest_positive(fact.extent.low))
    return column


def _ranged(fact: ColumnFacts, nullable: bool) -> Column:
    """From 0, or from as far below as above, to ten times the largest at least; no limits where little is known."""
    column = replace(fact.column, nullable=nullable)
    low, high = fact.extent.low, fact.extent.high
    if fact.kind not in NUMERIC or low is None or high is None:
        return column
    if not fact.is_feature or fact.filled < SIGN_ROWS or fact.distinct <= 1:
        return column
    largest = max(abs(low), abs(high), SMALL)
    bound = 10.0 ** math.ceil(math.log10(10 * largest))
    lowest = -bound
    if low >= 0:
        lowest = 0.0
    if bound <= WIDEST:
        return replace(column, low=lowest, high=bound)
    if low >= 0 and fact.kind is Kind.NUMBER:
        return replace(column, low=0.0)
    return column


def lowest_positive(low: float) -> float:
    """A bound above zero that is far below the lowest: 1 for prices, which are whole."""
    if low >= 1:
        return 1.0
    return float(f"1e{math.floor(math.log10(low)) - 3}")
