"""What the loop adds over the bare training call: all steps of a batch against choosing and fitting on the same rows."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.campaign_server import campaign_server
from benchmarks.measure import Figure, report
from relevo.app import Loop
from relevo.bootstrap import load_use_case
from relevo.domain.identity import Split
from relevo.learning.choose import choose
from relevo.loop.run_batch import run_batch
from relevo.settings import Settings
from tests.servers.postgres import running_postgres


def main() -> None:
    case = load_use_case("house_prices", Settings())
    with (
        tempfile.TemporaryDirectory() as home,
        running_postgres() as server,
        campaign_server() as url,
    ):
        loop = Loop(
            case,
            Settings(
                home=Path(home),
                warehouse_url=server.url,
                source_url=url,
                source_group=2,
            ),
        )
        with loop.working("benchmark"):
            run_batch(loop, lambda _: None)  # imports, first tables, first champion
            started = time.perf_counter()
            run_batch(loop, lambda _: None)
            ours = time.perf_counter() - started
        ids = [batch.id for batch in loop.warehouse.batches.of(case.name)]
        train, validation = (
            loop.warehouse.rows.frame(case, ids, [split])
            for split in (Split.TRAIN, Split.VALIDATION)
        )
        started = time.perf_counter()
        choose(
            case.candidates,
            train,
            validation,
            case.policy.seed,
            log_target=case.log_target,
        )
        bare = time.perf_counter() - started
    report(
        "overhead",
        [
            Figure(
                "seconds, a batch of 94,551 rows with its training",
                ours,
                bare,
                "s",
                "ratio under 1.15",
            )
        ],
    )


if __name__ == "__main__":
    main()
