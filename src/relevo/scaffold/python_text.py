"""Python as ruff formats it: one line where it fits, else an item a line."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

WIDTH = 88  # ruff's own, so that a use case is formatted wherever it lies


def quoted(text: str) -> str:
    """A string as ruff writes it: in double quotes, unless single ones need fewer escapes."""
    body = "".join(_escaped(character) for character in text)
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + body.replace(quote, "\\" + quote) + quote


def _escaped(character: str) -> str:
    if character == "\\":
        return "\\\\"
    return character if character.isprintable() else repr(character)[1:-1]


def width(text: str) -> int:
    return sum(
        2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def number_text(value: float) -> str:
    """As a person writes it: 0, 1000, 1e6."""
    if value == int(value) and abs(value) < 100_000:
        return str(int(value))
    mantissa, _, exponent = f"{value:e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def call(indent: int, head: str, items: Sequence[str], tail: str) -> list[str]:
    """`head(a, b)tail` with its brackets in head and tail; a tuple of one keeps its comma."""
    comma = (
        ","
        if head.endswith("(")
        and tail.startswith(")")
        and len(items) == 1
        and head in ("(",)
        else ""
    )
    space = " " * indent
    line = f"{space}{head}{', '.join(items)}{comma}{tail}"
    if width(line) <= WIDTH:
        return [line]
    return [space + head, *(f"{space}    {item}," for item in items), space + tail]


def arguments(indent: int, head: str, items: Sequence[str], tail: str) -> list[str]:
    """As `call`, but arguments of a function may share the one line between the brackets."""
    lines = call(indent, head, items, tail)
    inner = " " * (indent + 4) + ", ".join(items)
    if len(lines) > 1 and (width(inner) <= WIDTH or len(items) == 1):
        return [lines[0], inner, lines[-1]]
    return lines


def assigned_tuple(
    indent: int, name: str, items: Sequence[str], tail: str = ""
) -> list[str]:
    if (
        len(items) == 1
        and width(line := f"{' ' * indent}{name}({items[0]},){tail}") <= WIDTH
    ):
        return [line]
    return call(indent, f"{name}(", items, f"){tail}")
