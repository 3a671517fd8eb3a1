"""What a manifest refers to exists: ConfigMaps, Secrets and their keys, Services and their ports, accounts, claims."""

from __future__ import annotations

from typing import Any

from relevo_data_api.settings import DataApiSettings
from relevo_inference_api.settings import ApiSettings
from relevo_ui.settings import UiSettings

from relevo.settings import Settings
from tests.manifests.pods import Pod
from tests.manifests.rendering import REPOSITORY, Manifest
from tests.manifests.secret_table import secrets_of

Place = tuple[str, str]
OURS = "docker.io/relevo/"
OF_ROLES = {
    f"RELEVO_{user}_PASSWORD" for user in ("LOOP", "API", "UI")
}  # roles.sql reads them


def keys_of(objects: list[Manifest], kind: str) -> dict[Place, set[str]]:
    return {
        (one["metadata"]["namespace"], one["metadata"]["name"]): set(
            one.get("data") or {}
        )
        for one in objects
        if one["kind"] == kind
    }


def secrets(objects: list[Manifest]) -> dict[Place, set[str]]:
    return {place: set(values) for place, values in secrets_of(objects).items()}


def references(
    pod: Pod, volume: str, name: str, env_from: str, env: str
) -> list[tuple[str, str | None]]:
    """Names, and keys where one is asked for, in volumes, envFrom and env."""
    found: list[tuple[str, str | None]] = [
        (one[volume][name], None)
        for one in pod.spec.get("volumes") or []
        if volume in one
    ]
    for container in pod.all_containers:
        found += [
            (one[env_from]["name"], None)
            for one in container.get("envFrom") or []
            if env_from in one
        ]
        for one in container.get("env") or []:
            if reference := (one.get("valueFrom") or {}).get(env):
                found.append((reference["name"], reference["key"]))
    return found


def check(pods: list[Pod], known: dict[Place, set[str]], *how: str) -> int:
    count = 0
    for pod in pods:
        for name, key in references(pod, *how):
            assert (pod.namespace, name) in known, (
                f"{pod}: no {how[0]} {name} in its namespace"
            )
            assert key is None or key in known[pod.namespace, name], (
                f"{pod}: {name} has no key {key}"
            )
            count += 1
    return count


def test_every_config_map_that_a_pod_names_exists(
    pods: list[Pod], objects: list[Manifest]
) -> None:
    assert (
        check(
            pods,
            keys_of(objects, "ConfigMap"),
            "configMap",
            "name",
            "configMapRef",
            "configMapKeyRef",
        )
        > 20
    )


def test_every_secret_and_key_that_a_pod_names_is_made(
    pods: list[Pod], objects: list[Manifest]
) -> None:
    assert (
        check(
            pods, secrets(objects), "secret", "secretName", "secretRef", "secretKeyRef"
        )
        > 20
    )


def test_every_secret_that_is_made_is_used(
    pods: list[Pod], objects: list[Manifest]
) -> None:
    used = {
        (pod.namespace, name)
        for pod in pods
        for name, _ in references(
            pod, "secret", "secretName", "secretRef", "secretKeyRef"
        )
    }
    assert set(secrets(objects)) - used == {
        ("relevo-data", "logins")
    }  # copied from, and read by nobody


def test_every_image_of_ours_is_built_here_and_every_one_built_here_runs(
    pods: list[Pod],
) -> None:
    images = {
        one["image"].rpartition(":")[0] for pod in pods for one in pod.all_containers
    }
    built = {
        path.parent.name for path in (REPOSITORY / "apps").glob("*/pyproject.toml")
    }
    assert {
        image.removeprefix(OURS) for image in images if image.startswith(OURS)
    } == built


def test_every_setting_of_ours_is_one_that_a_program_reads(
    pods: list[Pod], objects: list[Manifest]
) -> None:
    programs = (Settings, ApiSettings, UiSettings, DataApiSettings)
    known = {
        f"{program.model_config['env_prefix']}{name}".upper()
        for program in programs
        for name in program.model_fields
    }
    given = {name for keys in keys_of(objects, "ConfigMap").values() for name in keys}
    given |= {
        one["name"]
        for pod in pods
        for container in pod.all_containers
        for one in container.get("env") or []
    }
    ours = {name for name in given if name.startswith("RELEVO_")}
    assert len(ours) > 15
    assert ours - known == OF_ROLES


def test_every_config_map_is_used(pods: list[Pod], objects: list[Manifest]) -> None:
    used = {
        (pod.namespace, name)
        for pod in pods
        for name, _ in references(
            pod, "configMap", "name", "configMapRef", "configMapKeyRef"
        )
    }
    assert set(keys_of(objects, "ConfigMap")) - used == set()


