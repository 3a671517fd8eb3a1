"""A worker that hangs in the middle of something, to be killed there: `python -m tests.contract.warehouse_child URL WHAT`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from relevo.adapters.sql.warehouse import SqlWarehouse
from relevo.domain.arrival import BatchSummary, RawChunk
from tests.contract.flats import FLATS, SOURCE, record_batch

READY = "ready"


def hang() -> None:
    print(READY, flush=True)
    time.sleep(60)


def chunks() -> Iterator[RawChunk]:
    for first in range(0, 40, 4):
        yield RawChunk(first, record_batch(), [])
    hang()


def main() -> None:
    url, what = sys.argv[1:]
    warehouse = SqlWarehouse(url)
    with warehouse.lease(FLATS.name, "the killed one"):
        if what == "load":
            attempt = warehouse.attempts.open(FLATS.name, SOURCE)
            warehouse.batches.load(
                FLATS, attempt, chunks(), lambda: BatchSummary(0, 40, 0, "", ""), due=0
            )
        hang()


if __name__ == "__main__":
    main()
