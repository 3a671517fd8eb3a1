"""What a row of a use case must look like: its columns, their kinds, ranges and categories."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Literal

from relevo.domain.cells import Cell, listed, spell
from relevo.domain.kinds import Kind
from relevo.errors import UseCaseBroken

# `side` is the split, as CLEAN has called it from the start
REST_COLUMN = "_rest"  # JSON of what fits no column
RESERVED = frozenset({"batch_id", "position", "identity", "side", REST_COLUMN})
VALUES_IN_REASON = 10  # of the admitted values, in each bad cell's reason
Rule = Literal["low", "high", "values"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column and its rules. A category without `values` is open: a new one is no error."""

    name: str
    kind: Kind
    _: KW_ONLY
    nullable: bool = False
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] | None = None
    digits: int | None = None
    doc: str = ""

    @property
    def is_categorical(self) -> bool:
        return self.kind.is_categorical

    @property
    def admitted(self) -> str:
        """In words, for a person whose value was refused."""
        what = self.kind.describe(self)
        return f"{what}, or null" if self.nullable else what

    def reason(self, rule: Rule) -> str:
        """Why a cell is bad that fits its kind and breaks this rule."""
        if rule == "low":
            return f"is below {spell(self.low)}"
        if rule == "high":
            return f"is above {spell(self.high)}"
        return f"is not one of {listed(self.values or (), VALUES_IN_REASON)}"

    def broken_rule(self, cell: Cell) -> Rule | None:
        if isinstance(cell, (int, float)):
            if self.low is not None and cell < self.low:
                return "low"
            if self.high is not None and cell > self.high:
                return "high"
        if self.values is not None and cell not in self.values:
            return "values"
        return None


def _bounded(
    kind: Kind,
    name: str,
    low: float | None = None,
    high: float | None = None,
    *,
    nullable: bool = False,
    doc: str = "",
) -> Column:
    return Column(name, kind, nullable=nullable, low=low, high=high, doc=doc)


number = partial(_bounded, Kind.NUMBER)
integer = partial(_bounded, Kind.INTEGER)
boolean = partial(Column, kind=Kind.BOOLEAN)
# a day or an instant in ISO 8601; as a feature, days since 1970
date = partial(Column, kind=Kind.DATE)


def category(
    name: str,
    values: tuple[str, ...] | None = None,
    *,
    nullable: bool = False,
    doc: str = "",
) -> Column:
    return Column(name, Kind.CATEGORY, nullable=nullable, values=values, doc=doc)


def code(name: str, digits: int, *, nullable: bool = False, doc: str = "") -> Column:
    highest = float(10**digits - 1)
    return Column(
        name, Kind.CODE, nullable=nullable, low=0, high=highest, digits=digits, doc=doc
    )


# free text: kept in RAW, never a feature
text = partial(Column, kind=Kind.TEXT, nullable=True)


@dataclass(frozen=True, slots=True)
class Contract:
    """The columns of a table, its target, and the identity columns: what a row is about."""

    columns: tuple[Column, ...]
    target: str
    identity: tuple[str, ...]

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if doubled := {name for name in names if names.count(name) > 1}:
            raise UseCaseBroken(
                f"contract: column {sorted(doubled)[0]!r} is named twice; keep one of them"
            )
        for name in (self.target, *self.identity):
            if name not in names:
                raise UseCaseBroken(
                    f"contract: {name!r} is not one of its columns: {', '.join(names)}"
                )
        if taken := RESERVED & set(names):
            raise UseCaseBroken(
                f"contract: {sorted(taken)[0]!r} is reserved for the warehouse; rename the column at its source"
            )
        if self.target in self.identity:
            raise UseCaseBroken(
                f"contract: the target {self.target!r} is an identity column; "
                "a row's split must not depend on the target"
            )
        if not self.identity:
            raise UseCaseBroken(
                "contract: name at least one identity column, so that a row keeps its split"
            )

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise UseCaseBroken(
            f"contract: no column {name!r}; it has {', '.join(c.name for c in self.columns)}"
        )