def test_no_secret_comes_from_git(
    objects: list[Manifest], root: list[Manifest]
) -> None:
    assert [
        one["metadata"]["name"] for one in [*objects, *root] if one["kind"] == "Secret"
    ] == []


def selected(pods: list[Pod], namespace: str, selector: dict[str, str]) -> list[Pod]:
    return [
        pod
        for pod in pods
        if pod.namespace == namespace and selector.items() <= pod.labels.items()
    ]


def test_every_service_leads_to_a_port_that_its_pods_open(
    pods: list[Pod], objects: list[Manifest]
) -> None:
    for one in (one for one in objects if one["kind"] == "Service"):
        found = selected(pods, one["metadata"]["namespace"], one["spec"]["selector"])
        assert found, f"Service {one['metadata']['name']} selects no pod"
        for port in one["spec"]["ports"]:
            target = port.get("targetPort", port["port"])
            for pod in found:
                opened: set[Any] = {*pod.ports, *pod.ports.values()}
                assert target in opened, (
                    f"Service {one['metadata']['name']}: {pod} opens no port {target}"
                )


def test_every_stateful_set_names_its_service(objects: list[Manifest]) -> None:
    services = keys_of(objects, "Service")
    for one in (one for one in objects if one["kind"] == "StatefulSet"):
        assert (one["metadata"]["namespace"], one["spec"]["serviceName"]) in services


def test_every_account_and_claim_that_a_pod_names_exists(
    pods: list[Pod], objects: list[Manifest]
) -> None:
    accounts, claims = (
        keys_of(objects, "ServiceAccount"),
        keys_of(objects, "PersistentVolumeClaim"),
    )
    for pod in pods:
        account = pod.spec.get("serviceAccountName", "default")
        assert account == "default" or (pod.namespace, account) in accounts, (
            f"{pod}: no account {account}"
        )
        for volume in pod.spec.get("volumes") or []:
            if "persistentVolumeClaim" in volume:
                assert (
                    pod.namespace,
                    volume["persistentVolumeClaim"]["claimName"],
                ) in claims, pod


def test_every_volume_that_is_mounted_exists(
    pods: list[Pod], objects: list[Manifest]
) -> None:
    templates = {
        (one["metadata"]["namespace"], one["metadata"]["name"]): {
            claim["metadata"]["name"]
            for claim in one["spec"].get("volumeClaimTemplates", [])
        }
        for one in objects
        if one["kind"] == "StatefulSet"
    }
    for pod in pods:
        known = {one["name"] for one in pod.spec.get("volumes") or []} | templates.get(
            (pod.namespace, pod.name), set()
        )
        for one in pod.all_containers:
            for mount in one.get("volumeMounts") or []:
                assert mount["name"] in known, (
                    f"{pod} {one['name']}: no volume {mount['name']}"
                )


def test_every_probe_asks_a_port_that_its_container_opens(pods: list[Pod]) -> None:
    for pod in pods:
        for one in pod.containers:
            for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
                if port := one.get(probe, {}).get("httpGet", {}).get("port"):
                    assert port in {*pod.ports, *pod.ports.values()}, (
                        f"{pod}: {probe} asks {port}"
                    )


def test_every_selector_selects_something(
    pods: list[Pod], objects: list[Manifest]
) -> None:
    for one in objects:
        if one["kind"] == "PodDisruptionBudget":
            assert selected(
                pods,
                one["metadata"]["namespace"],
                one["spec"]["selector"]["matchLabels"],
            )


def test_every_right_is_given_to_an_account_that_exists(
    objects: list[Manifest],
) -> None:
    accounts = keys_of(objects, "ServiceAccount")
    roles = {
        (one["metadata"].get("namespace"), one["metadata"]["name"])
        for one in objects
        if "Role" in one["kind"]
    }
    for one in (one for one in objects if one["kind"].endswith("RoleBinding")):
        assert (one["metadata"].get("namespace"), one["roleRef"]["name"]) in roles
        for subject in one["subjects"]:
            assert (subject["namespace"], subject["name"]) in accounts, one["metadata"][
                "name"
            ]


def test_rights_are_named_one_by_one(objects: list[Manifest]) -> None:
    """Secrets can be read only by name, and nobody may do everything."""
    for one in (one for one in objects if one["kind"] in ("Role", "ClusterRole")):
        for rule in one["rules"]:
            assert "*" not in [
                *rule["verbs"],
                *rule["resources"],
                *rule["apiGroups"],
            ], one["metadata"]["name"]
            if "secrets" in rule["resources"]:
                assert rule["verbs"] == ["create"] or rule.get("resourceNames"), one[
                    "metadata"
                ]["name"]
