"""What a field usually holds, as the release's profile knows it: for forms, for examples, and to warm a model up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from relevo.domain.contract import Kind
from relevo.domain.profile import CategoryProfile, NumberProfile, Profile
from relevo.domain.release import Field
from relevo.features.model_inputs import EPOCH

Value = float | int | bool | str | None


@dataclass(frozen=True, slots=True)
class FieldDefault:
    """A value to begin with; where numbers mostly lie; the commonest words."""

    default: Value
    typical: tuple[Value, Value] | None
    suggestions: tuple[str, ...] | None


def field_default(field: Field, profile: Profile) -> FieldDefault:
    known = profile.columns.get(field.name)
    if isinstance(known, CategoryProfile) and known.categories:
        return FieldDefault(known.categories[0], None, known.categories)
    if isinstance(known, NumberProfile) and any(known.counts):
        low, middle, high = (
            _as_given(field.kind, _quantile(known, share)) for share in (0.1, 0.5, 0.9)
        )
        return FieldDefault(
            middle, None if field.kind is Kind.BOOLEAN else (low, high), None
        )
    return FieldDefault(_least(field), None, None)


def default_row(fields: tuple[Field, ...], profile: Profile) -> dict[str, Value]:
    """A row that the model accepts."""
    return {field.name: field_default(field, profile).default for field in fields}


def _quantile(column: NumberProfile, share: float) -> float:
    """The lower edge of the bin that this share of the rows falls into."""
    wanted, seen = share * sum(column.counts), 0
    for place, count in enumerate(column.counts):
        seen += count
        if seen > wanted:
            return column.edges[max(0, min(place, len(column.edges)) - 1)]
    return column.edges[-1]


def _as_given(kind: Kind, value: float) -> Value:
    if kind is Kind.BOOLEAN:
        return value >= 0.5
    if kind is Kind.INTEGER:
        return int(value)
    if kind is Kind.DATE:
        return (EPOCH + timedelta(days=round(value))).date().isoformat()
    return float(f"{value:.6g}")


def _least(field: Field) -> Value:
    if field.nullable:
        return None
    if field.values:
        return field.values[0]
    if field.kind in (Kind.CATEGORY, Kind.TEXT):
        return "?"
    return (
        _as_given(field.kind, max(field.low or 0.0, 0.0))
        if field.kind is not Kind.CODE
        else "0"
    )
