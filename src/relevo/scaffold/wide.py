"""Hundreds of columns in a few lines: those alike are one group, its names a pattern or a list in columns.json."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from relevo.domain.contract import Column
from relevo.domain.kinds import Kind
from relevo.scaffold.findings import Findings
from relevo.scaffold.python_text import WIDTH, assigned_tuple, quoted, width

PLURALS = {Kind.CATEGORY: "categories"}


@dataclass(frozen=True, slots=True)
class Group:
    """Columns with one kind and use. `column` stands for them all; `text` defines their names, where no file does."""

    key: str
    names: tuple[str, ...]
    column: Column
    is_feature: bool
    text: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """The name in the call: a variable where the group is many."""
        return "name" if len(self.names) > 1 else quoted(self.names[0])

    @property
    def where(self) -> str:
        return self.key.upper() if self.text else f'NAMES["{self.key}"]'

    @property
    def tail(self) -> str:
        return f" for name in {self.where})" if len(self.names) > 1 else ""

    @property
    def spread(self) -> str:
        return f"*{self.where}" if len(self.names) > 1 else quoted(self.names[0])


def group_columns(found: Findings) -> list[Group]:
    """Target, identity and what cuts the batches stand alone, in front."""
    alone = {found.target, *([found.cut.by] if found.cut.by else [])}
    alone |= set(found.identity) if len(found.identity) == 1 else set()
    features = set(found.features)
    gathered: dict[str, list[Column]] = {}
    singles: list[Group] = []
    for column in found.columns:
        if column.name in alone:
            singles.append(Group("", (column.name,), column, column.name in features))
        else:
            gathered.setdefault(_key(column, column.name in features), []).append(
                column
            )
    return [
        *singles,
        *(_group(key, columns, features) for key, columns in gathered.items()),
    ]


def _key(column: Column, is_feature: bool) -> str:
    plural = PLURALS.get(column.kind, f"{column.kind.name}s")
    signed = "signed_" if column.low is not None and column.low < 0 else ""
    size = f"_{column.digits}" if column.digits is not None else ""
    return f"{signed}{plural}{size}" + ("" if is_feature else "_kept")


def _group(key: str, columns: Sequence[Column], features: set[str]) -> Group:
    names = tuple(column.name for column in columns)
    widest = replace(
        columns[0],
        nullable=any(column.nullable for column in columns),
        low=_extreme([column.low for column in columns], min),
        high=_extreme([column.high for column in columns], max),
    )
    is_feature = names[0] in features
    return Group(
        key,
        names,
        widest,
        is_feature,
        _defined(key.upper(), names) if len(names) > 1 else (),
    )


def _extreme(
    bounds: Sequence[float | None], choose: Callable[[list[float]], float]
) -> float | None:
    known = [bound for bound in bounds if bound is not None]
    return choose(known) if len(known) == len(bounds) else None


def _defined(constant: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names in one line: a pattern with a number, or all of them; nothing where neither will do."""
    pattern = _pattern(names, in_a_row=True)
    line = f"{constant} = {pattern or '(' + ', '.join(map(quoted, names)) + ')'}"
    return (line,) if width(line) <= WIDTH else ()


def identity_lines(names: tuple[str, ...]) -> list[str]:
    """One line where a tuple or a pattern fits into it, else one line per name."""
    lines = assigned_tuple(8, "identity=", [quoted(name) for name in names], ",")
    line = f"        identity={_pattern(names)},"
    if len(lines) > 1 and _pattern(names) and width(line) <= WIDTH:
        return [line]
    return lines


def _pattern(names: tuple[str, ...], *, in_a_row: bool = False) -> str:
    """A generator of names that differ in one number; empty where there is none."""
    parts = [re.fullmatch(r"(\D*)(0|[1-9]\d*)(\D*)", name, re.ASCII) for name in names]
    ends = {(part[1], part[3]) for part in parts if part}
    if None in parts or len(ends) > 1 or len(names) < 5:
        return ""
    ((before, after),) = ends
    if set("{}\"'\\") & set(before + after) or not (before + after).isprintable():
        return ""
    numbers = [int(part[2]) for part in parts if part]
    start, end = numbers[0], numbers[0] + len(numbers)
    if numbers == list(range(start, end)):
        values = f"range({start}, {end})" if start else f"range({end})"
    elif in_a_row:
        return ""
    else:
        values = f"({', '.join(map(str, numbers))})"
    return f'tuple(f"{before}{{i}}{after}" for i in {values})'
