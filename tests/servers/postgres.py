"""A private PostgreSQL for the tests, or the one in RELEVO_TEST_POSTGRES_URL."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from tests.servers import absent, free_port
from tests.servers.programs import Program, find_program, hand_over, unprivileged

FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
)
REMEDY = "apt-get install postgresql, or set RELEVO_TEST_POSTGRES_URL"


class Postgres:
    """One server on a port of its own that tests may stop, kill and start again."""

    def __init__(self, programs: Path, home: Path) -> None:
        self._programs = programs
        self._home = home
        self._user = unprivileged("postgres")
        self._server = Program(home, self._user)
        self._port = free_port()
        self.url = f"postgresql://relevo@127.0.0.1:{self._port}/postgres"

    def create(self) -> None:
        hand_over(self._home, self._user)
        command: list[str | Path] = [
            self._programs / "initdb",
            "-D",
            self._home / "data",
            "-U",
            "relevo",
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        subprocess.run(
            [*command, "--locale=C", "--no-sync"],
            user=self._user,
            check=True,
            capture_output=True,
            cwd=self._home,
        )

    def start(self) -> None:
        command: list[str | Path] = [
            self._programs / "postgres",
            "-D",
            self._home / "data",
            "-k",
            self._home,
            "-h",
            "127.0.0.1",
        ]
        settings = [
            "-c",
            "fsync=off",
            "-c",
            "max_connections=50",
            "-c",
            "shared_buffers=64MB",
        ]
        self._server.start([*command, "-p", str(self._port), *settings], self._answers)

    def stop(self) -> None:
        """Sessions are ended, and the port is closed."""
        self._server.end(signal.SIGINT)

    def kill(self) -> None:
        """As a crash: nothing is written any more; the next start recovers."""
        self._server.end(signal.SIGQUIT)

    def _answers(self) -> bool:
        ready: list[str | Path] = [
            self._programs / "pg_isready",
            "-q",
            "-h",
            "127.0.0.1",
            "-p",
            str(self._port),
        ]
        return subprocess.run(ready, check=False).returncode == 0


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    initdb = find_program("initdb", *FOLDERS)
    if initdb is None:
        absent("PostgreSQL", REMEDY)
    home = Path(tempfile.mkdtemp(prefix="relevo-postgres-"))
    server = Postgres(initdb.parent, home)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server that all tests share."""
    if given := os.environ.get("RELEVO_TEST_POSTGRES_URL"):
        yield given
        return
    with running_postgres() as server:
        yield server.url


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """An empty database, gone after the test."""
    name = f"test_{uuid4().hex[:12]}"
    admin = sa.create_engine(
        sa.make_url(postgres_url).set(drivername="postgresql+psycopg2"),
        isolation_level="AUTOCOMMIT",
        poolclass=sa.NullPool,
    )
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield (
        sa.make_url(postgres_url)
        .set(database=name)
        .render_as_string(hide_password=False)
    )
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server that the test may stop, kill and start."""
    with running_postgres() as server:
        yield server
