"""What every pod keeps to. An exception is listed here by name, with its reason."""

from __future__ import annotations

import pytest

from tests.manifests.connections import Settings
from tests.manifests.pods import LONG_RUNNING, Pod, amount
from tests.manifests.rendering import Manifest

# The official chart offers no such probe for these; their liveness probes take minutes to give up.
WITHOUT_PROBE = {
    ("airflow-scheduler", "readinessProbe"),
    ("airflow-dag-processor", "readinessProbe"),
    ("airflow-dag-processor", "startupProbe"),
    ("airflow-statsd", "startupProbe"),
}
# They ask Kubernetes itself: to make Secrets, to change them, to find nodes, to start tasks.
WITH_TOKEN = {"make-secrets", "rotate-postgresql", "prometheus", "airflow-scheduler"}
VOLUMES = {
    "configMap",
    "emptyDir",
    "secret",
    "persistentVolumeClaim",
    "projected",
    "downwardAPI",
    "csi",
    "ephemeral",
}


def test_every_container_says_what_it_needs_and_where_it_ends(pods: list[Pod]) -> None:
    for pod in pods:
        for one in pod.all_containers:
            for bound in ("requests", "limits"):
                assert {"cpu", "memory"} <= set(one["resources"].get(bound, {})), (
                    f"{pod} {one['name']}: no {bound}"
                )


@pytest.mark.parametrize("probe", ["livenessProbe", "readinessProbe", "startupProbe"])
def test_every_long_running_container_is_probed(probe: str, pods: list[Pod]) -> None:
    missing = {
        (pod.name, probe)
        for pod in pods
        if pod.kind in LONG_RUNNING
        for one in pod.containers
        if probe not in one
    }
    assert missing == {
        exception for exception in WITHOUT_PROBE if exception[1] == probe
    }


