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
    values = [
        part
        for file in options["valueFiles"]
        for part in ("--values", str(chart / file))
    ]
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


def render(application: Manifest, scratch: Path) -> Component:
    source, target = application["spec"]["source"], application["spec"]["destination"]
    folder = REPOSITORY / source["path"]
    chart = source.get("helm")
    objects = (
        helm(folder, target["namespace"], chart, scratch)
        if chart
        else kustomize(folder)
    )
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


def render_all(applications: list[Manifest], scratch: Path) -> list[Component]:
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(
            pool.map(lambda application: render(application, scratch), applications)
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
