"""Real house sales as files, a few cells of them broken as tables from people are; and a use case that has no rows yet."""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec
from relevo_data_api.streams.king_county import KingCounty

ORIGINAL = Path(__file__).parents[3] / "use_cases" / "house_prices" / "use_case.py"
USE_CASE = """\
import runpy
from dataclasses import replace

from relevo.domain.use_case import FileBatches
from relevo.learning.candidates import BoostedTrees

ORIGINAL = runpy.run_path({original!r})["CASE"]
FILES, ONE = FileBatches("batches"), (BoostedTrees(),)  # one candidate, so that nothing is cross-validated
CASE = replace(ORIGINAL, name={name!r}, title={title!r}, source=FILES, candidates=ONE)
"""
BROKEN = {  # batch -> every so many rows, column, what stands there
    3: (160, "bed", "three"),
    5: (110, "price", "-1"),
    9: (45, "house_size", "0"),
    10: (290, "zip_code", "981O3"),
    12: (36, "bath", "two and a half"),
}


def write_use_cases(folder: Path) -> None:
    for name, title in (
        ("house_prices", "House prices"),
        ("house_rents", "House rents"),
    ):
        (folder / name / "batches").mkdir(parents=True)
        (folder / name / "use_case.py").write_text(
            USE_CASE.format(original=str(ORIGINAL), name=name, title=title)
        )
    sales = KingCounty()
    for number in range(len(sales.sizes)):
        rows = [
            msgspec.structs.asdict(row) for chunk in sales.rows(number) for row in chunk
        ]
        if number in BROKEN:
            every, column, value = BROKEN[number]
            for row in rows[::every]:
                row[column] = value
        with (folder / "house_prices" / "batches" / f"{number:02}.csv").open(
            "w", newline=""
        ) as file:
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
