"""What Argo CD would apply: every Application's folder, rendered as Argo CD renders it."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.servers import absent

REPOSITORY = Path(__file__).parents[2]
ROOT = REPOSITORY / ".argocd-apps"
CHART = "airflow-1.22.0.tgz"
Manifest = dict[str, Any]


@dataclass(frozen=True)
class Component:
    """An Application and what its folder renders to."""

    name: str
    path: str
    namespace: str
    wave: int
    objects: tuple[Manifest, ...]


def kustomize(folder: Path) -> list[Manifest]:
    if found := shutil.which("kustomize"):
        command = [found, "build", str(folder)]
    elif found := shutil.which("kubectl"):
        command = [found, "kustomize", str(folder)]
    else:
        absent(
            "kustomize",
            "put kustomize or kubectl on PATH: https://kubectl.docs.kubernetes.io/installation/kustomize",
        )
    return _run(command)


def helm(
    folder: Path, namespace: str, options: Manifest, scratch: Path
) -> list[Manifest]:
    found = shutil.which("helm")
    if found is None:
        absent("helm", "put it on PATH: https://helm.sh/docs/intro/install")
    chart = scratch / folder.name
    shutil.copytree(folder, chart, ignore=shutil.ignore_patterns("charts"))
    (chart / "charts").mkdir()
    shutil.copy(chart_archive(), chart / "charts")
    inline = scratch / f"{folder.name}-inline.yaml"
    inline.write_text(yaml.safe_dump(options["valuesObject"]))
    files = [*(folder / file for file in options["valueFiles"]), inline]
    values = [part for file in files for part in ("--values", str(file))]
    return _run(
        [
            found,
            "template",
            options["releaseName"],
            str(chart),
            "--namespace",
            namespace,
            *values,
        ]
    )


def chart_archive() -> Path:
    given = os.environ.get("RELEVO_AIRFLOW_CHART")
    path = (
        Path(given) if given else REPOSITORY / "charts" / "airflow" / "charts" / CHART
    )
    if not path.is_file():
        absent(
            "the Airflow chart",
            f"helm dependency update charts/airflow, or set RELEVO_AIRFLOW_CHART to {CHART}",
        )
    return path


def with_components(
    path: str, components: list[str], scratch: Path, tree: Path
) -> Path:
    """A folder that names some more, as Argo CD's `kustomize edit add component` leaves it, in a copy."""
    copy = scratch / path.replace("/", "-")
    shutil.copytree(tree / "k8s", copy / "k8s")
    file = copy / path / "kustomization.yaml"
    options = yaml.safe_load(file.read_text())
    options["components"] = [*options.get("components", []), *components]
    file.write_text(yaml.safe_dump(options))
    return file.parent


def render(application: Manifest, scratch: Path, tree: Path = REPOSITORY) -> Component:
    source, target = application["spec"]["source"], application["spec"]["destination"]
    if "helm" in source:
        objects = helm(
            tree / source["path"], target["namespace"], source["helm"], scratch
        )
    elif "kustomize" in source:
        objects = kustomize(
            with_components(
                source["path"], source["kustomize"]["components"], scratch, tree
            )
        )
    else:
        objects = kustomize(tree / source["path"])
    for one in objects:
        if one["kind"] not in ("Namespace", "ClusterRole", "ClusterRoleBinding"):
            one["metadata"].setdefault("namespace", target["namespace"])
    wave = int(
        application["metadata"]
        .get("annotations", {})
        .get("argocd.argoproj.io/sync-wave", 0)
    )
    return Component(
        application["metadata"]["name"],
        source["path"],
        target["namespace"],
        wave,
        tuple(objects),
    )


def environments_of(tree: Path) -> list[str]:
    return sorted(folder.name for folder in (tree / "k8s" / "overlays").iterdir())


def applications_of(root: list[Manifest]) -> list[Manifest]:
    return [
        one
        for one in root
        if one["kind"] == "Application" and one["metadata"]["name"] != "relevo"
    ]


def render_all(
    applications: list[Manifest], scratch: Path, tree: Path = REPOSITORY
) -> list[Component]:
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(
            pool.map(
                lambda application: render(application, scratch, tree), applications
            )
        )


def _run(command: list[str]) -> list[Manifest]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stderr}"
    return [
        one
        for one in yaml.load_all(
            done.stdout, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        )
        if one
    ]
