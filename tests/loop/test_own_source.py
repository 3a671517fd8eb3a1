"""A use case that brings its own source: the one of docs/extending.md, through the loop."""

from __future__ import annotations

from pathlib import Path

import pytest

from relevo.app import Loop, open_loop
from relevo.errors import UseCaseBroken
from relevo.settings import Settings
from tests.extending import own_source
from tests.loop.flats import USE_CASE, flats_settings

OWN = USE_CASE.replace("source=HttpBatches(group=1)", "source=DailyExports")
ROWS = 60


def write_batch(folder: Path, number: int) -> None:
    first = number * ROWS
    rows = [
        f"{first + i},{'uv'[i % 2]},{20 + i % 50},{300 + 9 * (i % 50)}"
        for i in range(ROWS)
    ]
    text = "\n".join(["flat,city,size,rent", *rows]) + "\n"
    (folder / f"{number}.csv").write_text(text)


def settings_with(folder: Path, use_case: str) -> Settings:
    case = folder / "use_cases" / "flats"
    (case / "exports").mkdir(parents=True)
    (case / "use_case.py").write_text(use_case)
    return flats_settings(folder, "http://127.0.0.1:1")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = settings_with(tmp_path, own_source() + OWN)
    for number in range(2):
        write_batch(settings.use_cases / "flats" / "exports", number)
    return settings


def run_all(loop: Loop) -> list[int]:
    numbers = []
    with loop.working("test"):
        while result := loop.run_batch(lambda _: None):
            numbers.append(result.batch.number)
    return numbers


def test_its_batches_run_through_the_loop_once(settings: Settings) -> None:
    assert run_all(open_loop("flats", settings)) == [0, 1]
    write_batch(settings.use_cases / "flats" / "exports", 2)
    loop = open_loop("flats", settings)
    assert run_all(loop) == [2]
    batches = loop.warehouse.batches.of("flats")
    assert [(b.number, b.rows, b.source) for b in batches] == [
        (number, ROWS, "files-exports") for number in range(3)
    ]


def test_it_is_listed_by_its_name(settings: Settings) -> None:
    assert open_loop("flats", settings).case.source_label == "DailyExports"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("lambda options: options.folder", "is a .*Path, which is no BatchSource"),
        ("lambda options: options.group", "cannot be made: AttributeError"),
        ("None", "cannot be made: TypeError"),
    ],
)
def test_one_that_makes_no_source_is_named_with_its_file(
    tmp_path: Path, source: str, message: str
) -> None:
    use_case = USE_CASE.replace("HttpBatches(group=1)", source)
    loop = open_loop("flats", settings_with(tmp_path, use_case))
    with pytest.raises(UseCaseBroken, match=f"flats/use_case.py: its source {message}"):
        _ = loop.source
