"""SIGKILL for a container, from its node: as when memory runs out, without a warning and without a grace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster.kubernetes import apply, kubectl, until

NAMESPACE = "relevo-cluster-test-node"
SCRIPT = Path(__file__).with_name("killer.py")
Kill = Callable[[Any], None]


@contextmanager
def killing(image: str) -> Iterator[Kill]:
    """A namespace that lets a pod see the node's processes, for as long as the block runs."""
    labels = {"pod-security.kubernetes.io/enforce": "privileged"}
    scripts = {"name": "killer", "namespace": NAMESPACE}
    apply(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "labels": labels},
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": scripts,
            "data": {SCRIPT.name: SCRIPT.read_text()},
        },
    )
    try:
        yield lambda pod: _kill(image, pod)
    finally:
        kubectl("delete", "namespace", NAMESPACE, "--wait=true")


def _kill(image: str, pod: Any) -> None:
    (status,) = pod["status"]["containerStatuses"]
    name = (
        f"kill-{status['name']}-{status['restartCount']}-{pod['metadata']['uid'][:8]}"
    )
    container = {
        "name": "killer", "image": image,
        "command": ["python", "-B", f"/scripts/{SCRIPT.name}", status["containerID"].rpartition("/")[2]],
        "securityContext": {"privileged": True, "runAsUser": 0, "runAsNonRoot": False},
        "volumeMounts": [{"name": "scripts", "mountPath": "/scripts"}],
    }  # fmt: skip
    spec = {
        "nodeName": pod["spec"]["nodeName"], "hostPID": True, "restartPolicy": "Never",
        "automountServiceAccountToken": False, "tolerations": [{"operator": "Exists"}],
        "containers": [container], "volumes": [{"name": "scripts", "configMap": {"name": "killer"}}],
    }  # fmt: skip
    apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": spec,
        }
    )
    until(60, f"the kill of {pod['metadata']['name']}", lambda: _ended(name))


def _ended(name: str) -> bool:
    phase = kubectl(
        "get",
        "pod",
        f"--namespace={NAMESPACE}",
        name,
        "--output=jsonpath={.status.phase}",
    )
    if phase == "Failed":
        raise RuntimeError(kubectl("logs", f"--namespace={NAMESPACE}", name))
    return phase == "Succeeded"
