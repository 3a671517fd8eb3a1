"""The glossary says what a word is called in code, and so it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
WORD, MEANING, IN_CODE, STORED_AS = range(4)


def entries() -> list[list[str]]:
    """The rows of all tables, without their heads."""
    lines = GLOSSARY.read_text().splitlines()
    rows = [line for line in lines if line.startswith("| ") and "---" not in line]
    cells = [[cell.strip() for cell in row[1:-1].split("|")] for row in rows]
    return [row for row in cells if row[WORD] != "word"]


@cache
def defined() -> frozenset[str]:
    """Every `name`, and every `Class.name`, of the library and the programs."""
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "apps").rglob("*.py")]
    return frozenset(name for file in files for name in names(file))


def names(file: Path) -> Iterator[str]:
    for node in ast.parse(file.read_text()).body:
        yield from bound(node)
        if isinstance(node, ast.ClassDef):
            for part in node.body:
                yield from (f"{node.name}.{name}" for name in bound(part))


def bound(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return [node.name]
    if isinstance(node, ast.AnnAssign):
        return [ast.unparse(node.target)]
    if isinstance(node, ast.Assign):
        return [ast.unparse(target) for target in node.targets]
    return []


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry[WORD])
def test_each_word_is_called_in_code_as_the_glossary_says(entry: list[str]) -> None:
    assert len(entry) == 4
    in_code = re.findall(r"`([^`]+)`", entry[IN_CODE])
    assert in_code, f"{entry[WORD]}: say what it is called in code"
    missing = [name for name in in_code if name not in defined()]
    assert not missing, "not in src or apps; what are they called now?"


def test_each_word_is_explained_once() -> None:
    words = [entry[WORD] for entry in entries()]
    assert sorted(words) == sorted(set(words))
    assert all(entry[MEANING] for entry in entries())
