import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import httpx
import pytest

from tests.cluster.applications import all_well
from tests.cluster.asking import HOUSE, Asker
from tests.cluster.documented import run_documented
from tests.cluster.kubernetes import (
    get,
    kubectl,
    pods,
    query,
    reach,
    secret,
    steady,
    until,
)
from tests.cluster.loop import CASE, logged, runs, trigger
from tests.cluster.report import Report
from tests.cluster.repository import Repository

API = ("relevo-prod", "app.kubernetes.io/name=inference-api")
MINUTES = 300
TABLES = (
    f"raw.{CASE}",
    f"clean.{CASE}",
    "audit.batches",
    "audit.decisions",
    "audit.verdicts",
)


@pytest.fixture
def settled(deployed: Repository) -> None:
    until(MINUTES, "all Applications in sync and healthy", all_well)
    until(
        MINUTES, "the loop at rest", lambda: not runs("running") and not runs("queued")
    )


def test_new_passwords_fail_no_prediction_and_end_the_old_ones(
    settled: None, asker: Asker, report: Report
) -> None:
    old, before = secret("relevo-data", "postgresql"), steady(*API)
    assert lets_in("relevo_api", old)

    with asker.watched() as found:
        run_documented("New passwords for PostgreSQL")
        until(
            MINUTES,
            "only new pods of the API",
            lambda: (now := steady(*API)) and not now & before,
        )

    new = secret("relevo-data", "postgresql")
    report.note(f"{len(new)} users: {found[0]}")
    assert (found[0].again, found[0].failed) == (0, 0), asker.complaints()
    for user in ("postgres", "relevo_api", "relevo_ui", "relevo_loop"):
        assert lets_in(user, new), user
        assert not lets_in(user, old), user
    assert new["relevo_api"] in secret("relevo-prod", "warehouse")["url"]


def lets_in(user: str, passwords: dict[str, str]) -> bool:
    """By the pod's own address: to 127.0.0.1 the image's rules let anybody in."""
    (server,) = pods("relevo-data", "app.kubernetes.io/name=postgresql")
    login = f"host={server['status']['podIP']} dbname=relevo user={user} password={passwords[user]}"
    try:
        kubectl(
            "exec",
            "--namespace=relevo-data",
            "postgresql-0",
            "--",
            "psql",
            login,
            "--command=SELECT 1",
        )
    except AssertionError as error:
        if "password authentication failed" in str(error):
            return False
        raise
    return True


def test_after_a_rotation_answers_reach_the_database_again(
    settled: None, asker: Asker, report: Report
) -> None:
    start, known = asker.counts(), logged()
    until(60, "answers", lambda: (asker.counts() - start).answered > 100)
    answered = (asker.counts() - start).answered

    shipped = until(
        60,
        f"{answered} answers logged",
        lambda: found if (found := logged() - known) >= answered else 0,
    )
    report.note(f"{answered} answered, {shipped} logged")


def test_the_job_that_makes_secrets_overwrites_none(settled: None) -> None:
    kept, job = (
        fingerprints(),
        get("job", "make-secrets", "relevo-data")["metadata"]["uid"],
    )
    sync = json.dumps({"operation": {"sync": {}}})
    kubectl(
        "patch",
        "application",
        "relevo-secrets",
        "--namespace=argocd",
        "--type=merge",
        f"--patch={sync}",
    )
    until(MINUTES, "the Job once more", lambda: ran_again(job))

    assert fingerprints() == kept


def ran_again(before: str) -> bool:
    job = get("job", "make-secrets", "relevo-data")
    return job["metadata"]["uid"] != before and job["status"].get("succeeded") == 1


def fingerprints() -> dict[str, str]:
    """Of each Secret, a number that moves with every change."""
    found = [
        one["metadata"]
        for one in get("secrets", namespace="relevo-data")
        + get("secrets", namespace=API[0])
    ]
    return {
        f"{one['namespace']}/{one['name']}": one["resourceVersion"] for one in found
    }


@dataclass(frozen=True)
class Kept:
    """What a restore must bring back."""

    rows: dict[str, int]
    champion: str
    objects: dict[str, str]
    prediction: float


def kept() -> Kept:
    rows = {
        table: int(query("relevo", f"SELECT count(*) FROM {table}")[0][0])
        for table in TABLES
    }
    with bucket() as store:
        pages = store.get_paginator("list_objects_v2").paginate(
            Bucket="api-artifacts", Prefix=f"releases/{CASE}/"
        )
        objects = {
            one["Key"]: one["ETag"]
            for page in pages
            for one in page.get("Contents", [])
        }
    with reach(API[0], "service/inference-api", 8989) as api:
        answer = httpx.post(f"{api}/v1/{CASE}/predict", json=HOUSE)
        assert answer.status_code == 200, answer.text
    return Kept(rows, champion(), objects, answer.json()["prediction"])


def champion() -> str:
    with reach("relevo-mlflow", "service/mlflow", 5000) as mlflow:
        asked = {"name": CASE, "alias": "champion"}
        found = httpx.get(
            f"{mlflow}/api/2.0/mlflow/registered-models/alias", params=asked
        )
    assert found.status_code == 200, found.text
    return str(found.json()["model_version"]["version"])


@contextmanager
def bucket() -> Iterator[Any]:
    login = secret("relevo-data", "minio")
    with reach("relevo-data", "service/minio", 9000) as address:
        yield boto3.client(
            "s3",
            endpoint_url=address,
            aws_access_key_id=login["user"],
            aws_secret_access_key=login["password"],
            region_name="us-east-1",
        )


def test_a_restore_brings_back_rows_tables_and_models(
    settled: None, asker: Asker, report: Report
) -> None:
    before = kept()
    run_documented("A backup now")
    destroy(before)

    with asker.watched() as found:
        run_documented("Restore")
        kubectl(
            "rollout", "restart", f"--namespace={API[0]}", "deployment/inference-api"
        )  # they start without a disk
        kubectl(
            "rollout",
            "status",
            f"--namespace={API[0]}",
            "deployment/inference-api",
            "--timeout=240s",
        )
        until(MINUTES, "all Applications in sync and healthy", all_well)

    report.note(
        f"{before.rows[TABLES[0]]:,} rows, version {before.champion}, {len(before.objects)} objects back"
    )
    report.note(str(found[0]))
    assert kept() == before
    assert found[0].failed == 0, asker.complaints()


def destroy(present: Kept) -> None:
    """Rows of the warehouse, a table of MLflow's, the files of all releases; and see that they are gone."""
    query("relevo", f"TRUNCATE raw.{CASE}, audit.verdicts CASCADE")
    statement = "SET FOREIGN_KEY_CHECKS = 0; DROP TABLE registered_model_aliases"
    command = [
        "sh",
        "-c",
        f'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mysql --user=root mlflow --execute="{statement}"',
    ]
    kubectl("exec", "--namespace=relevo-data", "mysql-0", "--", *command)
    with bucket() as store:
        for key in present.objects:
            store.delete_object(Bucket="api-artifacts", Key=key)
    with pytest.raises(AssertionError):
        champion()
    assert query("relevo", f"SELECT count(*) FROM raw.{CASE}") == [["0"]]


def test_the_loop_works_on_what_was_restored(settled: None) -> None:
    done = set(runs("success"))
    trigger()

    until(MINUTES, "a run that ends well", lambda: set(runs("success")) - done)
