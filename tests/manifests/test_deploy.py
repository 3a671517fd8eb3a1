"""deploy.sh, without a cluster."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.manifests.rendering import REPOSITORY
from tests.manifests.schemas.derive import ARGO_CD
from tests.servers import absent

SCRIPT = REPOSITORY / "deploy.sh"
RUN_NOW = REPOSITORY / "k8s" / "run-now.sh"
RESTORE_MLFLOW = REPOSITORY / "k8s" / "base" / "backups" / "restore_mlflow.sh"


def run(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, *options],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )


def test_scripts_are_clean_shell() -> None:
    if shutil.which("shellcheck") is None:
        absent("shellcheck", "apt-get install shellcheck")
    done = subprocess.run(
        ["shellcheck", SCRIPT, RUN_NOW, RESTORE_MLFLOW],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout + done.stderr == ""


def test_it_teaches_itself() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "--status" in done.stdout
    assert "--destroy" in done.stdout


def test_an_option_that_does_not_exist_is_an_error() -> None:
    done = run("--now")
    assert done.returncode == 1
    assert "--now" in done.stderr


def test_a_missing_client_is_named_with_where_to_get_it() -> None:
    done = run(KUBECTL="no-such-kubectl")
    assert done.returncode == 1
    assert "no-such-kubectl is not installed" in done.stderr
    assert "https://" in done.stderr


def test_no_cluster_is_said_before_anything_is_done(tmp_path: Path) -> None:
    if shutil.which("kubectl") is None:
        absent("kubectl", "put it on PATH: https://kubernetes.io/docs/tasks/tools")
    done = run(KUBECONFIG=str(tmp_path / "none"))
    assert done.returncode == 1
    assert "no cluster answers" in done.stderr


def test_what_it_installs_is_what_the_root_was_checked_against() -> None:
    assert f"argocd_version={ARGO_CD}\n" in SCRIPT.read_text()
