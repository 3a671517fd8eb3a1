"""The inference API of one environment, over HTTP. Each failure says what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import httpx
import msgspec

from relevo.errors import RelevoError

ResponseType = TypeVar("ResponseType")


class ApiError(RelevoError):
    """A request failed; `problems` are the fields that are wrong."""

    problems: Sequence[FieldProblem] = ()


class ApiUnavailable(ApiError):
    """No answer within the time-out, or one that cannot be read."""


class ApiRefused(ApiError):
    """The API refused the request."""

    def __init__(
        self, message: str, status: int, problems: Sequence[FieldProblem] = ()
    ) -> None:
        super().__init__(message)
        self.status, self.problems = status, problems


class FieldProblem(msgspec.Struct):
    """A field and what is wrong with it, or worth knowing about it."""

    field: str
    message: str


class InputField(msgspec.Struct):
    name: str
    kind: str
    nullable: bool
    low: float | None = None
    high: float | None = None
    values: list[str] | None = None
    digits: int | None = None
    doc: str = ""
    default: Any = None
    typical: list[Any] | None = None
    suggestions: list[str] | None = None


class ErrorMetric(msgspec.Struct):
    metric: str
    value: float


class Form(msgspec.Struct):
    """What a model must be asked with."""

    case: str
    title: str
    task: str
    target: str
    unit: str
    version: str
    alias: str
    fields: list[InputField]
    typical_error: ErrorMetric | None = None


class PredictionResponse(msgspec.Struct):
    receipt: str
    prediction: float | str
    unit: str
    version: str
    alias: str
    warnings: list[FieldProblem]
    probabilities: dict[str, float] | None = None


class FieldContribution(msgspec.Struct):
    feature: str
    value: Any
    contribution: float


class Explanation(msgspec.Struct):
    """`base` and the contributions add up on the model's own `scale`; on "log" their exponentials multiply."""

    prediction: float | str
    version: str
    unit: str
    scale: str
    base: float
    contributions: list[FieldContribution]


class _Refusal(msgspec.Struct):
    detail: str | list[FieldProblem]


class Api:
    def __init__(
        self, environment: str, url: str, timeout: float, key: str = ""
    ) -> None:
        self.environment, self.url = environment, url.rstrip("/")
        headers = {"X-API-Key": key}
        self._client = httpx.Client(base_url=self.url, timeout=timeout, headers=headers)

    def model(self, case: str) -> dict[str, Any]:
        return self._get(f"/v1/{case}/model", dict[str, Any])

    def form(self, case: str) -> Form:
        return self._get(f"/v1/{case}/schema", Form)

    def trace(self, receipt: str) -> dict[str, Any]:
        return self._get(f"/v1/receipts/{receipt}", dict[str, Any])

    def predict(self, case: str, row: Mapping[str, Any]) -> PredictionResponse:
        return self._post(f"/v1/{case}/predict", row, PredictionResponse)

    def explain(self, case: str, row: Mapping[str, Any]) -> Explanation:
        return self._post(f"/v1/{case}/explain", row, Explanation)

    def move_champion(
        self, case: str, action: str, body: Mapping[str, str], token: str
    ) -> dict[str, Any]:
        """`action` is promote, of a version, or rollback; both need a reason."""
        return self._post(f"/v1/{case}/{action}", body, dict[str, Any], token)

    def _get(self, path: str, response_type: type[ResponseType]) -> ResponseType:
        return self._decoded(self._client.build_request("GET", path), response_type)

    def _post(
        self,
        path: str,
        body: Mapping[str, Any],
        response_type: type[ResponseType],
        token: str | None = None,
    ) -> ResponseType:
        request = self._client.build_request("POST", path, json=body)
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        try:
            return self._decoded(request, response_type)
        except ApiRefused as refused:
            if token is None or refused.status != httpx.codes.UNAUTHORIZED:
                raise
            raise ApiRefused(
                "The API knows another token; enter its RELEVO_API_TOKEN.",
                refused.status,
            ) from refused

    def _decoded(
        self, request: httpx.Request, response_type: type[ResponseType]
    ) -> ResponseType:
        api = f"The API of {self.environment} at {self.url}"
        try:
            response = self._client.send(request)
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
            detail = (
                "This API needs a key: set RELEVO_UI_API_KEY to its RELEVO_API_KEY."
            )
        raise ApiRefused(detail, response.status_code)
