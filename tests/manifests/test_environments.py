"""An environment is a folder and a line, and what it runs is one file."""

from __future__ import annotations

import inspect
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.repository import OURS, set_versions
from tests.manifests import (
    test_argo_cd,
    test_network,
    test_observability,
    test_pods,
    test_references,
    test_schemas,
)
from tests.manifests.connections import connections
from tests.manifests.pods import pods_of
from tests.manifests.policies import Network
from tests.manifests.rendering import (
    REPOSITORY,
    ROOT,
    Component,
    Manifest,
    applications_of,
    environments_of,
    kustomize,
    render_all,
)

MODULES = (
    test_argo_cd,
    test_network,
    test_observability,
    test_pods,
    test_references,
    test_schemas,
)
HASH = re.compile(r"-[0-9a-z]{10}$")
DASHBOARD = REPOSITORY / "k8s" / "base" / "grafana" / "inference-api.json"
NEW = "another"  # a name that nobody takes
LINE = "  - ../k8s/overlays/dev\n"
EXCEPT = {
    "test_every_component_of_an_environment_is_used",  # the load test asks dev alone
    "test_two_renders_are_the_same",  # renders this checkout
}


def copy_of_all(folder: Path) -> Path:
    """What Argo CD reads, in a copy."""
    for name in (".argocd-apps", "k8s", "charts"):
        shutil.copytree(
            REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("*.tgz")
        )
    return folder


def checks() -> list[Any]:
    """Those that hold dev and prod, in each case that they are run with."""
    found = []
    for module in MODULES:
        for name, check in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_") and name not in EXCEPT:
                marks = getattr(check, "pytestmark", [])
                cases = [
                    {mark.args[0]: value} for mark in marks for value in mark.args[1]
                ] or [{}]
                found += [
                    pytest.param(check, case, id=f"{name}{list(case.values())}")
                    for case in cases
                ]
    return found


@pytest.fixture(scope="module")
def third(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A third environment: the folder of dev copied, its name in place of dev's, and one line."""
    copied = copy_of_all(tmp_path_factory.mktemp("third"))
    folder = copied / "k8s" / "overlays" / NEW
    shutil.copytree(folder.with_name("dev"), folder)
    for file in (file for file in folder.rglob("*") if file.is_file()):
        file.write_text(file.read_text().replace("dev", NEW))
    line = copied / ROOT.name / "kustomization.yaml"
    line.write_text(line.read_text().replace(LINE, LINE + LINE.replace("dev", NEW)))

    root = kustomize(copied / ROOT.name)
    applications = applications_of(root)
    scratch = tmp_path_factory.mktemp("third-charts")
    components = render_all(applications, scratch, copied)
    objects = [one for component in components for one in component.objects]
    pods = pods_of(components)
    return {
        "tree": copied,
        "environments": environments_of(copied),
        "by_hand": yaml.safe_load(
            (copied / ROOT.name / "apps-of-apps.yaml").read_text()
        ),
        "dashboard": json.loads(DASHBOARD.read_text()),
        "root": root,
        "applications": applications,
        "components": components,
        "objects": objects,
        "pods": pods,
        "named": connections(pods, objects),
        "network": Network(objects),
    }


@pytest.mark.parametrize(("check", "case"), checks())
def test_a_third_environment_passes_what_dev_and_prod_pass(
    check: Callable[..., None], case: dict[str, Any], third: dict[str, Any]
) -> None:
    check(
        **{
            name: third[name]
            for name in inspect.signature(check).parameters
            if name not in case
        },
        **case,
    )


def test_a_third_environment_has_all_that_dev_has(third: dict[str, Any]) -> None:
    def things(namespace: str) -> set[tuple[str, str]]:
        own = (
            one
            for one in third["objects"]
            if one["metadata"].get("namespace") == namespace
        )
        return {(one["kind"], HASH.sub("", one["metadata"]["name"])) for one in own}

    assert things(f"relevo-{NEW}") == things("relevo-dev")


def test_a_third_environment_changes_no_other(
    third: dict[str, Any], components: list[Component]
) -> None:
    before = {one.name: one.objects for one in components}
    after = {one.name: one.objects for one in third["components"]}
    changed = {name for name, objects in before.items() if after[name] != objects}
    assert changed == {
        f"relevo-{name}" for name in ("namespaces", "secrets", "prometheus", "airflow")
    }
    assert set(after) - set(before) == {
        f"relevo-inference-api-{NEW}",
        f"relevo-streamlit-{NEW}",
    }


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return copy_of_all(tmp_path)


def tags(components: list[Component]) -> dict[str, set[str]]:
    """Of the images that are ours, by Application."""
    images = [
        (one.name, part["image"])
        for one in components
        for pod in pods_of([one])
        for part in pod.all_containers
    ]
    found: dict[str, set[str]] = {}
    for name, image in images:
        if image.startswith(OURS):
            found.setdefault(name, set()).add(image.rpartition(":")[2])
    return found


def test_promoting_is_copying_one_file(
    copied: Path,
    components: list[Component],
    applications: list[Manifest],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    dev, prod = (
        copied / f"k8s/overlays/{name}/version/kustomization.yaml"
        for name in ("dev", "prod")
    )
    version = yaml.safe_load(dev.read_text())
    version["images"] = [{**one, "newTag": "4f2c1a9"} for one in version["images"]]
    dev.write_text(yaml.safe_dump(version))
    shutil.copy(dev, prod)

    now = tags(render_all(applications, tmp_path_factory.mktemp("promoted"), copied))

    new = {
        f"relevo-{name}-{environment}"
        for name in ("inference-api", "streamlit")
        for environment in ("dev", "prod")
    }
    assert now == tags(components) | {name: {"4f2c1a9"} for name in new}


def test_the_cluster_tests_set_the_tag_of_all_images(
    copied: Path, applications: list[Manifest], tmp_path_factory: pytest.TempPathFactory
) -> None:
    set_versions(
        copied / "k8s", "12345678e901"
    )  # a commit that YAML could take for a number

    now = tags(render_all(applications, tmp_path_factory.mktemp("tagged"), copied))

    assert set(map(frozenset, now.values())) == {frozenset({"12345678e901"})}
