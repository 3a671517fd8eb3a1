"""Killed under load, again and again, with the database and the object store coming and going: each answer is there once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import free_port
from tests.servers.minio import binary, wait_until_ready
from tests.servers.postgres import Postgres
from tests.serving.lines import in_database, in_objects, make_tables
from tests.serving.logging_life import Surroundings, begin_life, forks, one_life

LONG = 60.0
BOUNDARIES = {
    f"{side} {what}"
    for side in ("before", "after")
    for what in (
        "the commit", "the put", "a new segment", "a delete", "a sync",
        "saving the claim at the database", "saving the arrival at the database",
        "saving the claim at the object-store", "saving the arrival at the object-store",
    )
}  # fmt: skip


class OwnMinio:
    """One server that the test may kill and start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        self.environment = {
            "AWS_ACCESS_KEY_ID": "relevo-test",
            "AWS_SECRET_ACCESS_KEY": "relevo-test-secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def start(self) -> None:
        login = {
            "MINIO_ROOT_USER": "relevo-test",
            "MINIO_ROOT_PASSWORD": "relevo-test-secret",
            "MINIO_BROWSER": "off",
        }
        command = [
            binary(),
            "server",
            "--quiet",
            "--address",
            self.url.removeprefix("http://"),
            self._folder / "data",
        ]
        log = self._folder / "minio.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, env=os.environ | login, stdout=output, stderr=output
            )
        wait_until_ready(self.url, self._process, log)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@pytest.fixture
def own_minio(tmp_path: Path) -> Iterator[OwnMinio]:
    server = OwnMinio(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def around(
    tmp_path: Path,
    own_postgres: Postgres,
    own_minio: OwnMinio,
    monkeypatch: pytest.MonkeyPatch,
) -> Surroundings:
    make_tables(own_postgres.url)
    for name, value in own_minio.environment.items():
        monkeypatch.setenv(name, value)
    return Surroundings(
        tmp_path,
        own_postgres.url,
        "api-artifacts",
        own_minio.url,
        own_minio.environment,
    )


def check_that_every_answer_is_there_once(around: Surroundings) -> None:
    database, objects = around.clients()
    log = around.log(database, objects)
    log.start()
    log.close(LONG)
    answered = Counter(around.answered.read_text().split())
    stored = in_database(database)
    assert len(answered) > 100
    assert answered - stored == Counter()
    assert in_objects(objects) == stored
    assert set(stored.values()) == {1}
    assert list((around.folder / "log").rglob("*-*.jsonl")) == []
    database.close()


def test_killed_at_random_while_servers_come_and_go_each_answer_is_there_once(
    around: Surroundings, own_postgres: Postgres, own_minio: OwnMinio
) -> None:
    context, moments = forks(), random.Random(8)
    happenings = {
        2: own_postgres.kill, 4: own_minio.kill, 6: own_postgres.start, 8: own_minio.start,
        10: own_minio.kill, 11: own_minio.start, 12: own_postgres.stop, 13: own_postgres.start,
    }  # fmt: skip
    for life in range(16):
        if life in happenings:
            happenings[life]()
        one_life(context, around, moments.uniform(0.0, 0.8))
    check_that_every_answer_is_there_once(around)


def test_servers_that_vanish_under_a_living_process_cost_no_answer(
    around: Surroundings, own_postgres: Postgres, own_minio: OwnMinio
) -> None:
    process = begin_life(forks(), around)
    for happening in (
        own_postgres.kill,
        own_minio.kill,
        own_postgres.start,
        own_minio.start,
    ):
        process.join(0.5)
        happening()
    process.join(0.5)
    process.kill()
    process.join()
    check_that_every_answer_is_there_once(around)


def test_a_process_that_is_told_to_end_ships_to_the_objects_though_the_database_is_away(
    around: Surroundings, own_postgres: Postgres
) -> None:
    process = begin_life(forks(), around)
    process.join(1)
    own_postgres.kill()
    process.join(1)
    process.terminate()
    process.join()
    assert process.exitcode == 0
    database, objects = around.clients()
    assert in_objects(objects) == Counter(around.answered.read_text().split())
    database.close()
    own_postgres.start()
    check_that_every_answer_is_there_once(around)


def test_killed_at_every_boundary_each_answer_is_there_once(
    around: Surroundings,
) -> None:
    context, boundaries = forks(), around.folder / "boundaries"
    for _ in BOUNDARIES:
        one_life(context, around, LONG, boundaries)
    assert set(boundaries.read_text().splitlines()) == BOUNDARIES
    check_that_every_answer_is_there_once(around)
