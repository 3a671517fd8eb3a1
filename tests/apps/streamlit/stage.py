"""The real thing on a laptop: a loop that has run, MLflow, the API of prod and of dev, the UI; each a process of its own."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from relevo.local.programs import mlflow
from relevo.settings import Settings
from tests.apps.streamlit.houses import sold_houses, write_use_cases
from tests.servers import free_port

TOKEN, KEY = "open-sesame", "only-we-may-ask"
CASE = "house_prices"
PREDICTIONS, LABELLED = 90, 60
SERVERS = ("mlflow", "prod", "dev", "ui")
NOWHERE = "postgresql://relevo@127.0.0.1:9/relevo"
BIN = Path(sys.executable).parent


class Stage:
    """Programs by name; each may be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.ports = {
            name: free_port() for name in ("mlflow", "prod", "dev", "ui", "blind ui")
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    @property
    def env(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("RELEVO_")
        }
        return kept | {
            "RELEVO_HOME": str(self.home),
            "RELEVO_USE_CASES": str(self.folder / "use_cases"),
            "RELEVO_COMMIT": "3f2a9c41d07be6658c90",
            "OMP_WAIT_POLICY": "PASSIVE",
        }

    def prepare(self) -> None:
        write_use_cases(self.folder / "use_cases")
        self._run_loop(CASE)
        self._run_loop("tree_prices")
        for name in SERVERS:
            self.start(name)
        for name in SERVERS:
            self.wait(name)
        self._ask_and_label()

    def _run_loop(self, case: str) -> None:
        done = subprocess.run(
            [BIN / "relevo", "run", case],
            env=self.env,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout

    def start(self, name: str) -> None:
        tracking = {"RELEVO_TRACKING_URI": self.url("mlflow")}
        if name == "mlflow":
            program = mlflow(Settings(home=self.home, mlflow_port=self.ports["mlflow"]))
            command, more = list(program.command), dict(program.env)
        elif name.endswith("ui"):
            apis = json.dumps({one: self.url(one) for one in ("prod", "dev")})
            command = [str(BIN / "relevo-ui")]
            more = {
                "RELEVO_UI_PORT": str(self.ports[name]),
                "RELEVO_UI_APIS": apis,
                **tracking,
            }
            more["RELEVO_UI_API_KEY"] = KEY
            more |= {"RELEVO_WAREHOUSE_URL": NOWHERE} if name == "blind ui" else {}
        else:
            command, more = (
                [str(BIN / "relevo-inference-api")],
                {**self._api(name), **tracking},
            )
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command, env=self.env | more, cwd=self.folder, stdout=log, stderr=log
            )

    def _api(self, environment: str) -> dict[str, str]:
        return {
            "RELEVO_API_CASES": f"{CASE},house_rents,tree_prices",
            "RELEVO_API_ALIAS": "champion" if environment == "prod" else "challenger",
            "RELEVO_API_ENVIRONMENT": environment,
            "RELEVO_API_PORT": str(self.ports[environment]),
            "RELEVO_API_TOKEN": TOKEN,
            "RELEVO_API_KEY": KEY,
            "RELEVO_API_POLL_SECONDS": "1",
            "RELEVO_API_STATE_DIR": str(self.folder / environment),
        }

    def wait(self, name: str, seconds: float = 180) -> None:
        path = (
            "/_stcore/health"
            if name.endswith("ui")
            else {"mlflow": "/health"}.get(name, "/ready")
        )
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self._running[name].poll() is None, self.said(name)
            try:
                if httpx.get(self.url(name) + path, timeout=2).is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.2)
        raise AssertionError(f"{name} is not ready:\n{self.said(name)}")

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]

    def stop(self, name: str) -> None:
        process = self._running.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop_all(self) -> None:
        for name in list(self._running):
            self.stop(name)

    def _ask_and_label(self) -> None:
        """Real answers to real houses, and for most of them what they were sold for."""
        with httpx.Client(
            base_url=self.url("prod"), timeout=20, headers={"X-API-Key": KEY}
        ) as client:
            labels = []
            for house, price in sold_houses(PREDICTIONS):
                answer = client.post(f"/v1/{CASE}/predict", json=house)
                assert answer.status_code == 200, answer.text
                labels.append({"receipt": answer.json()["receipt"], "truth": price})
            self._until_logged(PREDICTIONS)
            said = {"Authorization": f"Bearer {TOKEN}"}
            given = client.post(
                f"/v1/{CASE}/labels", json=labels[:LABELLED], headers=said
            )
            assert given.json() == {"accepted": LABELLED}, given.text
        self._spread_over_the_hour()

    def _until_logged(self, many: int, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while (
            self._database()
            .execute("SELECT count(*) FROM predictions__log")
            .fetchone()[0]
            < many
        ):
            assert time.monotonic() < deadline, self.said("prod")
            time.sleep(0.2)

    def _spread_over_the_hour(self) -> None:
        """As if they had been asked one after the other in the last hour, busier towards its end."""
        database = self._database()
        receipts = [
            row[0]
            for row in database.execute(
                "SELECT receipt FROM predictions__log ORDER BY at"
            )
        ]
        for place, receipt in enumerate(receipts):
            back = timedelta(
                minutes=54 * (1 - ((place + 1) / len(receipts)) ** 0.8)
            ) + timedelta(seconds=20)
            at = (datetime.now(UTC) - back).strftime("%Y-%m-%d %H:%M:%S.%f")
            database.execute(
                "UPDATE predictions__log SET at = ? WHERE receipt = ?", (at, receipt)
            )
        database.commit()

    def _database(self) -> sqlite3.Connection:
        return sqlite3.connect(self.home / "warehouse.db", timeout=20)
