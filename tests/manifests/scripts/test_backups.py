"""The very commands of the nightly backup and of the restore, on real databases: what was lost comes back."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.manifests.pods import Pod
from tests.manifests.scripts.conftest import BASE, Guarded, Load
from tests.servers.mariadb import MariaDB, running_mariadb
from tests.servers.postgres import FOLDERS
from tests.servers.programs import find_program


def commands(pods: list[Pod], name: str, backups: Path) -> dict[str, list[str]]:
    """By container, in the order in which they run."""
    (pod,) = [pod for pod in pods if pod.name == name]
    return {
        one["name"]: [
            part.replace("/backups", str(backups)).replace(
                "/scripts", str(BASE / "backups")
            )
            for part in one["command"]
        ]
        for one in pod.all_containers
    }


@pytest.mark.parametrize(
    ("database", "owner"), [("relevo", "relevo_loop"), ("airflow", "airflow")]
)
def test_a_database_of_postgresql_comes_back(
    database: str,
    owner: str,
    guarded: Guarded,
    pods: list[Pod],
    script: Load,
    tmp_path: Path,
) -> None:
    guarded.make_roles(
        dict.fromkeys(("airflow", "relevo_loop", "relevo_api", "relevo_ui"), "secret")
    )
    engine = sa.create_engine(
        guarded.url(owner, "secret", database), poolclass=sa.NullPool
    )
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA kept")
        connection.exec_driver_sql(
            "CREATE TABLE kept.rows AS SELECT number FROM generate_series(1, 1000) AS number"
        )
    keep = script("backups/keep.py")
    keep.begin(tmp_path)
    run_postgresql(guarded, commands(pods, "backup", tmp_path)[f"dump-{database}"])
    keep.end(tmp_path, 7, datetime.now(UTC))
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM kept.rows WHERE number > 10")

    for _ in range(2):  # over what is there
        run_postgresql(
            guarded, commands(pods, "restore", tmp_path)[f"restore-{database}"]
        )

    with engine.connect() as connection:
        assert (
            connection.exec_driver_sql("SELECT count(*) FROM kept.rows").scalar_one()
            == 1000
        )
        found = connection.exec_driver_sql(
            "SELECT tableowner FROM pg_tables WHERE schemaname = 'kept'"
        ).scalar_one()
        assert found == owner


def test_nobody_is_in_a_database_while_it_is_put_back(
    guarded: Guarded, pods: list[Pod], tmp_path: Path
) -> None:
    owners = {"airflow": "airflow", "relevo": "relevo_loop"}
    guarded.make_roles(
        dict.fromkeys(("airflow", "relevo_loop", "relevo_api", "relevo_ui"), "secret")
    )
    restore = commands(pods, "restore", tmp_path)
    sessions = [
        sa.create_engine(guarded.url(owner, "secret", name)).connect()
        for name, owner in owners.items()
    ]

    run_postgresql(guarded, restore["close"])

    for session in sessions:
        with pytest.raises(sa.exc.OperationalError):
            session.exec_driver_sql("SELECT 1")
    assert not any(
        guarded.lets_in(owner, "secret", name) for name, owner in owners.items()
    )
    assert guarded.lets_in("postgres", "first", "relevo")
    run_postgresql(guarded, restore["open"])
    assert all(guarded.lets_in(owner, "secret", name) for name, owner in owners.items())


def run_postgresql(server: Guarded, command: list[str]) -> None:
    initdb = find_program("initdb", *FOLDERS)
    assert initdb is not None
    login = {**server.place, "PGUSER": "postgres", "PGPASSWORD": "first"}
    subprocess.run([initdb.with_name(command[0]), *command[1:]], env=login, check=True)


def test_the_database_of_mlflow_comes_back_and_mlflow_is_kept_out_meanwhile(
    pods: list[Pod], script: Load, tmp_path: Path
) -> None:
    with running_mariadb() as server:
        run_mysql(
            server,
            ["mysql", "--user=$(MYSQL_USER)", f"--execute={AS_THE_IMAGE_DOES}"],
            tmp_path,
        )
        engine = sa.create_engine(server.url)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE kept (name VARCHAR(20))")
            connection.exec_driver_sql("INSERT INTO kept VALUES ('größe'), ('b')")
        keep = script("backups/keep.py")
        keep.begin(tmp_path)
        run_mysql(server, commands(pods, "backup", tmp_path)["dump-mlflow"], tmp_path)
        keep.end(tmp_path, 7, datetime.now(UTC))
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE kept")
        session = engine.connect()

        run_mysql(
            server, commands(pods, "restore", tmp_path)["restore-mlflow"], tmp_path
        )

        with pytest.raises(sa.exc.OperationalError):
            session.exec_driver_sql("SELECT 1")
        with engine.connect() as connection:
            assert connection.exec_driver_sql(
                "SELECT name FROM kept ORDER BY name"
            ).scalars().all() == ["b", "größe"]


AS_THE_IMAGE_DOES = "RENAME USER 'mlflow'@'127.0.0.1' TO 'mlflow'@'%'"


def run_mysql(server: MariaDB, command: list[str], folder: Path) -> None:
    """As the superuser, with MariaDB's programs in the place of MySQL's."""
    for name, ours in (("mysql", "mariadb"), ("mysqldump", "mariadb-dump")):
        program = find_program(ours, "/usr/bin", "/opt/homebrew/bin")
        assert program is not None
        if not (folder / name).exists():
            (folder / name).symlink_to(program)
    filled = [
        part.replace("$(MYSQL_HOST)", "localhost").replace("$(MYSQL_USER)", "root")
        for part in command
    ]
    (folder / ".my.cnf").write_text(f"[client]\nsocket={server.socket}\n")
    place = {"HOME": str(folder), "MYSQL_HOST": "localhost", "MYSQL_USER": "root"}
    subprocess.run(
        filled, env={**place, "PATH": f"{folder}:{os.environ['PATH']}"}, check=True
    )
