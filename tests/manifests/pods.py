"""The pods that rendered objects would start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from tests.manifests.rendering import Component, Manifest

LONG_RUNNING = ("Deployment", "StatefulSet")
UNITS = {"m": 0.001, "": 1.0, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


@dataclass(frozen=True)
class Pod:
    name: str
    namespace: str
    kind: str  # of what starts it
    labels: dict[str, str]
    spec: Manifest
    replicas: int

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def containers(self) -> list[Manifest]:
        return list(self.spec["containers"])

    @property
    def all_containers(self) -> list[Manifest]:
        return [*(self.spec.get("initContainers") or []), *self.spec["containers"]]

    @cached_property
    def ports(self) -> dict[str, int]:
        return {
            port["name"]: port["containerPort"]
            for one in self.containers
            for port in one.get("ports") or []
        }

    def asks(self, resource: str) -> float:
        """What the scheduler reserves: the sum of the containers, or the greediest of those that go before."""

        def of(container: Manifest) -> float:
            return amount(container["resources"]["requests"][resource])

        before = [of(one) for one in self.spec.get("initContainers") or []]
        return max([sum(of(one) for one in self.containers), *before])

    def __hash__(self) -> int:
        return hash((self.namespace, self.name))


def amount(quantity: str | float) -> float:
    text = str(quantity)
    number = text.rstrip("KMGim")
    return float(number) * UNITS[text[len(number) :]]


def pods_of(components: list[Component]) -> list[Pod]:
    objects = [one for component in components for one in component.objects]
    fewest = {
        (one["metadata"]["namespace"], one["spec"]["scaleTargetRef"]["name"]): one[
            "spec"
        ]["minReplicas"]
        for one in objects
        if one["kind"] == "HorizontalPodAutoscaler"
    }
    return [pod for one in objects for pod in _pods(one, fewest)]


def _pods(one: Manifest, fewest: dict[tuple[str, str], int]) -> Iterator[Pod]:
    name, namespace, kind = (
        one["metadata"]["name"],
        one["metadata"].get("namespace", ""),
        one["kind"],
    )
    if kind in (*LONG_RUNNING, "Job"):
        template = one["spec"]["template"]
        count = (
            fewest.get((namespace, name), one["spec"].get("replicas", 1))
            if kind in LONG_RUNNING
            else 0
        )
        yield Pod(
            name,
            namespace,
            kind,
            template["metadata"]["labels"],
            template["spec"],
            count,
        )
    elif kind == "CronJob":
        template = one["spec"]["jobTemplate"]["spec"]["template"]
        yield Pod(
            name, namespace, kind, template["metadata"]["labels"], template["spec"], 0
        )
    elif kind == "ConfigMap" and name == "airflow-task-sizes":
        for size, text in one["data"].items():
            task: dict[str, Any] = yaml.safe_load(text)
            yield Pod(
                f"task-{size.removesuffix('.yaml')}",
                namespace,
                "Task",
                task["metadata"]["labels"],
                task["spec"],
                0,
            )
