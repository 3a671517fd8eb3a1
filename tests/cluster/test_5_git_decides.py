import re

import pytest

from tests.cluster.applications import all_well
from tests.cluster.kubernetes import get, kubectl, until
from tests.cluster.repository import Repository

WORKERS = "k8s/base/locust/worker.yaml"
MINUTES = 300


@pytest.fixture
def settled(deployed: Repository) -> Repository:
    until(MINUTES, "all Applications in sync and healthy", all_well)
    return deployed


def workers() -> int:
    return int(get("deployment", "locust-worker", "relevo-load")["spec"]["replicas"])


def test_a_commit_that_changes_a_replica_count_arrives_and_a_revert_takes_it_back(
    settled: Repository,
) -> None:
    before = workers()
    settled.edit(
        WORKERS, lambda text: re.sub(r"replicas: \d+", f"replicas: {before + 1}", text)
    )
    settled.push("One more worker")
    until(MINUTES, "one more worker", lambda: workers() == before + 1)

    settled.revert()

    until(MINUTES, "as many workers as before", lambda: workers() == before)


def test_a_change_by_hand_is_healed(settled: Repository) -> None:
    before = workers()
    kubectl(
        "scale",
        "--namespace=relevo-load",
        "deployment/locust-worker",
        f"--replicas={before + 2}",
    )
    kubectl("delete", "--namespace=relevo-prod", "networkpolicy/inference-api")

    until(MINUTES, "as many workers as Git says", lambda: workers() == before)
    until(
        MINUTES,
        "the deleted policy",
        lambda: get("networkpolicy", "inference-api", "relevo-prod"),
    )
