"""An environment is a folder and a line, and what it runs is one file."""

from __future__ import annotations

import inspect
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
    test_pods,
    test_references,
    test_schemas,
)
from tests.manifests.connections import connections
from tests.manifests.pods import pods_of
from tests.manifests.policies import Network
from tests.manifests.rendering import (
    REPOSITORY,
    Component,
    Manifest,
    applications_of,
    kustomize,
    render_all,
)

HASH = re.compile(r"-[0-9a-z]{10}$")
LINE = "  - ../k8s/overlays/dev\n"
# They count what is there, or ask for dev and prod by name.
OF_TWO_ENVIRONMENTS = {
    "test_every_namespace_enforces_restricted_pods",
    "test_what_is_scaled_by_load_names_no_number_of_pods",
    "test_the_api_ends_requests_before_it_goes_and_is_spread_and_kept",
    "test_the_log_of_predictions_refuses_before_its_volume_is_full",
    "test_namespaces_and_claims_are_never_pruned",
    "test_waves_bring_what_others_need_first",
}
# They read the files of this checkout, or render them.
OF_THIS_CHECKOUT = {
    "test_the_root_brings_itself_unchanged",
    "test_repository_and_revision_are_those_of_the_root",
    "test_repository_and_revision_are_written_in_one_place",
    "test_every_folder_has_one_application_an_environment",
    "test_every_component_of_an_environment_is_used",
    "test_the_base_knows_no_environment",
    "test_what_runs_is_said_by_versions_alone",
    "test_names_and_folders_agree",
    "test_two_renders_are_the_same",
}


def tree(folder: Path) -> Path:
    """What Argo CD reads, in a copy."""
    for name in (".argocd-apps", "k8s", "charts"):
        shutil.copytree(
            REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("*.tgz")
        )
    return folder


def checks() -> list[Any]:
    """Those that hold dev and prod, in each case that they are run with."""
    found = []
    for module in (
        test_schemas,
        test_references,
        test_network,
        test_pods,
        test_argo_cd,
    ):
        for name, check in inspect.getmembers(module, inspect.isfunction):
            if (
                name.startswith("test_")
                and name not in OF_TWO_ENVIRONMENTS | OF_THIS_CHECKOUT
            ):
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
def staging(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A third environment: the folder of dev copied, its name in place of dev's, and one line."""
    copied = tree(tmp_path_factory.mktemp("staging"))
    folder = copied / "k8s" / "overlays" / "staging"
    shutil.copytree(folder.with_name("dev"), folder)
    for file in (file for file in folder.rglob("*") if file.is_file()):
        file.write_text(file.read_text().replace("dev", "staging"))
    line = copied / ".argocd-apps" / "kustomization.yaml"
    line.write_text(
        line.read_text().replace(LINE, LINE + LINE.replace("dev", "staging"))
    )

    root = kustomize(copied / ".argocd-apps")
    applications = applications_of(root)
    scratch = tmp_path_factory.mktemp("staging-charts")
    components = render_all(applications, scratch, copied)
    objects = [one for component in components for one in component.objects]
    pods = pods_of(components)
    return {
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
    check: Callable[..., None], case: dict[str, Any], staging: dict[str, Any]
) -> None:
    check(
        **{
            name: staging[name]
            for name in inspect.signature(check).parameters
            if name not in case
        },
        **case,
    )


def test_a_third_environment_has_all_that_dev_has(staging: dict[str, Any]) -> None:
    def things(namespace: str) -> set[tuple[str, str]]:
        own = (
            one
            for one in staging["objects"]
            if one["metadata"].get("namespace") == namespace
        )
        return {(one["kind"], HASH.sub("", one["metadata"]["name"])) for one in own}

    assert things("relevo-staging") == things("relevo-dev")


def test_a_third_environment_changes_no_other(
    staging: dict[str, Any], components: list[Component]
) -> None:
    before = {one.name: one.objects for one in components}
    after = {one.name: one.objects for one in staging["components"]}
    changed = {name for name, objects in before.items() if after[name] != objects}
    assert changed == {
        f"relevo-{name}" for name in ("namespaces", "secrets", "prometheus", "airflow")
    }
    assert set(after) - set(before) == {
        "relevo-inference-api-staging",
        "relevo-streamlit-staging",
    }


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return tree(tmp_path)


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
