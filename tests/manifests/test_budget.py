"""It fits on a small machine: what all pods reserve, added up."""

from __future__ import annotations

from itertools import chain

from tests.manifests.pods import Pod, amount
from tests.manifests.rendering import REPOSITORY, Manifest

GIB = 2**30


def steady(pods: list[Pod], resource: str) -> float:
    return sum(pod.asks(resource) * pod.replicas for pod in pods)


def argo_cd(resource: str) -> float:
    lines = (REPOSITORY / "k8s" / "argocd" / "requests.txt").read_text().splitlines()
    asked = chain.from_iterable(
        line.split()[1].split(",") for line in lines if not line.startswith("#")
    )
    return sum(
        amount(one.partition("=")[2]) for one in asked if one.startswith(resource)
    )


def at_most(pods: list[Pod], objects: list[Manifest], resource: str) -> float:
    """On top: Argo CD, one task, one pod more while versions change, and the autoscalers at their ends."""
    by_place = {(pod.namespace, pod.name): pod for pod in pods}
    scaled = [one for one in objects if one["kind"] == "HorizontalPodAutoscaler"]
    more = sum(
        (one["spec"]["maxReplicas"] - one["spec"]["minReplicas"])
        * by_place[
            one["metadata"]["namespace"], one["spec"]["scaleTargetRef"]["name"]
        ].asks(resource)
        for one in scaled
    )
    surge = max(
        pod.asks(resource)
        for pod in pods
        if pod.kind == "Deployment" and pod.name != "mlflow"
    )
    task = max(pod.asks(resource) for pod in pods if pod.kind == "Task")
    return steady(pods, resource) + argo_cd(resource) + task + surge + more


def test_all_that_runs_reserves_at_most_1_2_processors_and_5_gib(
    pods: list[Pod],
) -> None:
    assert round(steady(pods, "cpu"), 3) <= 1.2
    assert steady(pods, "memory") / GIB <= 5


def test_the_fullest_moment_reserves_at_most_2_processors_and_8_gib(
    pods: list[Pod], objects: list[Manifest]
) -> None:
    assert round(at_most(pods, objects, "cpu"), 3) <= 2
    assert at_most(pods, objects, "memory") / GIB <= 8
