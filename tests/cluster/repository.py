"""A throwaway copy of this repository, served to Argo CD: the only way in which the tests change the cluster for good."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
OURS = "docker.io/relevo/"


def set_versions(folder: Path, tag: str) -> None:
    """The files that say what runs, written anew with one tag for the images that are ours; as JSON, which is YAML."""
    for file in folder.rglob("version/kustomization.yaml"):
        version = yaml.safe_load(file.read_text())
        for image in version["images"]:
            if image["name"].startswith(OURS):
                image["newTag"] = tag
        file.write_text(json.dumps(version))
    airflow = {"airflow": {"images": {"airflow": {"tag": tag}}}}
    (folder / "platform" / "version" / "airflow.yaml").write_text(json.dumps(airflow))


def setting(name: str, remedy: str) -> str:
    value = os.environ.get(name, "")
    assert value, f"{name} is not set; {remedy}"
    return value


@dataclass(frozen=True)
class Repository:
    """`url` is what Argo CD reads, `pushed_to` where commits are sent."""

    folder: Path
    url: str
    pushed_to: str

    @staticmethod
    def make(folder: Path) -> Repository:
        """The committed source, with the built tags, and the chart's archive where a cluster cannot fetch it."""
        url = setting(
            "RELEVO_CLUSTER_GIT",
            "name the URL of an empty Git repository that the cluster can read",
        )
        tag = setting(
            "RELEVO_CLUSTER_TAG",
            "name the tag of images that the cluster can pull: make images, then push them",
        )
        made = Repository(folder, url, os.environ.get("RELEVO_CLUSTER_GIT_PUSH") or url)
        source = subprocess.run(
            ["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True
        ).stdout
        with tarfile.open(fileobj=BytesIO(source)) as archive:
            archive.extractall(folder, filter="data")
        made.git("init", "--quiet", "--initial-branch=main")
        made.git("config", "user.name", "Cluster tests")
        made.git("config", "user.email", "tests@localhost")
        made.edit(
            ".argocd-apps/apps-of-apps.yaml",
            lambda text: re.sub(r"repoURL: .*", f"repoURL: {url}", text),
        )
        set_versions(folder / "k8s", tag)
        if chart := os.environ.get("RELEVO_AIRFLOW_CHART"):
            charts = folder / "charts" / "airflow" / "charts"
            charts.mkdir()
            shutil.copy(chart, charts)
        made.git("add", "--force", "--all")
        made.push("Serve the tests")
        return made

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, capture_output=True, text=True
        )
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
        return done.stdout.strip()

    def edit(self, path: str, change: Callable[[str], str]) -> None:
        file = self.folder / path
        before = file.read_text()
        after = change(before)
        assert after != before, f"{path} is not as this test expects it:\n{before}"
        file.write_text(after)

    def push(self, message: str) -> None:
        self.git("commit", "--quiet", "--all", f"--message={message}")
        self._send()

    def revert(self) -> None:
        """Take the last commit back."""
        self.git("revert", "--no-edit", "HEAD")
        self._send()

    def _send(self) -> None:
        self.git("push", "--quiet", "--force", self.pushed_to, "HEAD:refs/heads/main")

    @property
    def root(self) -> Path:
        return self.folder / ".argocd-apps" / "apps-of-apps.yaml"
