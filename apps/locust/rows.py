"""Rows as people would send them, made from the schema that the inference API shows of a case."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

SchemaField = dict[str, Any]
NULL_SHARE = 0.03  # of a nullable field's values
DATES = ("2000-01-01", "2024-08-21")  # where the schema shows no typical ones


def random_row(fields: list[SchemaField], rng: random.Random) -> dict[str, Any]:
    """A row that the contract accepts; no two are alike, so that no cache on the way can answer."""
    return {field["name"]: random_value(field, rng) for field in fields}


def random_value(field: SchemaField, rng: random.Random) -> Any:
    if field["nullable"] and rng.random() < NULL_SHARE:
        return None
    categories = field["values"] or field["suggestions"]
    if categories:
        return rng.choice(categories)
    return MAKERS[field["kind"]](field, rng)


def _integer(field: SchemaField, rng: random.Random) -> int:
    low, high = _range(field)
    return rng.randint(round(low), round(high))


def _date(field: SchemaField, rng: random.Random) -> str:
    first, last = map(date.fromisoformat, field["typical"] or DATES)
    return (first + timedelta(days=rng.randint(0, (last - first).days))).isoformat()


def _text(field: SchemaField, rng: random.Random) -> str:
    return f"{field['name']} {rng.randrange(1000)}"


def _range(field: SchemaField) -> tuple[float, float]:
    """Where most values lie; else what is allowed, as far as that is bounded."""
    if field["typical"]:
        low, high = field["typical"]
        return low, high
    low = field["low"] or 0.0
    if field["high"] is None:
        return low, low + 100.0
    return low, field["high"]


MAKERS: dict[str, Callable[[SchemaField, random.Random], Any]] = {
    "number": lambda field, rng: round(rng.uniform(*_range(field)), 3),
    "integer": _integer,
    "boolean": lambda _, rng: rng.random() < 0.5,
    "date": _date,
    "code": lambda field, rng: (
        f"{rng.randrange(10 ** field['digits']):0{field['digits']}}"
    ),
    "category": _text,
    "text": _text,
}
