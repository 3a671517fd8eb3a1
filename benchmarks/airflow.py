"""What Airflow adds to a batch: the chain of house sales under `relevo up` against `relevo run`, the same 13 batches.

Under Airflow it is the time from the first run's start to the last batch's end, so that scheduling, task starts and the
trigger of the next run are in it. Without Airflow it is the same for one process.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.campaign_server import campaign_server
from benchmarks.measure import Figure, report, run
from tests.apps.airflow.laptop import Laptop

BATCHES = 13
DAG = "continuous_training_house_prices"
SPAN = f"""SELECT (julianday(max(end_date)) - julianday(min(start_date))) * 86400 FROM task_instance
WHERE dag_id = '{DAG}' AND state = 'success'"""


def with_airflow(folder: Path) -> float:
    laptop = Laptop(folder)
    laptop.use_cases.symlink_to(Path("use_cases").resolve())
    laptop.up()
    assert laptop.process is not None
    try:
        laptop.until(
            "all batches are worked off",
            lambda: laptop.says(f"all {BATCHES} batches are worked off"),
            900,
        )
        return float(laptop.ask("airflow/airflow.db", SPAN)[0][0])
    finally:
        laptop.process.terminate()
        laptop.process.wait(timeout=60)


def without(folder: Path) -> float:
    """One process; its start-up, which Airflow's tasks share too, is taken off."""
    with campaign_server() as url:
        env = {"RELEVO_HOME": str(folder / "run"), "RELEVO_SOURCE_URL": url}
        empty = run(
            ["-c", "from relevo.cli import main; main()", "status", "house_prices"], env
        ).seconds
        return (
            run(
                ["-c", "from relevo.cli import main; main()", "run", "house_prices"],
                env,
            ).seconds
            - empty
        )


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        ours, bare = with_airflow(folder) / BATCHES, without(folder) / BATCHES
    report(
        "airflow",
        [
            Figure(
                "seconds a batch, with Airflow against without",
                ours,
                bare,
                "s",
                "a few seconds more",
            )
        ],
    )


if __name__ == "__main__":
    main()
