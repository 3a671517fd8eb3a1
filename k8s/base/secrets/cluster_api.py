"""The cluster's own API, asked from inside a pod with what its ServiceAccount may do."""

from __future__ import annotations

import base64
import json
import os
import ssl
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def ask(
    method: str, path: str, body: Any = None, kind: str = "application/json"
) -> Any:
    server = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    headers = {
        "Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}",
        "Content-Type": kind,
    }
    request = Request(  # noqa: S310
        server + path,
        json.dumps(body).encode() if body else None,
        headers,
        method=method,
    )
    try:
        with urlopen(  # noqa: S310
            request, context=ssl.create_default_context(cafile=ACCOUNT / "ca.crt")
        ) as answer:
            return json.load(answer)
    except HTTPError as error:
        raise Refused(
            error.code,
            f"{method} {path}: {error.code} {error.read().decode(errors='replace')}",
        ) from error


def read_secret(namespace: str, name: str) -> dict[str, str]:
    secret = ask("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")
    return {
        key: base64.b64decode(value).decode() for key, value in secret["data"].items()
    }


def create_secret(namespace: str, name: str, values: dict[str, str]) -> bool:
    """False where it is there already; then it stays as it is."""
    metadata = {"name": name, "labels": {"app.kubernetes.io/part-of": "relevo"}}
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "stringData": values,
    }
    try:
        ask("POST", f"/api/v1/namespaces/{namespace}/secrets", body)
    except Refused as error:
        if error.status == 409:
            return False
        raise
    return True


def change_secret(namespace: str, name: str, values: dict[str, str]) -> None:
    path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
    ask("PATCH", path, {"stringData": values}, "application/merge-patch+json")
