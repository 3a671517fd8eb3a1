import json
import os
import re
import subprocess
from typing import Any

import httpx
import pytest

from tests.cluster.applications import declared
from tests.cluster.asking import HOUSE
from tests.cluster.kubernetes import get, kubectl, query, reach, until
from tests.cluster.loop import CASE, rulings
from tests.cluster.report import Report
from tests.cluster.repository import Repository

NAMESPACES = (
    "relevo-data",
    "relevo-mlflow",
    "relevo-airflow",
    "relevo-observability",
    "relevo-dev",
    "relevo-prod",
)
MANIFEST = "RELEVO_CLUSTER_ARGOCD_MANIFEST"
PAGES = (
    "UI",
    "UI(dev)",
    "API",
    "API(dev)",
    "Airflow",
    "MLflow",
    "Grafana",
    "Locust",
    "Argo-CD",
)
LOGINS = ("Airflow", "Grafana", "Argo-CD")


def deploy(repository: Repository, *options: str, **environment: str) -> str:
    """The script of the throwaway copy, so that it applies the copy's root."""
    done = subprocess.run(
        [repository.folder / "deploy.sh", *options],
        env={**os.environ, "TIMEOUT": "600", **environment}, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def started() -> set[str]:
    """uids of the long-running things' pods."""
    listed = [
        pod["metadata"]
        for namespace in NAMESPACES
        for pod in get("pods", namespace=namespace)
    ]
    lasts = ("ReplicaSet", "StatefulSet")
    return {
        one["uid"]
        for one in listed
        if any(by["kind"] in lasts for by in one.get("ownerReferences", []))
    }


def lasting() -> set[str]:
    """uids of what a person would miss: volumes, Secrets, namespaces."""
    kinds = ("persistentvolumeclaims", "secrets")
    found = [
        one
        for namespace in NAMESPACES
        for kind in kinds
        for one in get(kind, namespace=namespace)
    ]
    found += [one for one in get("namespaces") if one["metadata"]["name"] in NAMESPACES]
    return {
        f"{one['kind']} {one['metadata']['name']} {one['metadata']['uid']}"
        for one in found
    }


def data() -> dict[str, Any]:
    counts = {
        table: query("relevo", f"SELECT count(*) FROM {table}")
        for table in (f"raw.{CASE}", "audit.batches")
    }
    with reach("relevo-prod", "service/inference-api", 8989) as api:
        answer = httpx.post(f"{api}/v1/{CASE}/predict", json=HOUSE)
        assert answer.status_code == 200, answer.text
    told = {name: answer.json()[name] for name in ("version", "alias", "prediction")}
    return {**counts, **told, "rulings": rulings()}


@pytest.fixture(scope="module")
def before(deployed: Repository) -> dict[str, Any]:
    return data()


def test_run_again_it_changes_nothing_and_prints_addresses_and_logins(
    deployed: Repository,
) -> None:
    running = started()

    said = deploy(deployed)

    assert started() >= running
    for page in PAGES:
        assert re.search(
            rf"^ +{re.escape(page)} +kubectl -n \S+ +port-forward .* http://127",
            said,
            re.M,
        ), said
    for login in LOGINS:
        assert re.search(rf"^ +{login} +admin +(?!not made yet)\S+$", said, re.M), said


def test_its_status_tells_of_each_application_that_it_is_well(
    deployed: Repository,
) -> None:
    said = deploy(deployed, "--status")

    well = set(re.findall(r"✓\S* (relevo\S*)", said))
    assert well == declared()


def test_destroy_removes_what_runs_and_leaves_volumes_secrets_and_namespaces(
    deployed: Repository, before: dict[str, Any]
) -> None:
    kept = lasting()

    deploy(deployed, "--destroy")

    until(120, "no pod", lambda: not started())
    assert not get("applications.argoproj.io", namespace="argocd")
    assert lasting() == kept


def test_it_installs_argo_cd_where_it_is_missing(
    deployed: Repository, before: dict[str, Any], report: Report
) -> None:
    manifest = os.environ.get(MANIFEST, "")
    if not manifest:
        pytest.skip(
            f"{MANIFEST} is not set: name the install manifest of Argo CD, a file that deploy.sh may apply"
        )
    kubectl(
        "delete",
        "--namespace=argocd",
        f"--filename={manifest}",
        "--ignore-not-found",
        "--wait=true",
    )
    kubectl("delete", "namespace", "argocd", "--wait=true")

    said = deploy(deployed, ARGOCD_MANIFEST=manifest)

    report.note(
        next(line for line in said.splitlines() if "installing Argo CD" in line).strip(
            "\x1b[0m1"
        )
    )
    assert "Argo-CD   admin" in said


def test_everything_comes_back_with_the_same_data(
    deployed: Repository, before: dict[str, Any], report: Report
) -> None:
    deploy(deployed)

    assert until(120, "the API's answer", data) == before
    report.note(json.dumps({name: before[name] for name in ("version", "prediction")}))
