"""What a row of a use case must look like: its columns, their types, ranges and categories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from relevo.errors import UseCaseBroken

RESERVED = frozenset({"batch_id", "position", "identity", "side", "_rest"})


class Kind(StrEnum):
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    CATEGORY = "category"
    CODE = "code"  # a number that is a name, such as a ZIP: 601.0 is "00601"
    TEXT = "text"  # kept, never a feature


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `values` closes a category: anything else is a bad row; open, a new one is no error."""

    name: str
    kind: Kind
    nullable: bool = False
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] | None = None
    digits: int | None = None
    doc: str = ""

    @property
    def is_categorical(self) -> bool:
        return self.kind in (Kind.CATEGORY, Kind.CODE)


def number(
    name: str,
    low: float | None = None,
    high: float | None = None,
    *,
    nullable: bool = False,
    doc: str = "",
) -> Column:
    return Column(name, Kind.NUMBER, nullable, low, high, doc=doc)


def integer(
    name: str,
    low: float | None = None,
    high: float | None = None,
    *,
    nullable: bool = False,
    doc: str = "",
) -> Column:
    return Column(name, Kind.INTEGER, nullable, low, high, doc=doc)


def boolean(name: str, *, nullable: bool = False, doc: str = "") -> Column:
    return Column(name, Kind.BOOLEAN, nullable, doc=doc)


def date(name: str, *, nullable: bool = False, doc: str = "") -> Column:
    """A day or an instant in ISO 8601; as a feature, days since 1970."""
    return Column(name, Kind.DATE, nullable, doc=doc)


def category(
    name: str,
    values: tuple[str, ...] | None = None,
    *,
    nullable: bool = False,
    doc: str = "",
) -> Column:
    return Column(name, Kind.CATEGORY, nullable, values=values, doc=doc)


def code(name: str, digits: int, *, nullable: bool = False, doc: str = "") -> Column:
    return Column(
        name, Kind.CODE, nullable, 0, float(10**digits - 1), digits=digits, doc=doc
    )


def text(name: str, *, nullable: bool = True, doc: str = "") -> Column:
    return Column(name, Kind.TEXT, nullable, doc=doc)


@dataclass(frozen=True, slots=True)
class Contract:
    """The columns of a table, its target, and the identity columns that say what a row is about."""

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
                f"contract: {sorted(taken)[0]!r} is a name the warehouse keeps for itself; rename the column at its source"
            )
        if self.target in self.identity:
            raise UseCaseBroken(
                f"contract: the target {self.target!r} is an identity column; a row's side must not depend on the answer"
            )
        if not self.identity:
            raise UseCaseBroken(
                "contract: name at least one identity column, so that a row keeps its side"
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
