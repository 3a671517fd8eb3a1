"""The very commands of the nightly backup and of the restore, on real databases: what was lost comes back."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.manifests.pods import Pod
from tests.manifests.scripts.conftest import Guarded, Load
from tests.servers.mariadb import running_mariadb
from tests.servers.postgres import FOLDERS
from tests.servers.programs import find_program


def commands(pods: list[Pod], name: str, backups: Path) -> dict[str, list[str]]:
    """By container, in the order in which they run."""
    (pod,) = [pod for pod in pods if pod.name == name]
    return {
        one["name"]: [part.replace("/backups", str(backups)) for part in one["command"]] for one in pod.all_containers
    }


@pytest.mark.parametrize(("database", "owner"), [("relevo", "relevo_loop"), ("airflow", "airflow")])
def test_a_database_of_postgresql_comes_back(
    database: str, owner: str, guarded: Guarded, pods: list[Pod], script: Load, tmp_path: Path
) -> None:
    guarded.make_roles(dict.fromkeys(("airflow", "relevo_loop", "relevo_api", "relevo_ui"), "secret"))
    engine = sa.create_engine(guarded.url(owner, "secret", database), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA kept")
        connection.exec_driver_sql("CREATE TABLE kept.rows AS SELECT number FROM generate_series(1, 1000) AS number")
    keep = script("backups/keep.py")
    keep.begin(tmp_path)
    run_postgresql(guarded, commands(pods, "backup", tmp_path)[f"dump-{database}"])
    keep.end(tmp_path, 7, datetime.now(UTC))
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM kept.rows WHERE number > 10")

    for _ in range(2):  # over what is there
        run_postgresql(guarded, commands(pods, "restore", tmp_path)[f"restore-{database}"])

    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM kept.rows").scalar_one() == 1000
        found = connection.exec_driver_sql("SELECT tableowner FROM pg_tables WHERE schemaname = 'kept'").scalar_one()
        assert found == owner


def run_postgresql(server: Guarded, command: list[str]) -> None:
    initdb = find_program("initdb", *FOLDERS)
    assert initdb is not None
    login = {**server.place, "PGUSER": "postgres", "PGPASSWORD": "first"}
    subprocess.run([initdb.with_name(command[0]), *command[1:]], env=login, check=True)


def test_the_database_of_mlflow_comes_back(pods: list[Pod], script: Load, tmp_path: Path) -> None:
    with running_mariadb() as server:
        engine = sa.create_engine(server.url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE kept (name VARCHAR(20))")
            connection.exec_driver_sql("INSERT INTO kept VALUES ('größe'), ('b')")
        keep = script("backups/keep.py")
        keep.begin(tmp_path)
        run_mysql(engine.url, commands(pods, "backup", tmp_path)["dump-mlflow"])
        keep.end(tmp_path, 7, datetime.now(UTC))
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE kept")

        run_mysql(engine.url, commands(pods, "restore", tmp_path)["restore-mlflow"])

        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT name FROM kept ORDER BY name").scalars().all() == ["b", "größe"]


def run_mysql(url: sa.URL, command: list[str]) -> None:
    """MariaDB's programs, which are called so where MySQL's are not, and the user of the tests."""
    program = find_program(
        {"mysql": "mariadb", "mysqldump": "mariadb-dump"}[command[0]], "/usr/bin", "/opt/homebrew/bin"
    )
    assert program is not None
    ours = {"--host=$(MYSQL_HOST)": f"--host={url.host}", "--user=root": f"--user={url.username}"}
    arguments = [ours.get(part, part) for part in command[1:]]
    login = {"PATH": os.environ["PATH"], "MYSQL_PWD": str(url.password), "MYSQL_TCP_PORT": str(url.port)}
    subprocess.run([program, "--no-defaults", *arguments], env=login, check=True)
