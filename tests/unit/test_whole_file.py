"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from relevo.whole_file import UNFINISHED, whole_file, write_whole


def test_what_was_written_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_whole(path, b"longer than the other")
    with whole_file(path) as write:
        write(b"sho")
        write(b"rt")
    assert path.read_bytes() == b"short"
    assert os.listdir(tmp_path) == ["state.json"]


def test_a_write_that_fails_half_way_leaves_the_old_file_and_nothing_else(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state.json"
    write_whole(path, b"old")

    def write_half() -> None:
        with whole_file(path) as write:
            write(b"new")
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        write_half()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["state.json"]


def test_what_a_killed_writer_left_is_swept_a_day_later(tmp_path: Path) -> None:
    old, young = tmp_path / f"{UNFINISHED}old", tmp_path / f"{UNFINISHED}young"
    old.touch()
    young.touch()
    os.utime(old, (0, 0))
    write_whole(tmp_path / "state.json", b"x")
    assert sorted(os.listdir(tmp_path)) == [young.name, "state.json"]
