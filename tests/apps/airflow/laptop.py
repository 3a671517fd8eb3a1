"""A real `relevo up`, seen as its user sees it: its output, its processes, Airflow's API and the databases."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

DAG = "continuous_training_flats"


class Laptop:
    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.use_cases = (
            folder,
            folder / "home",
            folder / "use_cases",
        )
        self.ports = dict(
            zip(
                ("DATA_API", "MLFLOW", "API", "AIRFLOW", "UI"),
                free_ports(5),
                strict=True,
            )
        )
        self.started = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RELEVO_", "AIRFLOW"))
        }
        return kept | {
            "RELEVO_HOME": str(self.home),
            "RELEVO_USE_CASES": str(self.use_cases),
            "RELEVO_COMMIT": "test",
            **{f"RELEVO_{name}_PORT": str(port) for name, port in self.ports.items()},
            "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
            "COLUMNS": "200",
        }

    def up(self) -> None:
        self.started += 1
        with self.output_file.open("wb") as output:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).parent / "relevo"), "up"],
                cwd=self.folder,
                env=self.env,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output_file(self) -> Path:
        return self.folder / f"up-{self.started}.txt"

    @property
    def output(self) -> str:
        return self.output_file.read_text()

    def tell(self, what: signal.Signals, within: float = 40) -> int:
        """Send a signal and wait for the end; the exit code."""
        assert self.process is not None
        self.process.send_signal(what)
        return self.process.wait(timeout=within)

    def until(self, what: str, true: Callable[[], Any], within: float = 300) -> Any:
        """Wait for something; what was printed is in the error where it does not come."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            found = true()
            if found:
                return found
            assert self.process is None or self.process.poll() is None, (
                f"`relevo up` has ended:\n{self.output}"
            )
            time.sleep(0.3)
        raise AssertionError(
            f"waited {within} s in vain until {what}; printed:\n{self.output}"
        )

    def says(self, pattern: str) -> bool:
        return re.search(pattern, self.output) is not None

    def run_by_hand(self, **conf: str) -> str:
        """Start a run as a person does in Airflow; its id."""
        run = self._api(
            f"/api/v2/dags/{DAG}/dagRuns", {"logical_date": None, "conf": conf}
        )
        return str(run["dag_run_id"])

    def _api(self, path: str, body: dict[str, Any] | None = None) -> Any:
        base = f"http://127.0.0.1:{self.ports['AIRFLOW']}"
        token = json.load(urllib.request.urlopen(f"{base}/auth/token"))["access_token"]
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        }
        request = urllib.request.Request(
            f"{base}{path}", json.dumps(body).encode() if body else None, headers
        )
        return json.load(urllib.request.urlopen(request))

    def runs(self, dag: str = DAG) -> dict[str, str]:
        """Run id to state, in order of starting."""
        return dict(
            self.ask(
                "airflow/airflow.db",
                f"SELECT run_id, state FROM dag_run WHERE dag_id = '{dag}' ORDER BY id",
            )
        )

    def tasks(self, run: str) -> dict[str, tuple[str, int]]:
        """Task to its state and number of tries."""
        found = self.ask(
            "airflow/airflow.db",
            f"SELECT task_id, state, try_number FROM task_instance WHERE dag_id = '{DAG}' AND run_id = '{run}'",
        )
        return {task: (state, tries) for task, state, tries in found}

    def decided(self) -> list[tuple[int, str, str]]:
        """Batch, action and the reason a person gave."""
        return self.ask(
            "warehouse.db",
            "SELECT b.number, d.action, COALESCE(r.reason, '') FROM audit__decisions d JOIN audit__batches b "
            "ON b.id = d.batch_id LEFT JOIN audit__training_requests r ON r.decision_id = d.id ORDER BY d.id",
        )

    def ask(self, database: str, query: str) -> list[Any]:
        if not (self.home / database).exists():
            return []
        connection = sqlite3.connect(
            f"file:{self.home / database}?mode=ro", uri=True, timeout=20
        )
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise
        finally:
            connection.close()

    def processes(self) -> list[str]:
        """Command lines of all living processes that work for this home."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if (
                    entry.name.isdecimal()
                    and str(self.home).encode() in (entry / "environ").read_bytes()
                ):
                    found.append(
                        (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    )
            except OSError:
                continue
        return [
            line for line in found if line
        ]  # a dead one that nobody reaps has no command line


def free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [listener.getsockname()[1] for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()
