"""Applying one file is enough, and what it brings is what Git says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.manifests.rendering import ROOT, Component, Manifest, render

HOOK, POLICY = "argocd.argoproj.io/hook", "argocd.argoproj.io/hook-delete-policy"
OPTIONS = "argocd.argoproj.io/sync-options"
WAVES = [
    {"namespaces"},
    {"secrets"},
    {"postgresql", "mysql", "minio"},
    {"mlflow", "data-api", "migrations", "backups"},
    {"airflow", "prometheus", "grafana"},
]


def annotation(one: Manifest, name: str) -> str:
    return str(one["metadata"].get("annotations", {}).get(name, ""))


@pytest.fixture(scope="module")
def by_hand(tree: Path) -> Manifest:
    """The file that a person applies."""
    found: Manifest = yaml.safe_load(
        (tree / ROOT.name / "apps-of-apps.yaml").read_text()
    )
    return found


def test_the_root_brings_itself_unchanged(
    by_hand: Manifest, root: list[Manifest]
) -> None:
    assert by_hand in root


def test_repository_and_revision_are_those_of_the_root(
    by_hand: Manifest, applications: list[Manifest], root: list[Manifest]
) -> None:
    source = by_hand["spec"]["source"]
    for one in applications:
        for name in ("repoURL", "targetRevision"):
            assert one["spec"]["source"][name] == source[name], one["metadata"]["name"]
    (project,) = [one for one in root if one["kind"] == "AppProject"]
    assert project["spec"]["sourceRepos"] == [source["repoURL"]]
    assert by_hand["spec"]["source"]["path"] == ROOT.name


def test_repository_and_revision_are_written_in_one_place(
    by_hand: Manifest, tree: Path
) -> None:
    written = [
        file
        for file in (tree / ROOT.name).glob("*.yaml")
        if by_hand["spec"]["source"]["repoURL"] in file.read_text()
    ]
    assert [file.name for file in written] == ["apps-of-apps.yaml"]


def test_every_folder_has_one_application_an_environment(
    components: list[Component], environments: list[str], tree: Path
) -> None:
    files = tree.glob("k8s/overlays/*/*/application.yaml")
    overlaid = {file.parent.name for file in files}
    wanted = {
        f"k8s/overlays/{name}/{folder}" for name in environments for folder in overlaid
    }
    wanted |= {
        f"k8s/base/{folder.name}"
        for folder in (tree / "k8s" / "base").iterdir()
        if folder.name not in overlaid
    }
    assert {one.path for one in components} == wanted | {"charts/airflow"}


def test_names_and_folders_agree(components: list[Component], tree: Path) -> None:
    for one in components:
        folder = tree / one.path
        overlaid = folder.parent.parent == tree / "k8s" / "overlays"
        environment = f"-{folder.parent.name}" if overlaid else ""
        assert one.name == f"relevo-{folder.name}{environment}"
        if environment:
            assert (folder / "application.yaml").is_file()
            assert one.namespace == f"relevo{environment}"
        else:
            assert (tree / ROOT.name / f"{folder.name}.yaml").is_file()
        for thing in one.objects:
            if (
                thing["kind"] in ("Deployment", "StatefulSet")
                and folder.name != "locust"
            ):
                assert thing["metadata"]["name"].startswith(folder.name), thing[
                    "metadata"
                ]["name"]


def test_every_component_of_an_environment_is_used(
    applications: list[Manifest], environments: list[str], tree: Path
) -> None:
    overlays = tree / "k8s" / "overlays"
    sources = [one["spec"]["source"] for one in applications]
    used = {
        (tree / source["path"] / component).resolve()
        for source in sources
        for component in source.get("kustomize", {}).get("components", [])
    }
    used |= {
        folder
        for name in environments
        for folder in (overlays / name, overlays / name / "version")
    }
    files = overlays.rglob("kustomization.yaml")
    assert used == {
        file.parent for file in files if "kind: Component" in file.read_text()
    }


def test_the_environments_hold_only_the_api_and_the_ui(
    components: list[Component], environments: list[str]
) -> None:
    for environment in environments:
        workloads = {
            thing["metadata"]["name"]
            for one in components
            for thing in one.objects
            if thing["kind"] in ("Deployment", "StatefulSet", "Job", "CronJob")
            and thing["metadata"]["namespace"] == f"relevo-{environment}"
        }
        assert workloads == {"inference-api", "streamlit"}


def test_the_base_knows_no_environment(environments: list[str], tree: Path) -> None:
    known = re.compile(rf"\b({'|'.join(environments)})\b")
    for folder in ("k8s/base", "k8s/components", "k8s/platform", "charts"):
        for file in (tree / folder).rglob("*"):
            if file.suffix in (".yaml", ".yml", ".env", ".toml", ".py", ".tpl"):
                assert not known.search(file.read_text()), file


def test_the_base_selects_namespaces_by_their_role(tree: Path) -> None:
    named = {
        name
        for folder in ("k8s/base", "charts")
        for file in (tree / folder).rglob("*.yaml")
        for name in re.findall(
            r"kubernetes\.io/metadata\.name: ([\w-]+)", file.read_text()
        )
    }
    assert named == {"kube-system"}


def test_the_security_context_is_written_once(tree: Path) -> None:
    files = list((tree / "k8s").rglob("*.yaml"))
    for setting in ("runAsNonRoot", "allowPrivilegeEscalation", "enableServiceLinks"):
        written = {file.parent for file in files if setting in file.read_text()}
        assert written == {tree / "k8s" / "components" / "restricted-pod"}


def test_what_runs_is_said_by_versions_alone(
    environments: list[str], tree: Path
) -> None:
    files = [*tree.glob("k8s/**/kustomization.yaml"), *tree.glob("charts/*/*.yaml")]
    said = {
        str(file.parent.relative_to(tree))
        for file in files
        if re.search(r"newTag|\btag:", file.read_text())
    }
    folders = {f"overlays/{name}" for name in environments} | {"platform"}
    assert said == {f"k8s/{folder}/version" for folder in folders}


def test_dev_and_prod_differ_only_in_what_their_overlays_say(
    components: list[Component],
) -> None:
    def settings(environment: str) -> dict[str, str]:
        objects = next(
            one.objects
            for one in components
            if one.name == f"relevo-inference-api-{environment}"
        )
        return next(dict(one["data"]) for one in objects if one["kind"] == "ConfigMap")

    dev, prod = settings("dev"), settings("prod")
    assert {
        name: (dev[name], prod[name]) for name in dev if dev[name] != prod[name]
    } == {
        "RELEVO_API_ALIAS": ("challenger", "champion"),
        "RELEVO_API_ENVIRONMENT": ("dev", "prod"),
    }


def test_waves_bring_what_others_need_first(
    components: list[Component], environments: list[str]
) -> None:
    waves: dict[int, set[str]] = {}
    for one in components:
        waves.setdefault(one.wave, set()).add(one.name.removeprefix("relevo-"))
    asked = {
        f"{name}-{environment}"
        for name in ("inference-api", "streamlit")
        for environment in environments
    }
    assert [waves[wave] for wave in sorted(waves)] == [*WAVES, asked, {"locust"}]


def test_a_wave_waits_until_the_one_before_is_healthy(root: list[Manifest]) -> None:
    """Argo CD has no health check for Applications of its own: the root ships one, before all else."""
    (settings,) = [one for one in root if one["kind"] == "ConfigMap"]
    assert (settings["metadata"]["name"], settings["metadata"]["namespace"]) == (
        "argocd-cm",
        "argocd",
    )
    assert (
        "Synced"
        in settings["data"]["resource.customizations.health.argoproj.io_Application"]
    )
    assert "ServerSideApply=true" in annotation(settings, OPTIONS)
    waves = {
        one["metadata"]["name"]: int(
            annotation(one, "argocd.argoproj.io/sync-wave") or 0
        )
        for one in root
    }
    assert min(waves, key=lambda name: waves[name]) == "argocd-cm"


def test_every_application_heals_prunes_tries_again_and_cleans_up(
    applications: list[Manifest],
) -> None:
    for one in applications:
        policy = one["spec"]["syncPolicy"]
        assert policy["automated"] == {"prune": True, "selfHeal": True}, one[
            "metadata"
        ]["name"]
        assert policy["retry"]["limit"] >= 5
        assert one["metadata"]["finalizers"] == [
            "resources-finalizer.argocd.argoproj.io"
        ]
        assert one["metadata"]["namespace"] == "argocd"


def test_the_project_allows_what_is_there_and_no_more(
    components: list[Component], root: list[Manifest]
) -> None:
    (project,) = [one for one in root if one["kind"] == "AppProject"]
    spec = project["spec"]
    kinds = {
        (one["apiVersion"].rpartition("/")[0], one["kind"])
        for component in components
        for one in component.objects
    }
    allowed = {
        (one["group"], one["kind"])
        for part in ("cluster", "namespace")
        for one in spec[f"{part}ResourceWhitelist"]
    }
    assert allowed == kinds
    assert [one["namespace"] for one in spec["destinations"]] == ["relevo-*"]
    for component in components:
        for one in component.objects:
            assert one["metadata"].get("namespace", "relevo-").startswith("relevo-"), (
                one["metadata"]["name"]
            )


def test_jobs_are_hooks_that_may_run_again(objects: list[Manifest]) -> None:
    jobs = [one for one in objects if one["kind"] == "Job"]
    assert len(jobs) == 4
    for one in jobs:
        assert annotation(one, HOOK) == "Sync", one["metadata"]["name"]
        assert annotation(one, POLICY) == "BeforeHookCreation", one["metadata"]["name"]


def test_namespaces_and_claims_are_never_pruned(
    objects: list[Manifest], environments: list[str]
) -> None:
    kept = [
        one for one in objects if one["kind"] in ("Namespace", "PersistentVolumeClaim")
    ]
    assert len(kept) == 6 + len(environments)
    for one in kept:
        assert {"Prune=false", "Delete=false"} <= set(
            annotation(one, OPTIONS).split(",")
        ), one["metadata"]["name"]


def test_settings_roll_the_pods_that_read_them(objects: list[Manifest]) -> None:
    """A ConfigMap of ours carries the hash of what it holds; the chart's are watched by checksums."""
    for one in (one for one in objects if one["kind"] == "ConfigMap"):
        name = one["metadata"]["name"]
        assert name.startswith("airflow-") or re.fullmatch(
            r"[a-z-]+-[0-9a-z]{10}", name
        ), name


def test_two_renders_are_the_same(
    applications: list[Manifest], components: list[Component], tmp_path: Path
) -> None:
    """Nothing is drawn at random while rendering: Argo CD would never be in sync."""
    airflow = next(
        one for one in applications if one["metadata"]["name"] == "relevo-airflow"
    )
    assert render(airflow, tmp_path) == next(
        one for one in components if one.name == "relevo-airflow"
    )
