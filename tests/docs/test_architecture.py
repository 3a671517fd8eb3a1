"""The picture of the architecture is what the code's imports make of it."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "draw_architecture.py"))


def test_the_picture_is_drawn_from_the_code_as_it_is(script: dict[str, Any]) -> None:
    picture = (ROOT / "images" / "architecture.svg").read_text()
    assert script["svg"]() == picture, "run `python docs/draw_architecture.py`"


def test_each_room_is_described(script: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    rooms = [room.name for room in script["rooms"]().values() if not room.is_program]
    for name in rooms:
        assert f"`{name}`" in text, f"docs/architecture.md says nothing of {name}"


def test_rooms_that_import_each_other_are_no_picture(script: dict[str, Any]) -> None:
    ranks: Callable[[dict[str, set[str]]], dict[str, int]] = script["ranks"]
    assert ranks({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": 2, "b": 1, "c": 0}
    with pytest.raises(ValueError, match="a → b → a"):
        ranks({"a": {"b"}, "b": {"a"}})
