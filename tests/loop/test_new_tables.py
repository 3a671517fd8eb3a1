"""A table that nobody has seen goes through the whole loop as `relevo new` left it: all batches, models registered."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from relevo.app import open_loop
from relevo.domain.batch import BatchState
from relevo.domain.evidence import Action
from relevo.domain.use_case import FileBatches, Task, UseCase
from relevo.loop.run_batch import BatchResult, run_batch
from relevo.scaffold import new_case
from relevo.settings import Settings


def loans(dice: random.Random, i: int) -> list[object]:
    """Binary, with gaps and odd names; semicolons, a byte order mark."""
    income, age, paid = (
        dice.lognormvariate(10, 0.6),
        dice.randint(18, 90),
        dice.random() < 0.3,
    )
    good = income / 30_000 + (age > 35) + dice.gauss(0, 0.4) > 1.2
    gap = dice.random() < 0.15
    return [
        f"L-{i:05d}",
        age,
        "NA" if gap else round(income, 2),
        dice.choice(["Y", "N", ""]),
        paid,
        dice.random(),
        "yes" if good else "no",
    ]


def flowers(dice: random.Random, _: int) -> list[object]:
    """Four classes of text, told by words and a number."""
    soil, colour = (
        dice.choice(["clay", "sand", "Lößboden", "n/a"]),
        dice.choice(["red", "blue"]),
    )
    size = round(dice.gauss(5, 1) + (soil == "clay") * 3, 1)
    kind = ("big " if size > 6.5 else "small ") + (
        "rose" if (colour == "red") ^ (dice.random() < 0.1) else "violet"
    )
    return [soil, colour, size, dice.randint(1, 5), kind]


def rents(dice: random.Random, i: int) -> list[object]:
    """A long-tailed number, with the date it was agreed on and one that moves freely."""
    rooms, zip_code = dice.randint(1, 6), f"0{dice.randint(10, 30)}00"
    built = date(1950, 1, 1) + timedelta(days=dice.randint(0, 25_000))
    rent = 300 * rooms * (1 + (zip_code > "02000")) * dice.lognormvariate(0, 0.4)
    return [
        (date(2024, 1, 1) + timedelta(days=i // 3)).isoformat(),
        rooms,
        zip_code,
        built.isoformat(),
        "flat",
        round(rent, 2),
    ]


TABLES = {
    "loans": (
        loans,
        [
            "Loan No",
            "Age (years)",
            'Income "net"',
            "house.owner?",
            "has[paid]",
            "class",
            "Default Prevented",
        ],
        900,
    ),
    "flowers": (flowers, ["soil", "colour", "size", "Size", "species"], 720),
    "rents": (rents, ["agreed on", "rooms", "zip", "built", "type", "rent"], 546),
}
EXPECTED: dict[str, tuple[Task, tuple[str, ...], str | None]] = {
    "loans": ("classification", ("Loan No",), None),
    "flowers": ("classification", ("soil", "colour", "size", "Size"), None),
    "rents": ("regression", ("agreed on", "rooms", "zip", "built"), "month"),
}


def write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=";").writerows([header, *rows])
    return path


@pytest.mark.parametrize("name", TABLES)
def test_a_new_table_goes_through_the_whole_loop(tmp_path: Path, name: str) -> None:
    row, header, count = TABLES[name]
    dice = random.Random(11)
    table = write(
        tmp_path / f"{name}.csv", header, [row(dice, i) for i in range(count)]
    )
    settings = Settings(
        _env_file=None,
        home=tmp_path / "home",
        use_cases=tmp_path / "use_cases",
        commit="test",
    )  # type: ignore[call-arg]
    path = new_case(name, table, header[-1], settings.use_cases).path
    quick = path.read_text(encoding="utf-8").replace(
        "BoostedTrees()", "BoostedTrees(rounds=20)"
    )
    path.write_text(quick, encoding="utf-8")
    worked: list[BatchResult] = []
    with open_loop(name, settings).working("test") as loop:
        while one := run_batch(loop, lambda _: None):
            worked.append(one)
        assert_decided_as_expected(loop.case, name)
        assert len(worked) >= 6
        assert all(
            one.batch.state is BatchState.LOADED and one.batch.bad_rows == 0
            for one in worked
        )
        assert sum(one.batch.rows for one in worked) >= count - 10
        assert worked[0].decision.action is Action.TRAIN
        versions = loop.registry.versions(name)
        assert len(versions) == sum(one.training is not None for one in worked)
        assert loop.registry.alias(name, "champion") is not None


def assert_decided_as_expected(case: UseCase, name: str) -> None:
    task, identity, every = EXPECTED[name]
    assert (case.task, case.contract.identity) == (task, identity)
    assert isinstance(case.source, FileBatches)
    assert case.source.every == every
