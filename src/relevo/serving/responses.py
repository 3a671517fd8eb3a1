"""The shapes of the API's responses: encoded as they are, documented from here, read by the UI."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relevo.domain.prediction import Label

# of a cell; a date is encoded as text
JsonValue = Annotated[
    Any, Meta(extra_json_schema={"type": ["number", "boolean", "string", "null"]})
]
encode = msgspec.json.Encoder().encode


class ApiShape(msgspec.Struct, frozen=True):
    """Base of all that is sent; each subclass is a component of /openapi.json."""


class Refusal(ApiShape, frozen=True):
    detail: str


class Problem(ApiShape, frozen=True):
    """One thing that is wrong. `row` is its index in a list; no `field`: the whole row or body."""

    field: str
    value: str
    message: str
    allowed: str
    row: int | UnsetType = UNSET


class Problems(ApiShape, frozen=True):
    detail: list[Problem]


# predictions: made for each row, so none of them is tracked by the garbage collector


class FieldWarning(ApiShape, frozen=True, gc=False):
    field: str
    value: str
    message: str


class PredictionItem(ApiShape, frozen=True, gc=False):
    """One prediction of a list; of a classification the class, with the probability of each."""

    receipt: str
    prediction: float | str
    warnings: list[FieldWarning]
    probabilities: dict[str, float] | UnsetType = UNSET


class Prediction(ApiShape, frozen=True, gc=False):
    receipt: str
    prediction: float | str
    unit: str
    version: str
    alias: str
    warnings: list[FieldWarning]
    probabilities: dict[str, float] | UnsetType = UNSET


class PredictionList(ApiShape, frozen=True, gc=False):
    version: str
    alias: str
    unit: str
    predictions: list[PredictionItem]


class Contribution(ApiShape, frozen=True):
    """`factor` only for a logarithm: what the base is multiplied by."""

    feature: str
    value: JsonValue
    contribution: float
    factor: float | None


class Explanation(ApiShape, frozen=True, kw_only=True):
    """`base` and the contributions add up to the prediction in `scale`; `floor` is the
    least there is.
    """

    prediction: float | str
    version: str
    alias: str
    unit: str
    scale: Literal["log", "target", "log odds"]
    base: float
    base_value: float | None
    floor: float | None
    contributions: list[Contribution]


# a served case


class FieldSchema(ApiShape, frozen=True, kw_only=True):
    name: str
    kind: str
    nullable: bool
    low: float | None
    high: float | None
    values: tuple[str, ...] | None
    digits: int | None
    doc: str
    default: JsonValue
    typical: tuple[JsonValue, JsonValue] | None
    suggestions: tuple[str, ...] | None


class TypicalError(ApiShape, frozen=True):
    metric: str
    value: float


class RequestLimits(ApiShape, frozen=True):
    rows: int
    bytes: int


class CaseSchema(ApiShape, frozen=True, kw_only=True):
    case: str
    title: str
    task: str
    target: str
    unit: str
    classes: tuple[str, ...]
    version: str
    alias: str
    fields: list[FieldSchema]
    typical_error: TypicalError | None
    limits: RequestLimits


class LastReload(ApiShape, frozen=True):
    """What came of the last poll of the registry; `error` is empty where all went well."""

    ok: bool
    at: datetime
    error: str


class DecisionSummary(ApiShape, frozen=True):
    id: int
    sentence: str


class VerdictSummary(ApiShape, frozen=True):
    ruling: str
    sentence: str


class ModelInfo(ApiShape, frozen=True, kw_only=True):
    case: str
    version: str
    alias: str
    environment: str
    age_seconds: float
    trained_at: str
    loaded_at: datetime
    estimator: str
    digest: str
    data_sha256: str
    batches: list[int] | None
    rows: dict[str, int] | None
    commit: str
    metrics: dict[str, float]
    decision: DecisionSummary | None
    verdict: VerdictSummary | None
    last_reload: LastReload | None


class TracedRelease(ApiShape, frozen=True, kw_only=True):
    digest: str
    estimator: str
    trained_at: str
    metrics: dict[str, float]


class TracedData(ApiShape, frozen=True, kw_only=True):
    sha256: str
    batches: list[int] | None
    rows: dict[str, int] | None


class Receipt(ApiShape, frozen=True, kw_only=True):
    """A logged prediction, and what led to it as far as that is known."""

    receipt: str
    case: str
    environment: str
    at: str
    version: str | None
    input: dict[str, JsonValue]
    output: float | None
    output_text: str | None
    status: int
    error: str
    latency_ms: float | None
    shipped: bool
    label: Label | None
    release: TracedRelease | None
    data: TracedData | None
    commit: str | None
    decision: DecisionSummary | None
    verdict: VerdictSummary | None


# operations


class WaitingLog(ApiShape, frozen=True):
    waiting_rows: int
    oldest_seconds: float


class CaseHealth(ApiShape, frozen=True, kw_only=True):
    version: str | None
    alias: str | None
    age_seconds: float | None
    last_reload: LastReload | None
    log: WaitingLog


class Health(ApiShape, frozen=True):
    status: Literal["OK"]
    cases: dict[str, CaseHealth]


class Readiness(ApiShape, frozen=True):
    ready: bool
    cases: dict[str, bool]


class Notified(ApiShape, frozen=True):
    status: Literal["OK"]


class AcceptedLabels(ApiShape, frozen=True):
    accepted: int


class Reloaded(ApiShape, frozen=True):
    version: str | None
    changed: bool


class MovedAlias(ApiShape, frozen=True):
    version: str
    was: str | None
    reason: str


class EncodedResponse(msgspec.Struct, frozen=True, gc=False):
    """As it leaves. `receipt` where exactly one prediction was made."""

    status: int
    body: bytes
    receipt: str = ""


def refusal(status: int, detail: str) -> EncodedResponse:
    return EncodedResponse(status, encode(Refusal(detail)))
