"""A use case of three small files, whose first training waits to be killed; and one that is broken."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

BATCHES, ROWS = 3, 250
COLUMNS = ("flat", "city", "size", "rent")

USE_CASE = '''
import os
import time
from pathlib import Path

from relevo.domain.contract import Contract, category, number
from relevo.domain.policy import Policy
from relevo.domain.use_case import FileBatches, UseCase
from relevo.learning.candidates import LinearBaseline

HERE = Path(__file__).parent


class WaitsToBeKilled:
    """The first time it is fitted it only says which process it is in."""

    name = "linear"

    def fit(self, *arguments, **options):
        said = HERE / "training.pid"
        if not said.exists():
            said.write_text(str(os.getpid()))
            time.sleep(300)
        return LinearBaseline().fit(*arguments, **options)


CASE = UseCase(
    name="flats",
    contract=Contract(
        target="rent",
        identity=("flat",),
        columns=(
            number("flat"),
            category("city"),
            number("size", low=1, high=1000),
            number("rent", low=1, high=100_000),
        ),
    ),
    features=("city", "size"),
    candidates=(WaitsToBeKilled(),),
    log_target=True,
    policy=Policy(triggers=("first", "rows", "person")),
    source=FileBatches("batches"),
)
'''


def rows(batch: int) -> list[tuple[str, ...]]:
    """Flats whose rent follows their size and city; each batch holds one row twice."""
    rng = np.random.default_rng(batch)
    size = rng.uniform(20, 160, ROWS).round(1)
    city = rng.choice(["Cali", "Pasto"], ROWS)
    rent = (size * np.where(city == "Cali", 12, 8) * rng.lognormal(0, 0.1, ROWS)).round(
        2
    )
    made = [
        (str(float(batch * ROWS + i)), str(city[i]), str(size[i]), str(rent[i]))
        for i in range(ROWS)
    ]
    made[8] = made[7]
    return made


def write(use_cases: Path) -> None:
    folder = use_cases / "flats"
    (folder / "batches").mkdir(parents=True)
    (folder / "use_case.py").write_text(USE_CASE)
    for batch in range(BATCHES):
        with (folder / "batches" / f"{batch:03}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *rows(batch)])
    (use_cases / "broken").mkdir()
    (use_cases / "broken" / "use_case.py").write_text(
        "raise RuntimeError('no such column')\n"
    )
