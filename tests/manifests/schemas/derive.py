"""Makes the schemas beside this file: python -m tests.manifests.schemas.derive v1.34.2 v1.35.0 v1.36.3

Takes what Kubernetes publishes of its API in the Go module k8s.io/kubernetes, and the CRDs of Argo CD's; keeps the kinds
that Relevo renders, without prose; and makes them strict: a field that is not named is an error. Needs `go`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
KINDS = {
    "ClusterRole", "ClusterRoleBinding", "ConfigMap", "CronJob", "Deployment", "HorizontalPodAutoscaler", "Job",
    "Namespace", "NetworkPolicy", "PersistentVolumeClaim", "Pod", "PodDisruptionBudget", "Role", "RoleBinding",
    "Secret", "Service", "ServiceAccount", "StatefulSet",
}  # fmt: skip
ARGO_CD = "v3.5.7"
KEPT = (
    "type",
    "properties",
    "items",
    "additionalProperties",
    "required",
    "$ref",
    "enum",
    "allOf",
)
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"


def module(name: str, version: str) -> Path:
    command = ["go", "mod", "download", "-json", f"{name}@{version}"]
    return Path(
        json.loads(
            subprocess.run(command, check=True, capture_output=True, text=True).stdout
        )["Dir"]
    )


def strict(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "int-or-string" or schema.get(
        "x-kubernetes-int-or-string"
    ):
        return {"type": ["string", "integer"]}
    kept = {key: schema[key] for key in KEPT if key in schema}
    if "properties" in kept:
        kept["properties"] = {
            name: strict(value) for name, value in kept["properties"].items()
        }
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            kept.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if key in kept:
            kept[key] = strict(kept[key])
    return kept


def reachable(definitions: dict[str, Any], start: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    todo = sorted(start)
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = (
                {"type": ["string", "number"]}
                if name == QUANTITY
                else strict(definitions[name])
            )
            todo += [
                part.split('"')[0]
                for part in json.dumps(found[name]).split("#/definitions/")[1:]
            ]
    return found


def kubernetes(version: str) -> dict[str, Any]:
    swagger = json.loads(
        (
            module("k8s.io/kubernetes", version) / "api/openapi-spec/swagger.json"
        ).read_text()
    )
    kinds: dict[str, str] = {}
    for name, schema in swagger["definitions"].items():
        for kind in schema.get("x-kubernetes-group-version-kind", []):
            if kind["kind"] in KINDS and "properties" in schema:
                kinds[
                    "/".join(
                        filter(None, (kind["group"], kind["version"], kind["kind"]))
                    )
                ] = name
    return {
        "kinds": kinds,
        "definitions": reachable(swagger["definitions"], set(kinds.values())),
    }


def argo_cd(version: str) -> dict[str, Any]:
    folder = module("github.com/argoproj/argo-cd/v3", version) / "manifests/crds"
    found: dict[str, Any] = {"kinds": {}, "definitions": {}}
    for file in ("application-crd.yaml", "appproject-crd.yaml"):
        crd = yaml.safe_load((folder / file).read_text())["spec"]
        kind = crd["names"]["kind"]
        schema = strict(crd["versions"][0]["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        found["kinds"][f"{crd['group']}/v1alpha1/{kind}"] = kind
        found["definitions"][kind] = schema
    return found


def write(name: str, schemas: dict[str, Any]) -> None:
    path = HERE / f"{name}.json"
    path.write_text(json.dumps(schemas, sort_keys=True, separators=(",", ":")) + "\n")
    print(
        f"{path.name}: {len(schemas['kinds'])} kinds, {path.stat().st_size // 1024} KiB"
    )


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        write(f"kubernetes-{wanted.rpartition('.')[0]}", kubernetes(wanted))
    write("argo-cd", argo_cd(ARGO_CD))
