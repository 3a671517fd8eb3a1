"""What a field usually holds, as the release's profile knows it: for forms, for examples,
and to warm a model up.
"""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from relevo.domain.cells import Cell
from relevo.domain.contract import Column
from relevo.domain.kinds import Kind
from relevo.domain.profile import CategoryProfile, NumberProfile, Profile


@dataclass(frozen=True, slots=True)
class FieldDefault:
    """A value to begin with; where numbers mostly lie; the commonest categories."""

    default: Cell
    typical: tuple[Cell, Cell] | None = None
    suggestions: tuple[str, ...] | None = None


def field_default(field: Column, profile: Profile) -> FieldDefault:
    usual = profile.columns.get(field.name)
    if isinstance(usual, CategoryProfile) and usual.categories:
        return FieldDefault(usual.categories[0], suggestions=usual.categories)
    if isinstance(usual, NumberProfile) and any(usual.counts):
        return _number_default(field.kind, usual)
    if field.nullable:
        return FieldDefault(None)
    return FieldDefault(field.kind.example(field))


def _number_default(kind: Kind, usual: NumberProfile) -> FieldDefault:
    shares = (0.1, 0.5, 0.9)
    low, middle, high = (kind.from_number(_quantile(usual, share)) for share in shares)
    if kind is Kind.BOOLEAN:
        return FieldDefault(middle)
    return FieldDefault(middle, typical=(low, high))


def default_row(fields: Sequence[Column], profile: Profile) -> dict[str, Cell]:
    """A row that the model accepts."""
    return {field.name: field_default(field, profile).default for field in fields}


def _quantile(column: NumberProfile, share: float) -> float:
    """The lower edge of the bin that this share of the rows falls into."""
    index = bisect([*accumulate(column.counts)], share * sum(column.counts))
    # the first bin lies below the first edge, the last above the last
    return column.edges[max(0, min(index, len(column.edges)) - 1)]
