"""Rows as people would send them, made from the schema that the inference API shows of a case."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

Field = dict[str, Any]
LEFT_OPEN = 0.03  # of a nullable field's values
FIRST_DAY, DAYS = date(2000, 1, 1), 9_000


def random_row(fields: list[Field], rng: random.Random) -> dict[str, Any]:
    """One that the contract accepts; no two alike, so that nothing on the way can answer from memory."""
    return {field["name"]: random_value(field, rng) for field in fields}


def random_value(field: Field, rng: random.Random) -> Any:
    if field["nullable"] and rng.random() < LEFT_OPEN:
        return None
    words = field["values"] or field["suggestions"]
    return rng.choice(words) if words else MAKERS[field["kind"]](field, rng)


def _number(field: Field, rng: random.Random) -> float:
    return round(rng.uniform(*_range(field)), 3)


def _integer(field: Field, rng: random.Random) -> int:
    low, high = _range(field)
    return rng.randint(round(low), round(high))


def _boolean(_: Field, rng: random.Random) -> bool:
    return rng.random() < 0.5


def _date(field: Field, rng: random.Random) -> str:
    if field["typical"]:
        first, last = map(date.fromisoformat, field["typical"])
        return (first + timedelta(days=rng.randint(0, (last - first).days))).isoformat()
    return (FIRST_DAY + timedelta(days=rng.randrange(DAYS))).isoformat()


def _code(field: Field, rng: random.Random) -> str:
    return f"{rng.randrange(10 ** field['digits']):0{field['digits']}}"


def _word(field: Field, rng: random.Random) -> str:
    return f"{field['name']} {rng.randrange(1000)}"


def _range(field: Field) -> tuple[float, float]:
    """Where most values lie; else what is allowed, as far as that is bounded."""
    if field["typical"]:
        low, high = field["typical"]
        return low, high
    low = 0.0 if field["low"] is None else field["low"]
    return low, low + 100.0 if field["high"] is None else field["high"]


MAKERS: dict[str, Callable[[Field, random.Random], Any]] = {
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "date": _date,
    "code": _code,
    "category": _word,
    "text": _word,
}
