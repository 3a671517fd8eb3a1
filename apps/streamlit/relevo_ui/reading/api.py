"""The inference API of one environment, over HTTP. Whatever goes wrong says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import httpx

from relevo.errors import RelevoError

Shape = TypeVar("Shape")
Row = Mapping[str, Any]


class ApiAway(RelevoError):
    """No answer within the time-out, or one that only a server in trouble gives."""


class ApiRefused(RelevoError):
    """The API understood and said no; `faults` are the fields it found wrong."""

    def __init__(
        self, message: str, status: int, faults: tuple[Fault, ...] = ()
    ) -> None:
        super().__init__(message)
        self.status, self.faults = status, faults


@dataclass(frozen=True, slots=True)
class Fault:
    """A field and what is wrong with it, or worth knowing about it."""

    field: str
    message: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class InputField:
    name: str
    kind: str
    nullable: bool
    low: float | None = None
    high: float | None = None
    values: list[str] | None = None
    digits: int | None = None
    doc: str = ""
    default: Any = None
    typical: list[float] | None = None
    suggestions: list[str] | None = None


@dataclass(frozen=True, slots=True)
class TypicalError:
    metric: str
    value: float


@dataclass(frozen=True, slots=True)
class Form:
    """What a model must be asked with."""

    case: str
    title: str
    task: str
    target: str
    unit: str
    version: str
    alias: str
    fields: tuple[InputField, ...]
    typical_error: TypicalError | None


@dataclass(frozen=True, slots=True)
class Answer:
    receipt: str
    prediction: float | str
    unit: str
    version: str
    alias: str
    warnings: tuple[Fault, ...]
    probabilities: Mapping[str, float] | None


@dataclass(frozen=True, slots=True)
class Contribution:
    feature: str
    value: Any
    contribution: float
    factor: float | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """`base` and the contributions add up on the model's own `scale`; on "log" their exponentials multiply."""

    prediction: float | str
    version: str
    unit: str
    scale: str
    base: float
    contributions: tuple[Contribution, ...]


class Api:
    def __init__(
        self, environment: str, url: str, timeout: float, key: str = ""
    ) -> None:
        self.environment, self.url = environment, url.rstrip("/")
        self._client = httpx.Client(
            base_url=self.url,
            timeout=timeout,
            headers={"X-API-Key": key} if key else {},
        )

    def health(self) -> dict[str, Any]:
        return self._ask("GET", "/health")

    def model(self, case: str) -> dict[str, Any]:
        return self._ask("GET", f"/v1/{case}/model")

    def form(self, case: str) -> Form:
        found = self._ask("GET", f"/v1/{case}/schema")
        error = found.get("typical_error")
        return _shaped(
            Form,
            {
                **found,
                "fields": tuple(_shaped(InputField, one) for one in found["fields"]),
                "typical_error": _shaped(TypicalError, error) if error else None,
            },
        )

    def predict(self, case: str, row: Row) -> Answer:
        found = self._ask("POST", f"/v1/{case}/predict", dict(row))
        warnings = tuple(_shaped(Fault, one) for one in found.get("warnings") or [])
        return _shaped(Answer, {"probabilities": None, **found, "warnings": warnings})

    def explain(self, case: str, row: Row) -> Explanation:
        found = self._ask("POST", f"/v1/{case}/explain", dict(row))
        return _shaped(
            Explanation,
            {
                **found,
                "contributions": tuple(
                    _shaped(Contribution, one) for one in found["contributions"]
                ),
            },
        )

    def trace(self, receipt: str) -> dict[str, Any]:
        return self._ask("GET", f"/v1/receipts/{receipt}")

    def promote(
        self, case: str, version: str, reason: str, token: str
    ) -> dict[str, Any]:
        return self._ask(
            "POST", f"/v1/{case}/promote", {"version": version, "reason": reason}, token
        )

    def rollback(self, case: str, reason: str, token: str) -> dict[str, Any]:
        return self._ask("POST", f"/v1/{case}/rollback", {"reason": reason}, token)

    def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        token: str | None = None,
    ) -> dict[str, Any]:
        """`token` where it is an order."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            answer = self._client.request(method, path, json=body, headers=headers)
            found = answer.json()
        except httpx.TimeoutException as error:
            raise ApiAway(
                f"The API of {self.environment} at {self.url} took too long to answer. Try again."
            ) from error
        except (httpx.HTTPError, ValueError) as error:
            raise ApiAway(
                f"The API of {self.environment} at {self.url} does not answer. Start it (`.venv/bin/relevo-inference-api`), "
                "or correct RELEVO_UI_APIS."
            ) from error
        if answer.is_success and isinstance(found, dict):
            return found
        raise _refused(answer.status_code, found, ordered=token is not None)


def _refused(status: int, found: Any, *, ordered: bool) -> ApiRefused:
    detail = found.get("detail", found) if isinstance(found, dict) else found
    if isinstance(detail, list):
        faults = tuple(_shaped(Fault, one) for one in detail if isinstance(one, dict))
        return ApiRefused(
            "; ".join(f"{one.field}: {one.message}" for one in faults), status, faults
        )
    if status == httpx.codes.UNAUTHORIZED:
        wrong = (
            "The token is not the one this API knows (its RELEVO_API_TOKEN)."
            if ordered
            else "This API wants a key: set RELEVO_UI_API_KEY to its RELEVO_API_KEY."
        )
        return ApiRefused(wrong, status)
    return ApiRefused(str(detail), status)


def _shaped(shape: type[Shape], values: Mapping[str, Any]) -> Shape:
    """The object from an answer; what this version of the UI does not know of is passed over."""
    known = {one.name for one in fields(shape)}  # type: ignore[arg-type]
    return shape(**{name: value for name, value in values.items() if name in known})
