"""A client inside the cluster that predicts on and on, while the tests break things."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.kubernetes import apply, is_ready, kubectl, pods, until

NAMESPACE = "relevo-cluster-test"
SCRIPT = Path(__file__).with_name("asker.py")
HOUSE = {
    "bed": 3,
    "bath": 2,
    "acre_lot": 0.12,
    "city": "Seattle",
    "state": "Washington",
    "zip_code": 98103,
    "house_size": 1800,
}


@dataclass(frozen=True)
class Counts:
    answered: int
    again: int
    failed: int

    def __str__(self) -> str:
        return f"{self.answered:,} answered, {self.again} only when sent again, {self.failed} failed"

    def __sub__(self, other: Counts) -> Counts:
        return Counts(
            self.answered - other.answered,
            self.again - other.again,
            self.failed - other.failed,
        )


class Asker:
    def __init__(self, name: str) -> None:
        self.name = name

    def counts(self) -> Counts:
        """As of now: a line that was written after this was asked."""
        before = len(self._lines())
        lines = until(
            30,
            "the client's next line",
            lambda: (lines := self._lines())[before + 1 :] and lines,
        )
        return Counts(**json.loads(lines[-1]))

    def complaints(self) -> str:
        return "\n".join(
            line
            for line in kubectl(
                "logs", f"--namespace={NAMESPACE}", self.name
            ).splitlines()
            if "_try" in line
        )

    def _lines(self) -> list[str]:
        printed = kubectl("logs", f"--namespace={NAMESPACE}", self.name).splitlines()
        return [line for line in printed if "answered" in line]

    @contextmanager
    def watched(
        self, seconds_before: float = 3, seconds_after: float = 3
    ) -> Iterator[list[Counts]]:
        """What was asked while the block ran, and a little before and after it, in the list's only place."""
        found: list[Counts] = []
        start = self.counts()
        time.sleep(seconds_before)
        yield found
        time.sleep(seconds_after)
        found.append(self.counts() - start)


@contextmanager
def asking(image: str, url: str, row: dict[str, Any]) -> Iterator[Asker]:
    """`relevo/ingress` is what the network policies let in: where people's requests come from."""
    name = "asker"
    labels = {
        "relevo/ingress": "true",
        "pod-security.kubernetes.io/enforce": "restricted",
    }
    confined = {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    container = {
        "name": name, "image": image, "securityContext": confined,
        "command": ["python", "-B", "/scripts/asker.py", url, json.dumps(row)],
        "volumeMounts": [{"name": "scripts", "mountPath": "/scripts"}],
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"cpu": "500m", "memory": "128Mi"}},
    }  # fmt: skip
    pod = {
        "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container], "volumes": [{"name": "scripts", "configMap": {"name": name}}],
    }  # fmt: skip
    place = {"name": name, "namespace": NAMESPACE}
    apply(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "labels": labels},
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": place,
            "data": {SCRIPT.name: SCRIPT.read_text()},
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**place, "labels": {"app": name}},
            "spec": pod,
        },
    )
    try:
        until(
            60,
            "the client's pod",
            lambda: any(map(is_ready, pods(NAMESPACE, f"app={name}"))),
        )
        asker = Asker(name)
        until(30, "the client's first answers", lambda: asker.counts().answered)
        yield asker
    finally:
        kubectl("delete", "namespace", NAMESPACE, "--wait=true")
