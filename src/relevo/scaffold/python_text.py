"""Python as ruff formats it: one line where it fits, else one item per line."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

WIDTH = 88  # ruff's own, so that a use case is formatted wherever it lies


def python_string(text: str) -> str:
    """A string as ruff writes it: in double quotes, unless single ones need fewer escapes."""
    body = "".join(map(_escaped, text))
    quote = '"'
    if text.count('"') > text.count("'"):
        quote = "'"
    return quote + body.replace(quote, "\\" + quote) + quote


def _escaped(character: str) -> str:
    if character.isprintable() and character != "\\":
        return character
    return repr(character)[1:-1]


def fits(line: str) -> bool:
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in line)
    return len(line) + wide <= WIDTH


def number_text(value: float) -> str:
    """As a person writes it: 0, 1000, 1e6."""
    if value == int(value) and abs(value) < 100_000:
        return str(int(value))
    mantissa, _, exponent = f"{value:e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def call(
    indent: int, name: str, arguments: Sequence[str], tail: str = ","
) -> list[str]:
    """`name(a, b),`: in one line, or with its arguments in one line, or with one per line."""
    space = " " * indent
    inner = ", ".join(arguments)
    if fits(line := f"{space}{name}({inner}){tail}"):
        return [line]
    # a sole argument is not followed by a comma, however long it is
    if fits(f"{space}    {inner}") or len(arguments) == 1:
        return [f"{space}{name}(", f"{space}    {inner}", f"{space}){tail}"]
    return one_per_line(indent, name, arguments, tail)


def tuple_of(
    indent: int, name: str, items: Sequence[str], tail: str = ","
) -> list[str]:
    """`name=(a, b),`: in one line, or with one item per line."""
    inner = ", ".join(items)
    if len(items) == 1:
        inner += ","
    if fits(line := f"{' ' * indent}{name}({inner}){tail}"):
        return [line]
    return one_per_line(indent, name, items, tail)


def one_per_line(indent: int, name: str, items: Sequence[str], tail: str) -> list[str]:
    space = " " * indent
    return [f"{space}{name}(", *(f"{space}    {i}," for i in items), f"{space}){tail}"]
