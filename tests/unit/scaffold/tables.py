"""Small tables as people bring them, and what the loop makes of them."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from relevo.app import Loop
from relevo.bootstrap import load_use_case
from relevo.domain.arrival import BadCell
from relevo.domain.use_case import UseCase
from relevo.formats import read_rows
from relevo.scaffold import NewCase, new_case
from relevo.settings import Settings

Row = Sequence[object]


@dataclass(frozen=True, slots=True)
class Made:
    """A new use case, loaded, with what reading all its batches gave."""

    case: UseCase
    report: str
    text: str
    batches: list[int]  # rows of each
    bad: list[BadCell]


def settings_in(folder: Path) -> Settings:
    values = {
        "home": folder / "home",
        "use_cases": folder / "use_cases",
        "commit": "test",
    }
    return Settings(_env_file=None, **values)  # type: ignore[arg-type,call-arg]


def write(
    path: Path,
    header: Row,
    rows: Sequence[Row],
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> Path:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(header)
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def make(folder: Path, table: Path, target: str, name: str = "case") -> Made:
    """The use case of a table, and its batches read as the loop would."""
    settings = settings_in(folder)
    new: NewCase = new_case(name, table, target, settings.use_cases)
    case = load_use_case(name, settings)
    source = Loop(case, settings).source
    batches, bad, number = [], list[BadCell](), None
    while True:
        with source.next(number) as answer:
            if answer is None:
                return Made(
                    case,
                    "\n".join(new.report),
                    new.path.read_text(encoding="utf-8"),
                    batches,
                    bad,
                )
            body = io.BytesIO(b"".join(answer.chunks))
            number = answer.number
        reading = read_rows(body, answer.format, case.contract, number)
        for chunk in reading:
            bad += chunk.bad
        batches.append(reading.facts().rows)


def columns(
    count: int, *makers: Callable[[random.Random, int], object]
) -> list[list[object]]:
    """Rows with a cell from each maker."""
    dice = random.Random(7)
    return [[maker(dice, i) for maker in makers] for i in range(count)]


def day(i: int, rows_a_day: int = 5) -> date:
    return date(2023, 1, 2) + timedelta(days=i // rows_a_day)


def some(*values: object) -> Callable[[random.Random, int], object]:
    return lambda dice, _: dice.choice(values)


def noise(dice: random.Random, _: int) -> object:
    return round(dice.gauss(0, 1), 4)
