"""The file that is written: short, formatted, and one that a person would keep."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from relevo.scaffold.python_text import number_text, python_string
from tests.unit.scaffold.tables import columns, day, make, noise, some, write

ODD = [
    "it's",
    'a"b',
    "both\"'",
    "back\\slash",
    "tab\there",
    "größe",
    "日本語の列名" * 6,
    "x" * 110,
    "{b}",
    "z" * 130,
]


def ruff(folder: Path) -> None:
    config = Path(__file__).parents[3] / "pyproject.toml"
    command = [str(Path(sys.executable).with_name("ruff"))]
    for arguments in (["format", "--diff"], ["check", "--ignore", "E501"]):
        done = subprocess.run(
            [*command, *arguments, "--config", config, folder],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "names",
    [
        ["a"],
        ["a", "b"],
        [f"plain_{i}" for i in range(9)],
        [f"a_rather_long_name_{i}" for i in range(12)],
        [f"column {i * 3}" for i in range(30)],
        [f"pixel{i}" for i in range(300)],
        [f"question {i * 7}: how so?" for i in range(250)],
        [*ODD, "b"],
        [*ODD, *(f"column {i * 3}" for i in range(60))],
    ],
    ids=lambda names: f"{len(names)} {names[0][:12]}",
)
def test_it_is_short_and_formatted_whatever_the_columns(
    tmp_path: Path, names: list[str]
) -> None:
    kinds = [
        noise,
        some("u", "v"),
        some(1, 2, 3, ""),
        lambda dice, _: dice.randint(0, 9999),
    ]
    makers = [
        lambda _, i: f"K{i}",
        lambda _, i: day(i, 3),
        *(kinds[i % 4] for i in range(len(names))),
        noise,
    ]
    table = write(
        tmp_path / "t.csv", ["key", "sold", *names, "the target"], columns(300, *makers)
    )
    made = make(tmp_path, table, "the target")
    assert made.text.count("\n") <= 60
    assert set(names) == set(made.case.features)
    assert made.case.contract.identity == ("key",)
    assert not made.bad
    ruff(tmp_path / "use_cases")


def test_a_contract_of_all_kinds_is_formatted(tmp_path: Path) -> None:
    makers = [
        noise,
        lambda _, i: i % 17,
        some("yes", "no"),
        lambda _, i: day(i, 3),
        some("u", "v"),
        lambda _, i: f"{i % 900:05}",
        noise,
    ]
    header = ["number", "integer", "boolean", "date", "category", "zip", "y"]
    table = write(tmp_path / "t.csv", header, columns(400, *makers))
    made = make(tmp_path, table, "y")
    kinds = {column.kind.name for column in made.case.contract.columns}
    assert kinds == {"number", "integer", "boolean", "date", "category", "code"}
    ruff(tmp_path / "use_cases")


def test_a_classification_of_pixels_takes_twenty_odd_lines(tmp_path: Path) -> None:
    makers = [some(*range(256))] * 784
    table = write(
        tmp_path / "t.csv",
        [*(f"pixel{i}" for i in range(784)), "label"],
        columns(100, *makers, some(*"0123")),
    )
    made = make(tmp_path, table, "label")
    assert 'INTEGERS = tuple(f"pixel{i}" for i in range(784))' in made.text
    assert made.text.count("\n") < 30
    ruff(tmp_path / "use_cases")


def test_the_readme_says_what_was_decided_and_why(tmp_path: Path) -> None:
    rows = columns(300, lambda _, i: i, some("u|v", "w"), noise)
    make(tmp_path, write(tmp_path / "t.csv", ["id", "pi|pe", "y"], rows), "y")
    readme = (tmp_path / "use_cases/case/README.md").read_text()
    assert "relevo run case" in readme
    assert "| pi\\|pe | category | all | 2 |  | feature |" in readme
    assert "| id | integer | all | 300 |  | an id, identity |" in readme


def test_numbers_and_names_are_written_as_a_person_would() -> None:
    assert [number_text(value) for value in (0, 1000, 1e6, 2.5e7, 0.001, -100)] == [
        "0",
        "1000",
        "1e6",
        "2.5e7",
        "1e-3",
        "-100",
    ]
    assert [python_string(text) for text in ("a", 'a"b', "it's", "a\\b", "\n")] == [
        '"a"',
        "'a\"b'",
        '"it\'s"',
        '"a\\\\b"',
        '"\\n"',
    ]
