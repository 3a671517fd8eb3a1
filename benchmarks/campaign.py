"""The whole campaign end to end, 1,084,909 rows in six batches, against the classic way to build it.

Ours is `relevo run` with PostgreSQL and the default policy: ingest, contract, decisions, trainings, contests, publishing.
The classic way is benchmarks/classic.py: pandas frames from end to end, one-hot and linear regression, the classic rule.
Memory is the peak of the process itself; both use a PostgreSQL beside them.
"""

from __future__ import annotations

import tempfile

from benchmarks.campaign_server import campaign_server
from benchmarks.measure import Cost, Figure, report, run
from tests.servers.postgres import running_postgres


def ours() -> Cost:
    with (
        tempfile.TemporaryDirectory() as home,
        running_postgres() as server,
        campaign_server() as url,
    ):
        settings = {
            "HOME": home,
            "WAREHOUSE_URL": server.url,
            "SOURCE_URL": url,
            "SOURCE_GROUP": "2",
        }
        env = {f"RELEVO_{key}": value for key, value in settings.items()}
        return run(
            ["-c", "from relevo.cli import main; main()", "run", "house_prices"], env
        )


def classic() -> Cost:
    with running_postgres() as server, campaign_server() as url:
        return run(
            [
                "-m",
                "benchmarks.classic",
                url,
                server.url.replace("postgresql:", "postgresql+psycopg2:"),
            ]
        )


def main() -> None:
    relevo = ours()
    print(
        f"{relevo.output}\nrelevo: {relevo.seconds:.0f} s, {relevo.peak_mb:.0f} MB; now the classic way",
        flush=True,
    )
    beside = classic()
    report(
        "campaign",
        [
            Figure(
                "seconds, end to end",
                relevo.seconds,
                beside.seconds,
                "s",
                "a fifth of the best public system's 390 s",
            ),
            Figure("peak memory", relevo.peak_mb, beside.peak_mb, "MB", "under 700 MB"),
        ],
    )


if __name__ == "__main__":
    main()
