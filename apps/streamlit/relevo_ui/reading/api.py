"""The inference API of one environment, over HTTP. Each failure says what to do."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import httpx
import msgspec

from relevo.errors import RelevoError
from relevo.serving.responses import (
    CaseSchema,
    Explanation,
    ModelInfo,
    MovedAlias,
    Prediction,
    Problem,
    Receipt,
)

ResponseType = TypeVar("ResponseType")
# by whether the request had a token
UNAUTHORIZED = {
    False: "This API needs a key: set RELEVO_UI_API_KEY to its RELEVO_API_KEY.",
    True: "The API knows another token; enter its RELEVO_API_TOKEN.",
}


class ApiError(RelevoError):
    """A request failed; `problems` are the fields that are wrong."""

    problems: Sequence[Problem] = ()


class ApiUnavailable(ApiError):
    """No answer within the time-out, or one that cannot be read."""


class ApiRefused(ApiError):
    """The API refused the request."""

    def __init__(
        self, message: str, status: int, problems: Sequence[Problem] = ()
    ) -> None:
        super().__init__(message)
        self.status, self.problems = status, problems


class _Refusal(msgspec.Struct):
    """`detail` of a Refusal, or of Problems."""

    detail: str | list[Problem]


class Api:
    def __init__(
        self, environment: str, url: str, timeout: float, key: str = ""
    ) -> None:
        self.environment, self.url = environment, url.rstrip("/")
        headers = {"X-API-Key": key}
        self._client = httpx.Client(base_url=self.url, timeout=timeout, headers=headers)

    def model(self, case: str) -> ModelInfo:
        return self._send("GET", f"/v1/{case}/model", ModelInfo)

    def schema(self, case: str) -> CaseSchema:
        return self._send("GET", f"/v1/{case}/schema", CaseSchema)

    def trace(self, receipt: str) -> Receipt:
        return self._send("GET", f"/v1/receipts/{receipt}", Receipt)

    def predict(self, case: str, row: Mapping[str, Any]) -> Prediction:
        return self._send("POST", f"/v1/{case}/predict", Prediction, row)

    def explain(self, case: str, row: Mapping[str, Any]) -> Explanation:
        return self._send("POST", f"/v1/{case}/explain", Explanation, row)

    def move_champion(
        self, case: str, action: str, body: Mapping[str, str], token: str
    ) -> MovedAlias:
        """`action` is promote, of a version, or rollback; both need a reason."""
        return self._send("POST", f"/v1/{case}/{action}", MovedAlias, body, token)

    def _send(
        self,
        method: str,
        path: str,
        response_type: type[ResponseType],
        body: Mapping[str, Any] | None = None,
        token: str | None = None,
    ) -> ResponseType:
        headers = {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        api = f"The API of {self.environment} at {self.url}"
        try:
            response = self._client.request(method, path, json=body, headers=headers)
            if response.is_success:
                return msgspec.json.decode(response.content, type=response_type)
            detail = msgspec.json.decode(response.content, type=_Refusal).detail
        except httpx.TimeoutException as error:
            raise ApiUnavailable(
                f"{api} took too long to answer. Try again."
            ) from error
        except (httpx.HTTPError, msgspec.MsgspecError) as error:
            raise ApiUnavailable(
                f"{api} does not answer. Start it (`.venv/bin/relevo-inference-api`), "
                "or correct RELEVO_UI_APIS."
            ) from error
        if isinstance(detail, list):
            message = "; ".join(f"{each.field}: {each.message}" for each in detail)
            raise ApiRefused(message, response.status_code, detail)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            detail = UNAUTHORIZED[token is not None]
        raise ApiRefused(detail, response.status_code)
