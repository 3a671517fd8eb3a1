"""Hundreds of columns in a few lines: those alike are one group, its names a pattern or a list in columns.json."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from relevo.domain.contract import Column
from relevo.domain.kinds import Kind
from relevo.scaffold.python_text import call, fits, number_text, python_string
from relevo.scaffold.study import Findings

PLURALS = {Kind.CATEGORY: "categories"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnGroup:
    """Columns with one kind and use. `column` stands for them all."""

    key: str = ""
    names: tuple[str, ...]
    column: Column
    is_feature: bool

    @property
    def is_many(self) -> bool:
        return len(self.names) > 1

    @property
    def definition(self) -> str:
        """The names in one line: a pattern, or all of them; empty where neither will do."""
        if not self.is_many:
            return ""
        listed = f"({', '.join(map(python_string, self.names))})"
        names = pattern_of(self.names, in_a_row=True) or listed
        line = f"{self.key.upper()} = {names}"
        if fits(line):
            return line
        return ""

    @property
    def variable(self) -> str:
        if self.definition:
            return self.key.upper()
        return f'NAMES["{self.key}"]'

    @property
    def in_tuple(self) -> str:
        if self.is_many:
            return f"*{self.variable}"
        return python_string(self.names[0])

    def contract_lines(self, indent: int) -> list[str]:
        kind = self.column.kind.name
        if not self.is_many:
            options = column_options(self.column, python_string(self.names[0]))
            return call(indent, kind, options)
        options = column_options(self.column, "name")
        each = f"for name in {self.variable}"
        space = " " * indent
        if fits(line := f"{space}*({kind}({', '.join(options)}) {each}),"):
            return [line]
        lines = call(indent + 4, kind, options, "")
        return [f"{space}*(", *lines, f"{space}    {each}", f"{space}),"]


def column_options(column: Column, name: str) -> list[str]:
    limits = {"digits": column.digits, "low": column.low, "high": column.high}
    known = {key: limit for key, limit in limits.items() if limit is not None}
    options = [name, *(f"{key}={number_text(value)}" for key, value in known.items())]
    if column.nullable and column.kind is not Kind.TEXT:
        options.append("nullable=True")
    return options


def group_columns(found: Findings) -> list[ColumnGroup]:
    """Target, identity and what cuts the batches stand alone, in front."""
    alone = {found.target, found.cut.by}
    if len(found.identity) == 1:
        alone |= set(found.identity)
    features = set(found.features)
    singles: list[ColumnGroup] = []
    gathered: dict[str, list[Column]] = {}
    for column in found.columns:
        is_feature = column.name in features
        if column.name in alone:
            names = (column.name,)
            singles.append(
                ColumnGroup(names=names, column=column, is_feature=is_feature)
            )
        else:
            gathered.setdefault(_key(column, is_feature), []).append(column)
    groups = [
        ColumnGroup(
            key=key,
            names=tuple(column.name for column in columns),
            column=_widest(columns),
            is_feature=columns[0].name in features,
        )
        for key, columns in gathered.items()
    ]
    return singles + groups


def _key(column: Column, is_feature: bool) -> str:
    key = PLURALS.get(column.kind, f"{column.kind.name}s")
    if (column.low or 0) < 0:
        key = f"signed_{key}"
    if column.digits is not None:
        key += f"_{column.digits}"
    if not is_feature:
        key += "_kept"
    return key


def _widest(columns: Sequence[Column]) -> Column:
    return replace(
        columns[0],
        nullable=any(column.nullable for column in columns),
        low=_extreme(min, [column.low for column in columns]),
        high=_extreme(max, [column.high for column in columns]),
    )


def _extreme(
    choose: Callable[[Any], float], bounds: Sequence[float | None]
) -> float | None:
    if None in bounds:
        return None
    return choose(bounds)


def pattern_of(names: Sequence[str], *, in_a_row: bool = False) -> str:
    """A generator of names that differ in one number; empty where there is none."""
    parts = [re.fullmatch(r"(\D*)(0|[1-9]\d*)(\D*)", name, re.ASCII) for name in names]
    numbers = [int(part[2]) for part in parts if part]
    ends = {(part[1], part[3]) for part in parts if part}
    if len(numbers) < max(5, len(names)) or len(ends) > 1:
        return ""
    ((before, after),) = ends
    if set("{}\"'\\") & set(before + after) or not (before + after).isprintable():
        return ""
    start, end = numbers[0], numbers[0] + len(numbers)
    values = f"({', '.join(map(str, numbers))})"
    if numbers == list(range(end)):
        values = f"range({end})"
    elif numbers == list(range(start, end)):
        values = f"range({start}, {end})"
    elif in_a_row:
        return ""
    return f'tuple(f"{before}{{i}}{after}" for i in {values})'
