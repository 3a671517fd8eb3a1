"""The scripts that run in pods, as modules, and a PostgreSQL that asks for passwords."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import sqlalchemy as sa

from tests.manifests.rendering import REPOSITORY
from tests.servers.postgres import FOLDERS, Postgres
from tests.servers.programs import find_program

BASE = REPOSITORY / "k8s" / "base"
Load = Callable[[str], ModuleType]
REFUSALS = (
    "password authentication failed",
    "permission denied for database",
    "too many connections for database",
)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Load:
    """A script by its path under k8s/base, found beside those that its ConfigMap puts it beside."""
    monkeypatch.syspath_prepend(str(BASE / "secrets"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def load(path: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(Path(path).stem, BASE / path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


class Guarded:
    """A server whose users, but for `relevo`, log in by password."""

    def __init__(self, server: Postgres) -> None:
        self._admin = sa.make_url(server.url).set(drivername="postgresql+psycopg2")
        rules = "host all relevo all trust\nhost all all all scram-sha-256"
        engine = sa.create_engine(
            self._admin, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(
                "CREATE ROLE postgres SUPERUSER LOGIN PASSWORD 'first'"
            )
            file = connection.exec_driver_sql("SHOW hba_file").scalar_one()
            lines = " UNION ALL ".join(
                f"SELECT '{rule}'" for rule in rules.splitlines()
            )
            connection.exec_driver_sql(f"COPY ({lines}) TO '{file}'")
            connection.exec_driver_sql("SELECT pg_reload_conf()")

    @property
    def place(self) -> dict[str, str]:
        return {"PGHOST": "127.0.0.1", "PGPORT": str(self._admin.port)}

    def url(self, user: str, password: str, database: str) -> str:
        one = self._admin.set(username=user, password=password, database=database)
        return one.render_as_string(hide_password=False)

    def lets_in(self, user: str, password: str, database: str) -> bool:
        engine = sa.create_engine(
            self.url(user, password, database), poolclass=sa.NullPool
        )
        try:
            engine.connect().close()
        except sa.exc.OperationalError as error:
            if any(why in str(error) for why in REFUSALS):
                return False
            raise
        return True

    def make_roles(self, passwords: dict[str, str]) -> None:
        """As the Job does it."""
        initdb = find_program(
            "initdb", *FOLDERS
        )  # PATH may hold a wrapper in psql's place
        assert initdb is not None
        names = {
            f"{role.upper()}_PASSWORD": password for role, password in passwords.items()
        }
        subprocess.run(
            [
                initdb.with_name("psql"),
                "--no-psqlrc",
                "--set=ON_ERROR_STOP=1",
                f"--file={BASE / 'postgresql/roles.sql'}",
            ],
            env={
                **self.place,
                **names,
                "PGUSER": "postgres",
                "PGPASSWORD": "first",
                "PGDATABASE": "postgres",
            },
            check=True,
            capture_output=True,
        )


@pytest.fixture
def guarded(own_postgres: Postgres) -> Guarded:
    return Guarded(own_postgres)
