"""What NetworkPolicies let through, computed as a network plugin would."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any

from tests.manifests.pods import Pod
from tests.manifests.rendering import Manifest


@dataclass(frozen=True)
class Outside:
    """An address that is no pod of ours: the API server, a kubelet."""

    address: str


@dataclass(frozen=True)
class Stranger:
    """A pod of a namespace that is not ours."""

    namespace: str
    namespace_labels: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()


Peer = Pod | Outside | Stranger


class Network:
    def __init__(self, objects: list[Manifest]) -> None:
        self._policies = [one for one in objects if one["kind"] == "NetworkPolicy"]
        self._namespaces = {
            one["metadata"]["name"]: one["metadata"].get("labels", {})
            for one in objects
            if one["kind"] == "Namespace"
        }

    def allows(
        self, source: Peer, target: Peer, port: int, protocol: str = "TCP"
    ) -> bool:
        leaves = not isinstance(source, Pod) or self._lets(
            "egress", source, target, port, protocol
        )
        enters = not isinstance(target, Pod) or self._lets(
            "ingress", target, source, port, protocol
        )
        return leaves and enters

    def _lets(self, way: str, pod: Pod, other: Peer, port: int, protocol: str) -> bool:
        """No policy selects the pod: all may pass. Else one rule of one policy must say so."""
        end = {"egress": "to", "ingress": "from"}[way]
        chosen = [
            one
            for one in self._policies
            if self._selects(one, pod) and way.title() in one["spec"]["policyTypes"]
        ]
        rules = [rule for one in chosen for rule in one["spec"].get(way) or []]
        return not chosen or any(
            _has_port(rule, port, protocol, pod if way == "ingress" else other)
            and (
                end not in rule
                or any(self._is(peer, other, pod.namespace) for peer in rule[end])
            )
            for rule in rules
        )

    def _selects(self, policy: Manifest, pod: Pod) -> bool:
        inside = policy["metadata"]["namespace"] == pod.namespace
        return inside and matches(policy["spec"]["podSelector"], pod.labels)

    def _is(self, peer: Manifest, other: Peer, namespace: str) -> bool:
        if isinstance(other, Outside):
            return "ipBlock" in peer and _inside(other.address, peer["ipBlock"])
        if "ipBlock" in peer:
            return (
                False  # a pod is named by its labels; its address is nobody's promise
            )
        if "namespaceSelector" not in peer and other.namespace != namespace:
            return False
        if not matches(
            peer.get("namespaceSelector", {}), self._labels_of_namespace(other)
        ):
            return False
        labels = other.labels if isinstance(other, Pod) else dict(other.labels)
        return matches(peer.get("podSelector", {}), labels)

    def _labels_of_namespace(self, other: Pod | Stranger) -> dict[str, str]:
        known = (
            self._namespaces.get(other.namespace, {})
            if isinstance(other, Pod)
            else dict(other.namespace_labels)
        )
        return {**known, "kubernetes.io/metadata.name": other.namespace}


def matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    for one in selector.get("matchExpressions", []):
        if one["operator"] != "In":
            raise NotImplementedError(one["operator"])
        if labels.get(one["key"]) not in one["values"]:
            return False
    return bool(selector.get("matchLabels", {}).items() <= labels.items())


def _has_port(rule: Manifest, port: int, protocol: str, opened_by: Peer) -> bool:
    named = opened_by.ports if isinstance(opened_by, Pod) else {}
    return "ports" not in rule or any(
        named.get(one["port"], one["port"]) == port
        and one.get("protocol", "TCP") == protocol
        for one in rule["ports"]
    )


def _inside(address: str, block: Manifest) -> bool:
    spoken = ipaddress.ip_address(address)
    excepted = any(
        spoken in ipaddress.ip_network(one) for one in block.get("except", [])
    )
    return spoken in ipaddress.ip_network(block["cidr"]) and not excepted
