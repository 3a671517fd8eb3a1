"""Real house sales as files, a few cells of them broken as tables from people are.

Beside them a use case without rows, and one whose estimator has no exact
explanation, and whose other candidate fails.
"""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec
from relevo_data_api.streams.king_county import KingCounty

ORIGINALS = Path(__file__).parents[3] / "use_cases"
USE_CASE = """\
from dataclasses import replace
from pathlib import Path

from relevo.bootstrap import load_use_case
from relevo.domain.use_case import FileBatches
from relevo.learning.candidates import BoostedTrees, SklearnEstimator
from relevo.settings import Settings


def tree():
    from sklearn.tree import DecisionTreeRegressor

    return DecisionTreeRegressor(max_depth=4)


def broken():
    raise ValueError("no such estimator")


ORIGINAL = load_use_case("house_prices", Settings(use_cases=Path({originals!r})))
FILES, CANDIDATES = FileBatches("batches"), ({candidates},)
CASE = replace(
    ORIGINAL, name={name!r}, title={title!r}, source=FILES, candidates=CANDIDATES, dialect=None
)
"""
# name -> title, candidates; one alone is not cross-validated, which takes long
USE_CASES = {
    "house_prices": ("House prices", "BoostedTrees()"),
    "house_rents": ("House rents", "BoostedTrees()"),
    "tree_prices": (
        "Tree prices",
        "SklearnEstimator(tree), SklearnEstimator(broken, 'broken')",
    ),
}
TREE_ROWS = 600
BROKEN = {  # batch -> every so many rows, column, what stands there
    3: (160, "bed", "three"),
    5: (110, "price", "-1"),
    9: (45, "house_size", "0"),
    10: (290, "zip_code", "981O3"),
    12: (36, "bath", "two and a half"),
}


def write_use_cases(folder: Path) -> None:
    for name, (title, candidates) in USE_CASES.items():
        (folder / name / "batches").mkdir(parents=True)
        (folder / name / "use_case.py").write_text(
            USE_CASE.format(
                originals=str(ORIGINALS), name=name, title=title, candidates=candidates
            )
        )
    sales = KingCounty()
    for number in range(len(sales.sizes)):
        rows = [
            msgspec.structs.asdict(row) for chunk in sales.rows(number) for row in chunk
        ]
        if number == 0:
            write_batch(folder / "tree_prices", number, rows[:TREE_ROWS])
        if number in BROKEN:
            every, column, value = BROKEN[number]
            for row in rows[::every]:
                row[column] = value
        write_batch(folder / "house_prices", number, rows)


def write_batch(folder: Path, number: int, rows: list[dict[str, object]]) -> None:
    with (folder / "batches" / f"{number:02}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def sold_houses(many: int) -> list[tuple[dict[str, object], float]]:
    """What is asked about a house, and what it was sold for."""
    wanted = ("bed", "bath", "acre_lot", "city", "state", "zip_code", "house_size")
    rows = [msgspec.structs.asdict(row) for row in next(iter(KingCounty().rows(11)))][
        :: max(1, 2231 // many)
    ][:many]
    return [({name: row[name] for name in wanted}, float(row["price"])) for row in rows]
