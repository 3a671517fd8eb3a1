import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.asking import Asker
from tests.cluster.killing import Kill, killing
from tests.cluster.kubernetes import is_ready, kubectl, pods, query, steady, until
from tests.cluster.loop import CASE, logged, runs
from tests.cluster.report import Report
from tests.cluster.repository import Repository

SETTINGS = "k8s/overlays/prod/inference-api/settings.env"
VICTIMS = {
    "the API": ("relevo-prod", "app.kubernetes.io/name=inference-api"),
    "MLflow": ("relevo-mlflow", "app.kubernetes.io/name=mlflow"),
    "MinIO": ("relevo-data", "app.kubernetes.io/name=minio"),
    "PostgreSQL": ("relevo-data", "app.kubernetes.io/name=postgresql"),
}
BACK = 180


@pytest.fixture(scope="module")
def sigkill(image: str) -> Iterator[Kill]:
    with killing(image) as found:
        yield found


def delete(victim: str) -> None:
    """One pod of it, and wait until there are as many as before that are not the same."""
    namespace, before = VICTIMS[victim][0], pods(*VICTIMS[victim])
    gone = before[0]["metadata"]
    kubectl("delete", "pod", f"--namespace={namespace}", gone["name"])

    def replaced() -> bool:
        now = [
            pod
            for pod in pods(*VICTIMS[victim])
            if is_ready(pod) and pod["metadata"]["uid"] != gone["uid"]
        ]
        return len(now) >= len(before)

    until(BACK, f"{victim} back", replaced)


@pytest.mark.parametrize("victim", VICTIMS)
def test_no_prediction_fails_while_a_pod_is_deleted(
    asker: Asker, report: Report, victim: str
) -> None:
    with asker.watched() as found:
        delete(victim)

    report.note(str(found[0]))
    assert found[0].answered > 0
    assert (found[0].again, found[0].failed) == (0, 0), asker.complaints()


@pytest.mark.parametrize("victim", VICTIMS)
def test_one_retry_answers_every_prediction_while_a_container_is_killed(
    asker: Asker, report: Report, sigkill: Kill, victim: str
) -> None:
    """SIGKILL to its first process, from the node: the pod stays, the kubelet starts its container again."""
    killed = pods(*VICTIMS[victim])[0]
    with asker.watched(seconds_after=8) as found:  # longer than the second try takes
        sigkill(killed)
        until(BACK, f"{victim} started again", lambda: started_again(victim, killed))

    report.note(str(found[0]))
    assert found[0].answered > 0
    assert found[0].failed == 0, asker.complaints()


def started_again(victim: str, killed: Any) -> bool:
    (now,) = [
        pod
        for pod in pods(*VICTIMS[victim])
        if pod["metadata"]["uid"] == killed["metadata"]["uid"]
    ]
    return is_ready(now) and restarts(now) > restarts(killed)


def restarts(pod: Any) -> int:
    return sum(one["restartCount"] for one in pod["status"]["containerStatuses"])


def test_a_rolling_update_under_load_drops_nothing(
    asker: Asker, deployed: Repository, report: Report
) -> None:
    before = until(BACK, "the API at rest", lambda: steady(*VICTIMS["the API"]))
    with asker.watched() as found:
        deployed.edit(
            SETTINGS, lambda text: f"{text.rstrip()}\nRELEVO_API_POLL_SECONDS=7\n"
        )
        deployed.push("Poll the registry more often")
        until(
            300,
            "only new pods",
            lambda: (
                (now := steady(*VICTIMS["the API"]))
                and not now & before
                and len(now) >= len(before)
            ),
        )

    report.note(f"{len(before)} pods replaced: {found[0]}")
    assert (found[0].again, found[0].failed) == (0, 0), asker.complaints()


def test_every_answer_since_then_is_in_the_database(
    asker: Asker, deployed: Repository, report: Report
) -> None:
    """A pod that is deleted ships its log before it ends. (One that is killed with its node takes some seconds of it along.)"""
    start, known = asker.counts().answered, logged()
    delete("the API")
    time.sleep(5)
    answered = asker.counts().answered - start

    shipped = until(
        120,
        f"{answered} predictions in the database",
        lambda: found if (found := logged() - known) >= answered else None,
    )
    report.note(f"{answered} answered, at least {shipped} logged")


def test_the_loop_goes_on_and_has_lost_nothing(
    deployed: Repository, report: Report
) -> None:
    """Each batch is there once, with as many rows as its source says, whatever was killed while it came in."""
    done = len(runs("success"))
    until(
        600,
        "a run that ends well after all that was killed",
        lambda: len(runs("success")) > done or not runs("running"),
    )

    stored = {int(number): int(rows) for number, rows in query("relevo", STORED)}
    report.note(f"batches 0 to {max(stored)}, {sum(stored.values()):,} rows")
    assert sorted(stored) == list(range(len(stored)))
    assert stored == {number: rows_of_source(number) for number in stored}


STORED = f"""SELECT b.number, count(*) FROM audit.batches b JOIN raw.{CASE} r ON r.batch_id = b.id
             WHERE b."case" = '{CASE}' GROUP BY b.number"""


def rows_of_source(number: int) -> int:
    """Asked again by its number, which moves no cursor."""
    code = f"import json, urllib.request as u; print(len(json.load(u.urlopen('http://127.0.0.1:8000/data?group_number=1&batch_number={number}'))['data']))"
    printed = kubectl(
        "exec", "--namespace=relevo-airflow", "data-api-0", "--", "python", "-c", code
    )
    return int(re.sub(r"\D", "", printed))
