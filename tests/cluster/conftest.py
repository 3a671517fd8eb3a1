"""One deployment for the whole run: the root is applied once, and each test looks at what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.applications import all_well
from tests.cluster.asking import HOUSE, Asker, asking
from tests.cluster.kubernetes import get, is_ready, kubectl, pods, until
from tests.cluster.loop import CASE
from tests.cluster.report import FOLDER, Report
from tests.cluster.repository import Repository

HERE = Path(__file__).parent
REPORT, PREPARED = pytest.StashKey[Report](), pytest.StashKey[float]()


@pytest.hookimpl(tryfirst=True)  # before items are chosen by their markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("cluster")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[REPORT] = Report()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    made = yield
    if made.when == "setup":
        item.stash[PREPARED] = made.duration
    if HERE in item.path.parents and (made.when == "call" or made.outcome != "passed"):
        report = item.config.stash[REPORT]
        report.add(
            item.name,
            made.outcome,
            made.duration + (item.stash[PREPARED] if made.when == "call" else 0),
        )
        report.write()
    return made


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    return request.config.stash[REPORT]


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    for old in (FOLDER / "cluster").glob("*.png"):
        old.unlink()
    return Repository.make(tmp_path_factory.mktemp("git") / "relevo")


@pytest.fixture(scope="session")
def deployed(repository: Repository) -> Repository:
    """The root applied, by hand, as the only thing; and all of it in sync and healthy."""
    assert get("deployment", namespace="argocd"), (
        "Argo CD is not installed; ./deploy.sh installs it"
    )
    kubectl("apply", "--namespace=argocd", f"--filename={repository.root}")
    until(900, "all Applications in sync and healthy", all_well)
    return repository


@pytest.fixture(scope="session")
def image(deployed: Repository) -> str:
    """One that the cluster has, with Python in it."""
    found = get("statefulset", "data-api", "relevo-airflow")["spec"]["template"][
        "spec"
    ]["containers"][0]["image"]
    return str(found)


@pytest.fixture(scope="module")
def asker(deployed: Repository, image: str) -> Iterator[Asker]:
    """Predicts from prod, on and on, while a module's tests break things."""
    api = ("relevo-prod", "app.kubernetes.io/name=inference-api")
    until(
        180,
        "two pods of the API",
        lambda: len([pod for pod in pods(*api) if is_ready(pod)]) >= 2,
    )
    with asking(
        image, f"http://inference-api.relevo-prod:8989/v1/{CASE}/predict", HOUSE
    ) as found:
        yield found
