"""The shapes of answers, for the documents and for the routes that are not hot."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

Cell = float | int | bool | str | None


class Problem(BaseModel):
    field: str
    value: str
    message: str
    allowed: str
    row: int | None = None


class Problems(BaseModel):
    detail: list[Problem]


class Refusal(BaseModel):
    detail: str


class FieldWarning(BaseModel):
    field: str
    value: str
    message: str


class Item(BaseModel):
    receipt: str
    prediction: float | str
    warnings: list[FieldWarning]
    probabilities: dict[str, float] | None = None


class Prediction(Item):
    unit: str
    version: str
    alias: str


class Predictions(BaseModel):
    version: str
    alias: str
    unit: str
    predictions: list[Item]


class HousePrice(BaseModel):
    predicted_price: float
    model_alias: str
    model_version: str
    input_features: dict[str, Any]


class Contribution(BaseModel):
    feature: str
    value: Cell
    contribution: float
    factor: float | None


class Explanation(BaseModel):
    prediction: float | str
    version: str
    alias: str
    unit: str
    scale: Literal["log", "target", "log odds"]
    base: float
    base_value: float | None
    floor: float | None
    contributions: list[Contribution]


class Field(BaseModel):
    name: str
    kind: str
    nullable: bool
    low: float | None
    high: float | None
    values: list[str] | None
    digits: int | None
    doc: str
    default: Cell
    typical: tuple[Cell, Cell] | None
    suggestions: list[str] | None


class TypicalError(BaseModel):
    metric: str
    value: float


class Limits(BaseModel):
    rows: int
    bytes: int


class Schema(BaseModel):
    case: str
    title: str
    task: str
    target: str
    unit: str
    classes: list[str]
    version: str
    alias: str
    fields: list[Field]
    typical_error: TypicalError | None
    limits: Limits


class LastReload(BaseModel):
    ok: bool
    at: str
    error: str


class Decision(BaseModel):
    id: int
    sentence: str


class Verdict(BaseModel):
    ruling: str
    sentence: str


class Model(BaseModel):
    case: str
    version: str
    alias: str
    environment: str
    age_seconds: float
    trained_at: str
    loaded_at: str
    estimator: str
    digest: str
    data_sha256: str
    batches: list[int] | None
    rows: dict[str, int] | None
    commit: str
    metrics: dict[str, float]
    decision: Decision | None
    verdict: Verdict | None
    last_reload: LastReload | None


class Label(BaseModel):
    truth: str
    at: str


class TracedRelease(BaseModel):
    digest: str
    estimator: str
    trained_at: str
    metrics: dict[str, float]


class TracedData(BaseModel):
    sha256: str
    batches: list[int] | None
    rows: dict[str, int] | None


class Receipt(BaseModel):
    receipt: str
    case: str
    environment: str
    at: str
    version: str | None
    input: dict[str, Cell]
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
    decision: Decision | None
    verdict: Verdict | None


class Accepted(BaseModel):
    accepted: int


class Reloaded(BaseModel):
    version: str | None
    changed: bool


class Moved(BaseModel):
    version: str
    was: str | None
    reason: str


class WaitingLog(BaseModel):
    waiting_rows: int
    oldest_seconds: float


class CaseHealth(BaseModel):
    version: str | None
    alias: str | None
    age_seconds: float | None
    last_reload: LastReload | None
    log: WaitingLog


class Health(BaseModel):
    status: Literal["OK"]
    cases: dict[str, CaseHealth]


class Ready(BaseModel):
    ready: bool
    cases: dict[str, bool]


class Hinted(BaseModel):
    status: Literal["OK"]
