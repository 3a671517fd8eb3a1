"""The aliases of MLflow's registry over its REST API: all that serving needs of MLflow, without its library."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx

from relevo.domain.model_version import ModelVersion
from relevo.errors import NotFound, StoreUnavailable

# MLflow says so of a model, a version or an alias that it does not have
ABSENT = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})


class _Absent(Exception):
    """What was asked for is not there."""


class MlflowAliases:
    """Opens no connection before the first question."""

    def __init__(self, tracking_uri: str, timeout: float = 5.0) -> None:
        self._uri = tracking_uri.rstrip("/")
        self._client = httpx.Client(
            base_url=f"{self._uri}/api/2.0/mlflow/", timeout=timeout
        )

    def version(self, case: str, number: str) -> ModelVersion:
        try:
            return _version(
                self._ask("model-versions/get", name=case, version=number)[
                    "model_version"
                ]
            )
        except _Absent:
            raise NotFound(
                f"{case} has no version {number}; `relevo status {case}` lists those it has"
            ) from None

    def alias(self, case: str, alias: str) -> str | None:
        try:
            found = self._ask("registered-models/alias", name=case, alias=alias)
        except _Absent:
            return None
        return str(found["model_version"]["version"])

    def set_alias(self, case: str, alias: str, number: str) -> None:
        try:
            self._tell(
                "registered-models/alias", name=case, alias=alias, version=number
            )
        except _Absent:
            raise NotFound(
                f"{case} has no version {number}; `relevo status {case}` lists those it has"
            ) from None

    def tag(self, case: str, number: str, tags: dict[str, str]) -> None:
        for key, value in tags.items():
            self._tell(
                "model-versions/set-tag",
                name=case,
                version=number,
                key=key,
                value=value[:5000],
            )

    def close(self) -> None:
        self._client.close()

    def _ask(self, path: str, **question: str) -> dict[str, Any]:
        return self._answer("GET", path, params=question)

    def _tell(self, path: str, **order: str) -> None:
        self._answer("POST", path, json=order)

    def _answer(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, **request)
            body: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise self._away(f"{type(error).__name__}: {error}") from error
        if answer.is_success:
            return body
        if answer.is_client_error and body.get("error_code") in ABSENT:
            raise _Absent
        raise self._away(f"{answer.status_code} {body.get('message', '')}")

    def _away(self, reason: str) -> StoreUnavailable:
        return StoreUnavailable(
            f"MLflow at {self._uri} does not answer as it should: {reason}; start it or correct RELEVO_TRACKING_URI"
        )


def _version(found: dict[str, Any]) -> ModelVersion:
    created = datetime.fromtimestamp(int(found["creation_timestamp"]) / 1000, UTC)
    tags = {tag["key"]: tag["value"] for tag in found.get("tags", ())}
    return ModelVersion(
        str(found["version"]),
        found.get("run_id", ""),
        created,
        tags,
        tuple(found.get("aliases", ())),
    )
