"""The aliases of MLflow's registry over its REST API: all that serving needs of MLflow, without its library."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx

from relevo.domain.model_version import ModelVersion
from relevo.errors import NotFound, StoreUnavailable

# MLflow says so of a model, a version or an alias that it does not have
ABSENT = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
# within both limits of MLflow: 8,000 characters for a run's tag, 100,000 for a version's
LONGEST_TAG = 5000


class MlflowAliases:
    """Opens no connection before the first call."""

    def __init__(self, tracking_uri: str, timeout: float = 5.0) -> None:
        self._uri = tracking_uri.rstrip("/")
        self._client = httpx.Client(
            base_url=f"{self._uri}/api/2.0/mlflow/", timeout=timeout
        )

    def version(self, case: str, number: str) -> ModelVersion:
        version = {"name": case, "version": number}
        answer = self._request("GET", "model-versions/get", params=version)
        if answer is None:
            raise no_version(case, number)
        return _version(answer["model_version"])

    def alias(self, case: str, alias: str) -> str | None:
        named = {"name": case, "alias": alias}
        answer = self._request("GET", "registered-models/alias", params=named)
        if answer is None:
            return None
        return str(answer["model_version"]["version"])

    def set_alias(self, case: str, alias: str, number: str) -> None:
        values = {"name": case, "alias": alias, "version": number}
        if self._request("POST", "registered-models/alias", json=values) is None:
            raise no_version(case, number)

    def tag(self, case: str, number: str, tags: dict[str, str]) -> None:
        version = {"name": case, "version": number}
        for key, value in tags.items():
            values = {**version, "key": key, "value": value[:LONGEST_TAG]}
            if self._request("POST", "model-versions/set-tag", json=values) is None:
                raise no_version(case, number)

    def close(self) -> None:
        self._client.close()

    def _request(self, method: str, path: str, **request: Any) -> dict[str, Any] | None:
        """MLflow's answer; None where it does not have what is named."""
        try:
            response = self._client.request(method, path, **request)
            body: dict[str, Any] = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise self._unavailable(f"{type(error).__name__}: {error}") from error
        if response.is_success:
            return body
        if response.is_client_error and body.get("error_code") in ABSENT:
            return None
        raise self._unavailable(f"{response.status_code} {body.get('message', '')}")

    def _unavailable(self, reason: str) -> StoreUnavailable:
        return StoreUnavailable(
            f"MLflow at {self._uri} does not answer as it should: {reason}; start it or correct RELEVO_TRACKING_URI"
        )


def no_version(case: str, number: str) -> NotFound:
    return NotFound(
        f"{case} has no version {number}; `relevo status {case}` lists those it has"
    )


def _version(values: dict[str, Any]) -> ModelVersion:
    created = int(values["creation_timestamp"]) / 1000
    return ModelVersion(
        number=str(values["version"]),
        run_id=values.get("run_id", ""),
        created_at=datetime.fromtimestamp(created, UTC),
        tags={tag["key"]: tag["value"] for tag in values.get("tags", ())},
        aliases=tuple(values.get("aliases", ())),
    )
