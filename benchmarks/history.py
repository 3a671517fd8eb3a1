"""Ingest, prepare and decide for one batch, with a hundred times the history against a short one."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
from relevo_data_api.streams.king_county import KingCounty

from benchmarks.measure import Figure, report
from relevo.app import Loop
from relevo.bootstrap import load_use_case
from relevo.domain.arrival import SourceResponse
from relevo.domain.policy import Policy
from relevo.loop.run_batch import run_batch
from relevo.settings import Settings
from tests.servers.postgres import running_postgres

SHORT, LONG, MEASURED = 5, 500, 5
ROWS = 400


class Endless:
    """The same sales again and again, each time at other addresses."""

    name = "endless"
    can_repeat = True
    can_restart = False

    def __init__(self) -> None:
        self._rows = [
            msgspec.to_builtins(row) for chunk in KingCounty().rows(0) for row in chunk
        ][:ROWS]

    @contextmanager
    def next(self, after: int | None) -> Iterator[SourceResponse | None]:
        number = 0
        if after is not None:
            number = after + 1
        rows = [{**row, "street": row["street"] + 1e10 * number} for row in self._rows]
        body = {"group_number": 1, "batch_number": number, "data": rows}
        yield SourceResponse("json", [msgspec.json.encode(body)])

    repeat = next

    def restart(self) -> None:
        """Nothing moves."""


def one_batch(loop: Loop) -> float:
    started = time.perf_counter()
    run_batch(loop, lambda _: None)
    return time.perf_counter() - started


def main() -> None:
    case = load_use_case("house_prices", Settings())
    case = replace(case, policy=Policy(triggers=("first",)))
    with tempfile.TemporaryDirectory() as home, running_postgres() as server:
        loop = Loop(case, Settings(home=Path(home), warehouse_url=server.url))
        loop.source = Endless()
        with loop.working("benchmark"):
            one_batch(loop)  # trains the champion
            first = [one_batch(loop) for _ in range(SHORT + MEASURED)][-MEASURED:]
            last = [one_batch(loop) for _ in range(LONG + MEASURED)][-MEASURED:]
    now, then = statistics.median(last), statistics.median(first)
    report(
        "history",
        [
            Figure(
                f"seconds a batch, after {LONG} batches against after {SHORT}",
                now,
                then,
                "s",
                "flat",
            )
        ],
    )


if __name__ == "__main__":
    main()
