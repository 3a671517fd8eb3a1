"""Columns of the fixed tables: what kinds there are. Each kind is called with a name and makes the column."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from relevo.domain.evidence import Evidence

MakeColumn = Callable[[str], sa.Column[Any]]


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, aware when it comes out. Where a database knows no time zones, it holds UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: sa.Dialect
    ) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(
                f"{value} has no time zone; moments are written as aware datetimes"
            )
        utc = value.astimezone(UTC)
        if dialect.name == "sqlite":
            return utc.replace(tzinfo=None)
        return utc

    def process_result_value(
        self, value: datetime | None, dialect: sa.Dialect
    ) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


class TextOf(TypeDecorator[Any]):
    """Text in the database, an object in Python: `dump` makes the one, `load` the other."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, load: Callable[[str], Any], dump: Callable[[Any], str]) -> None:
        super().__init__()
        self.load = load
        self.dump = dump

    def process_bind_param(self, value: Any, _dialect: sa.Dialect) -> str:
        return self.dump(value)

    def process_result_value(self, value: Any, _dialect: sa.Dialect) -> Any:
        return self.load(value)


_required = partial(sa.Column, nullable=False)
ID: MakeColumn = partial(sa.Column, type_=sa.Integer, primary_key=True)
TEXT: MakeColumn = partial(_required, type_=sa.Text)
TEXT_OR_EMPTY: MakeColumn = partial(_required, type_=sa.Text, server_default="")
INTEGER: MakeColumn = partial(_required, type_=sa.Integer)
NUMBER: MakeColumn = partial(_required, type_=sa.Double)
INSTANT: MakeColumn = partial(_required, type_=Instant)
TEXT_OR_NULL: MakeColumn = partial(sa.Column, type_=sa.Text)
INTEGER_OR_NULL: MakeColumn = partial(sa.Column, type_=sa.Integer)
NUMBER_OR_NULL: MakeColumn = partial(sa.Column, type_=sa.Double)
INSTANT_OR_NULL: MakeColumn = partial(sa.Column, type_=Instant)
TEXT_KEY: MakeColumn = partial(sa.Column, type_=sa.Text, primary_key=True)
INTEGER_KEY: MakeColumn = partial(sa.Column, type_=sa.Integer, primary_key=True)
INSTANT_KEY: MakeColumn = partial(sa.Column, type_=Instant, primary_key=True)


def enum_of(kind: Callable[[str], Any]) -> MakeColumn:
    return partial(_required, type_=TextOf(kind, str))


def json_of(kind: Callable[[Any], Any]) -> MakeColumn:
    """A nested value as JSON; `kind` makes of lists and dicts what was stored."""

    def load(text: str) -> Any:
        return kind(json.loads(text))

    return partial(_required, type_=TextOf(load, partial(json.dumps, default=asdict)))


def stored_evidence(facts: list[dict[str, Any]]) -> tuple[Evidence, ...]:
    return tuple(Evidence(**fact) for fact in facts)
