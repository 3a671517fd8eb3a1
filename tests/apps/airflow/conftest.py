"""One real Airflow for all tests here: a chain of three batches, killed, interrupted, taken up again and ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.apps.airflow import flats_of_three_batches
from tests.apps.airflow.laptop import Laptop

QUIET_SECONDS = 8  # a run takes less to begin


@dataclass
class Story:
    """What was seen while it happened; the databases still tell the rest."""

    laptop: Laptop
    killed_run: str = ""
    run_by_hand_in_chain: str = ""
    processes_before_stop: list[str] = field(default_factory=list)
    processes_after_stop: list[str] = field(default_factory=list)
    stop_code: int = -1
    output: list[str] = field(default_factory=list)  # of each `up`
    runs_at_end: dict[str, str] = field(default_factory=dict)
    runs_after_waiting: dict[str, str] = field(default_factory=dict)
    run_by_hand_with_reason: str = ""


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    laptop = Laptop(tmp_path_factory.mktemp("laptop"))
    flats_of_three_batches.write(laptop.use_cases)
    story = Story(laptop)
    try:
        _first_up(story)
        _second_up(story)
        yield story
    finally:
        if laptop.process and laptop.process.poll() is None:
            laptop.tell(signal.SIGTERM)


def _first_up(story: Story) -> None:
    laptop = story.laptop
    laptop.up()
    pid_file = laptop.use_cases / "flats" / "training.pid"
    pid = laptop.until(
        "the first training says its process",
        lambda: pid_file.exists() and pid_file.read_text().strip(),
    )
    story.killed_run = next(iter(laptop.runs()))
    story.run_by_hand_in_chain = laptop.run_by_hand()
    os.kill(int(pid), signal.SIGKILL)
    laptop.until("batch 0 is trained at", lambda: laptop.says("batch 0 .* trained"))
    laptop.until("batch 1 is decided on", lambda: len(laptop.decided()) == 2)
    story.processes_before_stop = laptop.processes()
    story.stop_code = laptop.tell(signal.SIGINT)
    story.processes_after_stop = laptop.processes()
    story.output.append(laptop.output)


def _second_up(story: Story) -> None:
    laptop = story.laptop
    laptop.up()
    laptop.until("the end of data", lambda: laptop.says("all 3 batches are processed"))
    laptop.until(
        "all runs have ended",
        lambda: set(laptop.runs().values()) <= {"success", "failed"},
    )
    story.runs_at_end = laptop.runs()
    time.sleep(QUIET_SECONDS)
    story.runs_after_waiting = laptop.runs()
    story.run_by_hand_with_reason = laptop.run_by_hand(
        reason="the agency has new rules"
    )
    laptop.until(
        "the wish is carried out", lambda: laptop.says("the agency has new rules")
    )
    laptop.until(
        "the chain ends again",
        lambda: set(laptop.runs().values()) <= {"success", "failed"},
    )
    laptop.tell(signal.SIGTERM)
    story.output.append(laptop.output)


@pytest.fixture(scope="session")
def read_dags(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The DAGs as Airflow finds them in a folder of use cases, read in a process that may open no connection."""
    home = tmp_path_factory.mktemp("airflow")

    def read(use_cases: Path) -> dict[str, Any]:
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RELEVO_", "AIRFLOW"))
        }
        done = subprocess.run(
            [sys.executable, str(Path(__file__).parent / "read_dags.py")],
            env=env | {"AIRFLOW_HOME": str(home), "RELEVO_USE_CASES": str(use_cases)},
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return read
