"""Every object is what the API servers of three Kubernetes versions, and Argo CD, would accept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.manifests.rendering import Manifest

SCHEMAS = Path(__file__).parent / "schemas"


def without_nulls(value: Any) -> Any:
    """As the API server reads it: a null is a field left out."""
    if isinstance(value, dict):
        return {
            key: without_nulls(one) for key, one in value.items() if one is not None
        }
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def faults(objects: list[Manifest], file: str) -> list[str]:
    schemas = json.loads((SCHEMAS / file).read_text())
    validators = {
        kind: jsonschema_rs.Draft7Validator(
            {"$ref": f"#/definitions/{name}", "definitions": schemas["definitions"]}
        )
        for kind, name in schemas["kinds"].items()
    }
    found = []
    for one in objects:
        kind = f"{one['apiVersion']}/{one['kind']}"
        name = f"{kind} {one['metadata']['name']}"
        if kind not in validators:
            found.append(f"{name}: no such kind")
            continue
        found += [
            f"{name}: {'.'.join(map(str, error.instance_path))}: {error.message}"[:300]
            for error in validators[kind].iter_errors(without_nulls(one))
        ]
    return found


@pytest.mark.parametrize("version", ["v1.34", "v1.35", "v1.36"])
def test_every_object_is_valid_in_kubernetes(
    version: str, objects: list[Manifest], root: list[Manifest]
) -> None:
    tasks = [
        yaml.safe_load(text)
        for one in objects
        if one["metadata"]["name"] == "airflow-task-sizes"
        for text in one["data"].values()
    ]
    assert len(tasks) == 2
    plain = [one for one in root if "argoproj" not in one["apiVersion"]]
    assert faults([*objects, *plain, *tasks], f"kubernetes-{version}.json") == []


def test_every_application_is_valid_in_argo_cd(root: list[Manifest]) -> None:
    assert (
        faults([one for one in root if "argoproj" in one["apiVersion"]], "argo-cd.json")
        == []
    )


def test_a_field_that_kubernetes_does_not_know_is_found(
    objects: list[Manifest],
) -> None:
    service = next(one for one in objects if one["kind"] == "Service")
    broken = {**service, "spec": {**service["spec"], "portz": []}}
    assert len(faults([broken], "kubernetes-v1.36.json")) == 1
