"""Each connection that a setting names is allowed, and no other is."""

from __future__ import annotations

import pytest

from tests.manifests.connections import Connection, connections, service_of
from tests.manifests.pods import Pod
from tests.manifests.policies import Network, Outside, Stranger, matches
from tests.manifests.rendering import Manifest
from tests.manifests.test_pods import WITH_TOKEN

API_SERVERS = [443, 6443, 16443]
DNS = Stranger("kube-system")
SOMEBODY = Stranger("default")
PUBLIC = {
    "inference-api",
    "streamlit",
    "mlflow",
    "grafana",
    "airflow-api-server",
    "locust-master",
}


@pytest.fixture(scope="module")
def network(objects: list[Manifest]) -> Network:
    return Network(objects)


@pytest.fixture(scope="module")
def named(pods: list[Pod], objects: list[Manifest]) -> set[Connection]:
    found = connections(pods, objects)
    assert len(found) > 50
    return found


def targets(
    one: Connection, pods: list[Pod], objects: list[Manifest]
) -> list[tuple[Pod, int]]:
    """The pods behind a Service, and the port that each opens for it."""
    service = service_of(one.service, one.namespace, objects)["spec"]
    ports = [
        port
        for port in service["ports"]
        if (port["port"], port.get("protocol", "TCP")) == (one.port, one.protocol)
    ]
    assert ports, f"{one}: the Service has no such port"
    behind = [
        pod
        for pod in pods
        if pod.namespace == one.namespace
        and service["selector"].items() <= pod.labels.items()
    ]
    target = ports[0].get("targetPort", one.port)
    return [(pod, pod.ports.get(target, target)) for pod in behind]


def test_every_connection_that_a_setting_names_leads_to_a_service_and_is_allowed(
    named: set[Connection], network: Network, pods: list[Pod], objects: list[Manifest]
) -> None:
    for one in named:
        found = targets(one, pods, objects)
        assert found, f"{one}: no pod behind it"
        for pod, port in found:
            assert network.allows(one.source, pod, port, one.protocol), (
                f"{one} is denied"
            )


def test_no_connection_is_allowed_that_no_setting_names(
    named: set[Connection], network: Network, pods: list[Pod], objects: list[Manifest]
) -> None:
    wanted = {
        (one.source, pod, port, one.protocol)
        for one in named
        for pod, port in targets(one, pods, objects)
    }
    opened = {
        (pod, port, protocol)
        for pod in pods
        for port in pod.ports.values()
        for protocol in ("TCP", "UDP")
    }
    allowed = {
        (source, pod, port, protocol)
        for source in pods
        for pod, port, protocol in opened
        if source is not pod and network.allows(source, pod, port, protocol)
    }
    surplus = {f"{one[0]} → {one[1]}:{one[2]}/{one[3]}" for one in allowed - wanted}
    assert surplus == set()


def test_every_pod_may_ask_for_names(network: Network, pods: list[Pod]) -> None:
    for pod in pods:
        assert network.allows(pod, DNS, 53, "UDP"), pod
        assert network.allows(pod, DNS, 53, "TCP"), pod


@pytest.mark.parametrize("port", API_SERVERS)
def test_only_pods_that_hold_a_token_reach_the_api_server(
    port: int, network: Network, pods: list[Pod]
) -> None:
    assert {
        pod.name for pod in pods if network.allows(pod, Outside("203.0.113.7"), port)
    } == WITH_TOKEN


def test_only_prometheus_reaches_the_kubelets(
    network: Network, pods: list[Pod]
) -> None:
    assert {
        pod.name for pod in pods if network.allows(pod, Outside("203.0.113.7"), 10250)
    } == {"prometheus"}


def test_nothing_else_leaves_the_cluster(network: Network, pods: list[Pod]) -> None:
    for port in (22, 80, 8080, 9000):
        assert [
            str(pod)
            for pod in pods
            if network.allows(pod, Outside("203.0.113.7"), port)
        ] == []


def test_nobody_from_elsewhere_comes_in(network: Network, pods: list[Pod]) -> None:
    for pod in pods:
        for port in pod.ports.values():
            assert not network.allows(SOMEBODY, pod, port), (
                f"{pod}:{port} is open to any pod of the cluster"
            )
            assert not network.allows(Outside("203.0.113.7"), pod, port), (
                f"{pod}:{port} is open to any address"
            )


def test_what_people_look_at_opens_to_namespaces_that_are_labelled_for_it(
    network: Network, pods: list[Pod]
) -> None:
    ingress = Stranger("ingress", (("relevo/ingress", "true"),))
    reached = {
        pod.name
        for pod in pods
        for port in pod.ports.values()
        if network.allows(ingress, pod, port)
    }
    assert reached == PUBLIC


def test_a_new_pod_reaches_nothing_and_is_reached_by_nobody(
    network: Network, pods: list[Pod]
) -> None:
    for namespace in {pod.namespace for pod in pods}:
        new = Pod(
            "new",
            namespace,
            "Deployment",
            {"app.kubernetes.io/name": "new"},
            {"containers": []},
            1,
        )
        for pod in pods:
            for port in pod.ports.values():
                assert not network.allows(new, pod, port), (
                    f"a new pod in {namespace} reaches {pod}:{port}"
                )
            assert not network.allows(pod, new, 8080)


def test_every_policy_selects_a_pod_and_names_pods_that_exist(
    pods: list[Pod], objects: list[Manifest]
) -> None:
    for one in (one for one in objects if one["kind"] == "NetworkPolicy"):
        name, namespace = one["metadata"]["name"], one["metadata"]["namespace"]
        if name == "allow-kubernetes-api":
            continue  # in every namespace, for the pods that carry its label
        assert any(
            p.namespace == namespace and matches(one["spec"]["podSelector"], p.labels)
            for p in pods
        ), name
        for rule in [
            *(one["spec"].get("ingress") or []),
            *(one["spec"].get("egress") or []),
        ]:
            for peer in [*rule.get("from", []), *rule.get("to", [])]:
                for expression in peer.get("podSelector", {}).get(
                    "matchExpressions", []
                ):
                    known = {pod.labels.get(expression["key"]) for pod in pods}
                    assert set(expression["values"]) <= known, (
                        f"{name}: {set(expression['values']) - known} is nobody"
                    )
