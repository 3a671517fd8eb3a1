"""A private MariaDB, the database that MLflow stands on in the cluster; or the one in RELEVO_TEST_MARIADB_URL."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.servers import absent, free_port
from tests.servers.programs import Program, find_program, hand_over, unprivileged

FOLDERS = (
    "/usr/sbin",
    "/usr/bin",
    "/usr/local/opt/mariadb/bin",
    "/opt/homebrew/opt/mariadb/bin",
)
REMEDY = "apt-get install mariadb-server, or set RELEVO_TEST_MARIADB_URL"
FIRST_WORDS = """\
CREATE DATABASE mlflow CHARACTER SET utf8mb4;
CREATE USER 'mlflow'@'127.0.0.1' IDENTIFIED BY 'mlflow';
GRANT ALL ON mlflow.* TO 'mlflow'@'127.0.0.1';
"""


class MariaDB:
    def __init__(self, server: Path, installer: Path, home: Path) -> None:
        self._program, self._installer, self._home = server, installer, home
        self._user = unprivileged("mysql")
        self._port = free_port()
        self._server = Program(home, self._user)
        self.url = f"mysql+pymysql://mlflow:mlflow@127.0.0.1:{self._port}/mlflow"

    @property
    def socket(self) -> Path:
        """Where `root` gets in, without a password."""
        return self._home / "socket"

    def create(self) -> None:
        hand_over(self._home, self._user)
        command = [
            self._installer,
            "--no-defaults",
            f"--datadir={self._home / 'data'}",
            "--skip-test-db",
        ]
        subprocess.run(
            [*command, "--auth-root-authentication-method=normal"],
            user=self._user, check=True, capture_output=True, cwd=self._home,
        )  # fmt: skip
        (self._home / "first.sql").write_text(FIRST_WORDS)

    def start(self) -> None:
        files = [f"--datadir={self._home / 'data'}", f"--socket={self.socket}"]
        network = [
            "--bind-address=127.0.0.1",
            f"--port={self._port}",
            "--skip-name-resolve",
        ]
        light = [
            "--innodb-buffer-pool-size=32M",
            "--innodb-flush-log-at-trx-commit=0",
            "--performance-schema=OFF",
        ]
        first = f"--init-file={self._home / 'first.sql'}"
        self._server.start(
            [self._program, "--no-defaults", *files, *network, *light, first],
            self._answers,
        )

    def stop(self) -> None:
        self._server.end(signal.SIGTERM)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


@contextmanager
def running_mariadb() -> Iterator[MariaDB]:
    server, installer = (
        find_program("mariadbd", *FOLDERS),
        find_program("mariadb-install-db", *FOLDERS),
    )
    if server is None or installer is None:
        absent("MariaDB", REMEDY)
    home = Path(tempfile.mkdtemp(prefix="relevo-mariadb-"))
    mariadb = MariaDB(server, installer, home)
    try:
        mariadb.create()
        mariadb.start()
        yield mariadb
    finally:
        mariadb.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """An empty database for one MLflow."""
    if find_spec("pymysql") is None:
        absent(
            "PyMySQL, MLflow's driver for MariaDB,",
            "add pymysql to the group dev in pyproject.toml",
        )
    if given := os.environ.get("RELEVO_TEST_MARIADB_URL"):
        yield given
        return
    with running_mariadb() as server:
        yield server.url
