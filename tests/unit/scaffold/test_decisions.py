"""What is decided about a table, and that the reason is said."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from relevo.domain.kinds import Kind
from relevo.domain.use_case import FileBatches
from relevo.scaffold import new_case
from relevo.scaffold.sample import estimated_distinct
from tests.unit.scaffold.tables import (
    Made,
    columns,
    day,
    make,
    noise,
    settings_in,
    some,
    write,
)


def cut_of(made: Made) -> FileBatches:
    assert isinstance(made.case.source, FileBatches)
    return made.case.source


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["cat", "dog"], "classification"),
        (["true", "false"], "classification"),
        (["0", "1"], "classification"),
        (["0.0", "1.0"], "classification"),
        (["3", "4", "5", "6", "7", "8"], "classification"),
        ([str(i) for i in range(12)], "regression"),
        (["100000", "250000", "300000"], "regression"),
        (["1.5", "2.5", "3.5"], "regression"),
    ],
)
def test_the_task_follows_from_the_target(
    tmp_path: Path, values: list[str], task: str
) -> None:
    made = make(
        tmp_path,
        write(tmp_path / "t.csv", ["a", "y"], columns(300, noise, some(*values))),
        "y",
    )
    assert made.case.task == task
    assert not made.bad


def test_the_task_can_be_asked_for(tmp_path: Path) -> None:
    table = write(
        tmp_path / "t.csv", ["a", "y"], columns(300, noise, some("3", "4", "5"))
    )
    new_case("case", table, "y", settings_in(tmp_path).use_cases, task="regression")
    assert "classification" not in (tmp_path / "use_cases/case/use_case.py").read_text()


@pytest.mark.parametrize(
    ("price", "logged"),
    [
        (lambda dice, _: round(dice.lognormvariate(12, 1)), True),
        (lambda dice, _: round(dice.gauss(100, 10), 2), False),
        (lambda dice, _: round(dice.lognormvariate(3, 1)) - 5, False),
    ],
)
def test_a_long_tailed_positive_target_is_learned_as_a_logarithm(
    tmp_path: Path, price: object, logged: bool
) -> None:
    table = write(tmp_path / "t.csv", ["a", "y"], columns(400, noise, price))  # type: ignore[arg-type]
    made = make(tmp_path, table, "y")
    assert made.case.log_target is logged
    assert (made.case.contract["y"].low == 1.0) is logged
    assert made.case.contract["y"].kind is Kind.NUMBER


def test_a_target_with_gaps_is_kept_and_said(tmp_path: Path) -> None:
    made = make(
        tmp_path,
        write(tmp_path / "t.csv", ["a", "y"], columns(300, noise, some("x", "z", ""))),
        "y",
    )
    assert made.case.contract["y"].nullable
    assert "rows have no y" in made.report
    assert not made.bad


def test_a_rare_class_is_said(tmp_path: Path) -> None:
    rows = [*columns(300, noise, some("x", "z")), [1, "odd"], [2, "odd"]]
    assert (
        "rare classes, with fewer than 5 rows: odd"
        in make(tmp_path, write(tmp_path / "t.csv", ["a", "y"], rows), "y").report
    )


@pytest.mark.parametrize(
    ("header", "cell", "identity"),
    [
        ("id", lambda _, i: i, ("id",)),
        ("customerId", lambda dice, _: dice.randint(1, 150), ("customerId",)),
        ("token", lambda dice, i: f"{i:04x}-{dice.randint(0, 9)}", ("token",)),
        ("n", lambda _, i: 500 + i, ("n",)),
        ("store_id", lambda dice, _: dice.randint(1, 5), ("store_id", "b", "c")),
        (
            "income",
            lambda dice, _: dice.randint(10_000, 10_000_000),
            ("income", "b", "c"),
        ),
    ],
)
def test_identity_is_an_id_or_else_all_columns(
    tmp_path: Path, header: str, cell: object, identity: tuple[str, ...]
) -> None:
    rows = columns(400, cell, noise, some("u", "v"), noise)  # type: ignore[arg-type]
    made = make(tmp_path, write(tmp_path / "t.csv", [header, "b", "c", "y"], rows), "y")
    assert made.case.contract.identity == identity
    assert made.case.features == (("b", "c") if len(identity) == 1 else identity)


def test_columns_that_say_nothing_are_no_features(tmp_path: Path) -> None:
    makers = [
        some(""),
        some("same"),
        lambda _, i: f"a text number {i} of its own",
        some("u", "v"),
        noise,
    ]
    made = make(
        tmp_path,
        write(tmp_path / "t.csv", ["e", "c", "t", "b", "y"], columns(300, *makers)),
        "y",
    )
    assert made.case.features == ("b",)
    for said in ("e (empty)", "c (the same in all rows)", "t (free text)"):
        assert said in made.report


def test_columns_that_give_the_target_away_are_kept_out(tmp_path: Path) -> None:
    dice = random.Random(1)
    rows = [
        [
            y := round(dice.lognormvariate(8, 1), 2),
            round(y * 1.19, 2),
            "low" if y < 3000 else "high",
            dice.random(),
        ]
        for _ in range(400)
    ]
    table = write(tmp_path / "t.csv", ["net", "gross", "band", "b"], rows)
    prices = make(tmp_path, table, "net", "prices")
    assert prices.case.features == ("band", "b")
    assert "SUSPECT gross: it rises and falls with the target" in prices.report
    bands = make(tmp_path, table, "band", "bands")
    assert bands.case.features == ("b",)
    assert "SUSPECT net: it fixes the class" in bands.report


def test_a_single_column_that_fixes_the_target_is_kept(tmp_path: Path) -> None:
    table = write(
        tmp_path / "t.csv", ["x", "y"], [[i % 91 / 7, 2 * (i % 91)] for i in range(300)]
    )
    assert make(tmp_path, table, "y").case.features == ("x",)


def test_chance_gives_nothing_away(tmp_path: Path) -> None:
    makers = (
        [noise] * 5
        + [some(*range(40))] * 5
        + [lambda dice, _: dice.randint(0, 120)] * 5
    )
    for rare in (2, 8, 200):
        rows = columns(400, *makers, lambda _, i, rare=rare: i % 400 < rare)  # type: ignore[misc]
        random.Random(2).shuffle(rows)
        made = make(
            tmp_path,
            write(tmp_path / "t.csv", [*(f"c{i}" for i in range(15)), "y"], rows),
            "y",
            f"case{rare}",
        )
        assert "SUSPECT" not in made.report


@pytest.mark.parametrize(
    ("rows", "rows_a_day", "every", "batches"),
    [
        (2000, 5, "month", 14),
        (600, 10, "week", 9),
        (600, 60, "day", 10),
        (600, 1, None, 10),
        (300, 200, None, 6),
    ],
)
def test_batches_follow_the_date_where_its_periods_are_full_enough(
    tmp_path: Path, rows: int, rows_a_day: int, every: str | None, batches: int
) -> None:
    made_rows = columns(rows, lambda _, i: day(i, rows_a_day), noise, noise)
    made = make(tmp_path, write(tmp_path / "t.csv", ["date", "b", "y"], made_rows), "y")
    assert cut_of(made).every == every
    assert len(made.batches) == batches
    assert sum(made.batches) >= rows - 10
    assert "date" not in made.case.features


def test_dates_of_birth_order_nothing_and_may_be_a_feature(tmp_path: Path) -> None:
    rows = columns(900, lambda dice, _: day(dice.randint(0, 900)), noise, noise)
    made = make(
        tmp_path, write(tmp_path / "t.csv", ["birth_date", "b", "y"], rows), "y"
    )
    assert cut_of(made).by is None
    assert made.case.features == ("birth_date", "b")


def test_a_second_date_that_moves_with_the_first_is_no_feature(tmp_path: Path) -> None:
    rows = columns(
        900,
        lambda _, i: day(i),
        lambda dice, i: day(i + dice.randint(0, 30)),
        noise,
        noise,
    )
    made = make(
        tmp_path, write(tmp_path / "t.csv", ["sold", "paid", "b", "y"], rows), "y"
    )
    assert cut_of(made).by == "sold"
    assert "paid (moves with time)" in made.report


def test_rows_sorted_by_class_are_not_cut_so_that_a_batch_knows_one_class(
    tmp_path: Path,
) -> None:
    rows = sorted(columns(150, noise, some("a", "b", "c")), key=lambda row: str(row[1]))
    made = make(tmp_path, write(tmp_path / "t.csv", ["x", "y"], rows), "y")
    assert made.batches == [150]
    assert "shuffle the file" in made.report


@pytest.mark.parametrize("rows", [60, 150, 501, 999, 1234, 5003])
def test_batches_by_rows_leave_few_rows_waiting(tmp_path: Path, rows: int) -> None:
    made = make(
        tmp_path,
        write(tmp_path / "t.csv", ["x", "y"], columns(rows, noise, noise)),
        "y",
    )
    assert rows - sum(made.batches) <= 8
    assert min(made.batches) >= 50
    assert len(made.batches) == min(max(rows // 50, 1), len(made.batches)) <= 10
    assert ("wait for a full batch" in made.report) is (rows > sum(made.batches))


def test_tomorrows_honest_row_fits_the_ranges(tmp_path: Path) -> None:
    makers = [
        lambda dice, _: dice.randint(0, 90),
        lambda dice, _: round(dice.gauss(0, 5), 2),
        noise,
    ]
    made = make(
        tmp_path,
        write(tmp_path / "t.csv", ["age", "change", "y"], columns(300, *makers)),
        "y",
    )
    age, change = made.case.contract["age"], made.case.contract["change"]
    assert (age.low, age.high) == (0, 1000)
    assert change.low == -(change.high or 0)
    assert (change.high or 0) >= 100


@pytest.mark.parametrize("distinct", [50, 3_000, 400_000])
def test_values_in_all_rows_are_counted_from_a_sample(distinct: int) -> None:
    every = np.random.default_rng(1).integers(0, distinct, 1_000_000)
    sample = every[::20]
    estimated = estimated_distinct(len(np.unique(sample)), len(sample), len(every))
    assert estimated == pytest.approx(len(np.unique(every)), rel=0.05)