def test_every_namespace_enforces_restricted_pods(
    objects: list[Manifest], environments: list[str]
) -> None:
    namespaces = [one for one in objects if one["kind"] == "Namespace"]
    assert len(namespaces) == 5 + len(environments)
    for one in namespaces:
        assert (
            one["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
            == "restricted"
        ), one["metadata"]["name"]


def test_every_pod_lives_in_a_namespace_of_ours(
    pods: list[Pod], objects: list[Manifest]
) -> None:
    ours = {one["metadata"]["name"] for one in objects if one["kind"] == "Namespace"}
    assert {pod.namespace for pod in pods} == ours - {""}


def test_every_pod_passes_pod_security_restricted(pods: list[Pod]) -> None:
    for pod in pods:
        spec, security = pod.spec, pod.spec["securityContext"]
        assert not any(
            spec.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")
        ), pod
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, pod
        assert security["runAsNonRoot"] is True, pod
        for volume in spec.get("volumes") or []:
            assert set(volume) - {"name"} <= VOLUMES, f"{pod}: {volume}"
        for one in pod.all_containers:
            confined = one["securityContext"]
            assert confined["allowPrivilegeEscalation"] is False, f"{pod} {one['name']}"
            assert confined["capabilities"] == {"drop": ["ALL"]}, f"{pod} {one['name']}"
            assert not confined.get("privileged"), f"{pod} {one['name']}"
            assert not any("hostPort" in port for port in one.get("ports") or []), (
                f"{pod} {one['name']}"
            )


def test_every_container_runs_as_a_fixed_user_on_a_root_it_cannot_write(
    pods: list[Pod],
) -> None:
    for pod in pods:
        assert pod.spec["securityContext"]["runAsUser"] > 0, pod
        for one in pod.all_containers:
            assert one["securityContext"]["readOnlyRootFilesystem"] is True, (
                f"{pod} {one['name']}"
            )


def test_no_service_puts_its_address_into_a_pod(pods: list[Pod]) -> None:
    assert [
        str(pod) for pod in pods if pod.spec.get("enableServiceLinks") is not False
    ] == []


def test_only_pods_that_ask_kubernetes_hold_a_token(
    pods: list[Pod], objects: list[Manifest]
) -> None:
    accounts = {
        (one["metadata"]["namespace"], one["metadata"]["name"]): one.get(
            "automountServiceAccountToken", True
        )
        for one in objects
        if one["kind"] == "ServiceAccount"
    }

    def has_token(pod: Pod) -> bool:
        of_account = accounts.get(
            (pod.namespace, pod.spec.get("serviceAccountName", "default")), True
        )
        return bool(pod.spec.get("automountServiceAccountToken", of_account))

    assert {pod.name for pod in pods if has_token(pod)} == WITH_TOKEN


def test_every_image_has_a_tag_that_does_not_move(pods: list[Pod]) -> None:
    for pod in pods:
        for one in pod.all_containers:
            name, _, tag = one["image"].rpartition(":")
            assert name.count("/") >= 2, f"{pod}: {one['image']} names no registry"
            assert tag not in ("", "latest"), f"{pod}: {one['image']}"


def test_an_image_has_one_tag_wherever_it_runs_outside_dev_and_prod(
    pods: list[Pod], environments: list[str]
) -> None:
    tags: dict[str, set[str]] = {}
    for pod in pods:
        if pod.namespace.removeprefix("relevo-") not in environments:
            for one in pod.all_containers:
                name, _, tag = one["image"].rpartition(":")
                tags.setdefault(name, set()).add(tag)
    assert {name: found for name, found in tags.items() if len(found) > 1} == {}


def test_what_is_scaled_by_load_names_no_number_of_pods(
    objects: list[Manifest], environments: list[str]
) -> None:
    scaled = [one for one in objects if one["kind"] == "HorizontalPodAutoscaler"]
    assert len(scaled) == len(environments)
    for one in scaled:
        target = one["spec"]["scaleTargetRef"]
        found = [
            other
            for other in objects
            if (other["kind"], other["metadata"]["name"])
            == (target["kind"], target["name"])
            and other["metadata"]["namespace"] == one["metadata"]["namespace"]
        ]
        assert len(found) == 1
        assert "replicas" not in found[0]["spec"]


def test_the_api_ends_requests_before_it_goes_and_is_spread_and_kept(
    pods: list[Pod], objects: list[Manifest], environments: list[str]
) -> None:
    apis = [pod for pod in pods if pod.name == "inference-api"]
    assert sorted(pod.namespace for pod in apis) == [
        f"relevo-{name}" for name in environments
    ]
    for pod in apis:
        pause = pod.containers[0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pod.spec["terminationGracePeriodSeconds"] >= pause + 30
        assert (
            pod.spec["topologySpreadConstraints"][0]["topologyKey"]
            == "kubernetes.io/hostname"
        )
        rollout = next(
            one["spec"]["strategy"]["rollingUpdate"]
            for one in objects
            if one["kind"] == "Deployment"
            and one["metadata"]["name"] == "inference-api"
        )
        assert rollout["maxUnavailable"] == 0
        budgets = [one for one in objects if one["kind"] == "PodDisruptionBudget"]
        assert any(one["metadata"]["namespace"] == pod.namespace for one in budgets)


def test_the_log_of_predictions_refuses_before_its_volume_is_full(
    pods: list[Pod], objects: list[Manifest], environments: list[str]
) -> None:
    """A pod that fills its volume is evicted, and what it has not shipped goes with it."""
    apis = [pod for pod in pods if pod.name == "inference-api"]
    for pod in apis:
        limit = float(Settings(objects).environment(pod)["RELEVO_API_LOG_BYTES"])
        (state,) = [
            amount(one["emptyDir"]["sizeLimit"])
            for one in pod.spec["volumes"]
            if one["name"] == "state"
        ]
        assert 0.5 * state < limit < 0.8 * state
    assert len(apis) == len(environments)


def test_what_keeps_state_keeps_it_on_a_claim(objects: list[Manifest]) -> None:
    keeps = {
        one["metadata"]["name"]: one["spec"]
        for one in objects
        if one["kind"] == "StatefulSet"
    }
    assert set(keeps) == {"postgresql", "mysql", "minio", "data-api", "prometheus"}
    for name, spec in keeps.items():
        mounted = {
            mount["name"]
            for one in spec["template"]["spec"]["containers"]
            for mount in one["volumeMounts"]
        }
        assert {
            claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]
        } <= mounted, name
