"""Every connection that a setting names: whom a pod is told to speak to, in its environment or its files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from tests.manifests.pods import Pod
from tests.manifests.rendering import Manifest
from tests.manifests.secret_table import secrets_of

HOST = re.compile(
    r"(?<![\w.-])([a-z][a-z0-9-]*)\.(relevo-[a-z]+)(?:\.svc(?:\.cluster\.local)?)?(?::(\d+))?(?![\w-])"
)
# It names the server itself: whom it answers to.
OF_THE_SERVER = "MLFLOW_SERVER_ALLOWED_HOSTS"


@dataclass(frozen=True)
class Connection:
    source: Pod
    service: str
    namespace: str
    port: int
    protocol: str = "TCP"

    def __str__(self) -> str:
        return f"{self.source} → {self.service}.{self.namespace}:{self.port}/{self.protocol}"


class Settings:
    """Values as a container gets them."""

    def __init__(self, objects: list[Manifest]) -> None:
        self.files = {
            (one["metadata"]["namespace"], one["metadata"]["name"]): one.get("data")
            or {}
            for one in objects
            if one["kind"] == "ConfigMap"
        }
        self.secrets = secrets_of(objects)

    def environment(self, pod: Pod) -> dict[str, str]:
        found: dict[str, str] = {}
        for container in pod.all_containers:
            for one in container.get("envFrom") or []:
                if "configMapRef" in one:
                    found |= self.files[pod.namespace, one["configMapRef"]["name"]]
                else:
                    found |= self.secrets[pod.namespace, one["secretRef"]["name"]]
            for one in container.get("env") or []:
                if "value" in one:
                    found[one["name"]] = one["value"]
                elif reference := (one.get("valueFrom") or {}).get("secretKeyRef"):
                    found[one["name"]] = self.secrets[pod.namespace, reference["name"]][
                        reference["key"]
                    ]
        return found

    def mounted(self, pod: Pod) -> dict[str, str]:
        names = [
            one["configMap"]["name"]
            for one in pod.spec.get("volumes") or []
            if "configMap" in one
        ]
        return {
            key: text
            for name in names
            for key, text in self.files[pod.namespace, name].items()
        }


def connections(pods: list[Pod], objects: list[Manifest]) -> set[Connection]:
    settings = Settings(objects)
    return {
        one
        for pod in pods
        for one in (*_by_environment(pod, settings, objects), *_by_files(pod, settings))
    }


def _by_environment(
    pod: Pod, settings: Settings, objects: list[Manifest]
) -> Iterator[Connection]:
    environment = settings.environment(pod)
    for name, value in environment.items():
        for service, namespace, port in HOST.findall(
            value if name != OF_THE_SERVER else ""
        ):
            beside = environment.get(name.removesuffix("HOST") + "PORT")
            yield Connection(
                pod,
                service,
                namespace,
                int(port or beside or only_port(service, namespace, objects)),
            )


def _by_files(pod: Pod, settings: Settings) -> Iterator[Connection]:
    files = settings.mounted(pod)
    if "prometheus.yml" in files:
        for text in files.values():
            yield from _scrapes(pod, yaml.safe_load(text))
    if "datasource.yaml" in files:
        for service, namespace, port in HOST.findall(files["datasource.yaml"]):
            yield Connection(pod, service, namespace, int(port))
    if "airflow.cfg" in files and pod.name != "airflow-run-airflow-migrations":
        found = dict(
            re.findall(
                r"^(statsd_host|statsd_port) = (.+)$", files["airflow.cfg"], re.M
            )
        )
        yield Connection(
            pod, found["statsd_host"], pod.namespace, int(found["statsd_port"]), "UDP"
        )


def _scrapes(pod: Pod, config: Manifest) -> Iterator[Connection]:
    for job in config["scrape_configs"]:
        for target in (
            target for one in job.get("static_configs", []) for target in one["targets"]
        ):
            for service, namespace, port in HOST.findall(target):
                yield Connection(pod, service, namespace, int(port))
        for one in job.get("dns_sd_configs", []):
            for name in one["names"]:
                service, namespace = name.split(".")[:2]
                yield Connection(pod, service, namespace, one["port"])


def only_port(service: str, namespace: str, objects: list[Manifest]) -> int:
    (port,) = service_of(service, namespace, objects)["spec"]["ports"]
    return int(port["port"])


def service_of(name: str, namespace: str, objects: list[Manifest]) -> Manifest:
    for one in objects:
        if one["kind"] == "Service" and (
            one["metadata"]["name"],
            one["metadata"]["namespace"],
        ) == (name, namespace):
            return one
    raise AssertionError(f"no Service {name} in {namespace}")
