"""From the bytes of a request to the bytes of its answer: read, predict, log. Every prediction goes through `answer`."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain, repeat
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from relevo.domain.cells import Row
from relevo.errors import LogUnwritable, RelevoError
from relevo.serving.model import Answers, ServedModel
from relevo.serving.random_hex import random_hex
from relevo.serving.request.row_reader import Problem, RowReader, RowsRefused
from relevo.serving.served_case import ServedCase

log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines


class PredictResponse(msgspec.Struct, frozen=True, gc=False):
    """`receipt` where exactly one prediction was made."""

    status: int
    body: bytes
    receipt: str = ""


class FieldWarning(msgspec.Struct, frozen=True, gc=False):
    field: str
    value: str
    message: str


class Item(msgspec.Struct, frozen=True, gc=False):
    """One prediction of a list; for classification the class, with the probability of each."""

    receipt: str
    prediction: float | str
    warnings: list[FieldWarning]
    probabilities: dict[str, float] | UnsetType = UNSET


class Prediction(msgspec.Struct, frozen=True, gc=False):
    receipt: str
    prediction: float | str
    unit: str
    version: str
    alias: str
    warnings: list[FieldWarning]
    probabilities: dict[str, float] | UnsetType = UNSET


class Predictions(msgspec.Struct, frozen=True, gc=False):
    version: str
    alias: str
    unit: str
    predictions: list[Item]


class HousePrice(msgspec.Struct, frozen=True, gc=False):
    """The house prices contract: its own names, and the input as it came."""

    predicted_price: float | str
    model_alias: str
    model_version: str
    input_features: msgspec.Raw


class LogLine(msgspec.Struct, frozen=True, gc=False):
    """The columns of the table predictions.log."""

    receipt: str
    case: str
    environment: str
    at: datetime
    version: str
    input: msgspec.Struct
    output: float | None
    output_text: str | None
    status: int
    error: str
    latency_ms: float


class PredictRequest(NamedTuple):
    """A request that has been read. It ends with the model it began with, whatever is swapped meanwhile."""

    model: ServedModel
    read: Row | list[Row]
    echo: bytes | None  # the body, where the house prices contract wants it back
    started: float

    @property
    def rows(self) -> list[Row]:
        return self.read if isinstance(self.read, list) else [self.read]


def answer(case: ServedCase, body: bytes, *, contract: bool = False) -> PredictResponse:
    """A prediction for one object or for a list. `contract` speaks as the house prices contract does: one object alone."""
    asked = ask(case, body, contract=contract)
    return (
        asked
        if isinstance(asked, PredictResponse)
        else predict_together(case, [asked])[0]
    )


def ask(
    case: ServedCase, body: bytes, *, contract: bool = False
) -> PredictRequest | PredictResponse:
    """What is asked for, or why it is refused."""
    started = time.perf_counter()
    model = case.model
    if model is None:
        return refusal(503, no_model(case))
    try:
        if contract:
            return PredictRequest(model, one_row(model.lenient, body), body, started)
        return PredictRequest(model, model.strict.read(body), None, started)
    except RowsRefused as error:
        return _refused(case, error)


def _refused(case: ServedCase, error: RowsRefused) -> PredictResponse:
    case.refused += 1
    return PredictResponse(422, _encode({"detail": error.problems}))


def one_row(reader: RowReader, body: bytes) -> Row:
    read = reader.read(body)
    if isinstance(read, list):
        raise RowsRefused(
            [Problem("", f"{len(read)} rows", "is a list, not an object", "one object")]
        )
    return read


def refusal(status: int, detail: str) -> PredictResponse:
    return PredictResponse(status, _encode({"detail": detail}))


def no_model(case: ServedCase) -> str:
    if case.has_none:
        return f"{case.name} has no champion yet; train one: relevo run {case.name}"
    return f"{case.name} has not been loaded yet; see /health"


def predict_together(
    case: ServedCase, asked: Sequence[PredictRequest]
) -> list[PredictResponse]:
    """Requests of one model, predicted by one call and logged by one write: that costs little more than one alone."""
    model = asked[0].model
    rows = (
        asked[0].rows if len(asked) == 1 else [row for one in asked for row in one.rows]
    )
    receipts = new_receipts(len(rows))
    failure: Exception | None = None
    try:
        outcomes, outputs, probabilities = _outcomes(model, model.answers(rows))
    except Exception as error:  # noqa: BLE001
        failure = error
    finite = failure is None and all(map(math.isfinite, chain(outputs, *probabilities)))
    if not finite and len(asked) > 1:
        return [predict_together(case, [one])[0] for one in asked]
    if failure is not None:
        _log_failure(case, asked[0], receipts, failure)
        return [
            refusal(
                500, f"the model failed; the request is in the log under {receipts[0]}"
            )
        ]
    if not finite:
        return [
            _refused(
                case,
                RowsRefused([_too_extreme(outputs, isinstance(asked[0].read, list))]),
            )
        ]
    try:
        case.log.append(_log_lines(case, asked, receipts, outcomes, outputs))
    except LogUnwritable as error:
        log.exception(
            "%s: a prediction was not answered, for it cannot be logged", case.name
        )
        return [refusal(503, str(error))] * len(asked)
    case.count(rows, outcomes)
    answered, start = [], 0
    for one in asked:
        part = slice(start, start := start + len(one.rows))
        answered.append(
            _answered(one, receipts[part], outcomes[part], probabilities[part])
        )
    return answered


def _answered(
    asked: PredictRequest,
    receipts: list[str],
    outcomes: list[Any],
    probabilities: list[list[float]],
) -> PredictResponse:
    model, read, echo, _ = asked
    alias, version, unit, classes = (
        model.alias,
        model.version,
        model.release.unit,
        model.release.classes,
    )
    if echo is not None:
        return PredictResponse(
            200,
            _encode(HousePrice(outcomes[0], alias, version, msgspec.Raw(echo))),
            receipts[0],
        )
    given: list[Any] = (
        [dict(zip(classes, p, strict=True)) for p in probabilities]
        if classes
        else [UNSET] * len(outcomes)
    )
    if not isinstance(read, list):
        one = Prediction(
            receipts[0],
            outcomes[0],
            unit,
            version,
            alias,
            _warnings(model, [read])[0],
            given[0],
        )
        return PredictResponse(200, _encode(one), receipts[0])
    items = [
        Item(receipt, outcome, warnings, each)
        for receipt, outcome, warnings, each in zip(
            receipts, outcomes, _warnings(model, read), given, strict=True
        )
    ]
    return PredictResponse(200, _encode(Predictions(version, alias, unit, items)))


def new_receipts(count: int) -> list[str]:
    """In order of time: 48 bits of milliseconds, then 80 random ones."""
    now = f"{time.time_ns() // 1_000_000:012x}"
    return [now + random_hex(10) for _ in range(count)]


def _outcomes(
    model: ServedModel, answers: Answers
) -> tuple[list[Any], list[float], list[list[float]]]:
    """What is answered, the number that is logged for it, and the probabilities of classes."""
    if not model.release.classes:
        numbers = answers[:, 0].tolist()
        return numbers, numbers, []
    best = answers.argmax(axis=1).tolist()
    probabilities = answers.tolist()
    words = [model.release.classes[code] for code in best]
    return (
        words,
        [p[code] for p, code in zip(probabilities, best, strict=True)],
        probabilities,
    )


def _warnings(model: ServedModel, rows: Sequence[Row]) -> list[list[FieldWarning]]:
    """A list a row. That all words are known, as nearly always, is seen a column at a time."""
    if all(
        known.issuperset(map(itemgetter(place), rows)) for place, known in model.seen
    ):
        return [[]] * len(rows)
    return [
        [
            FieldWarning(
                model.columns[place].name,
                str(row[place]),
                "was never seen in training; treated as any unknown one",
            )
            for place, known in model.seen
            if row[place] not in known
        ]
        for row in rows
    ]


def _too_extreme(outputs: list[float], is_list: bool) -> Problem:
    place = next(
        (place for place, output in enumerate(outputs) if not math.isfinite(output)), 0
    )
    return Problem(
        "",
        "",
        "leads to no finite answer",
        "values nearer to those of training",
        place if is_list else UNSET,
    )


def _log_lines(
    case: ServedCase,
    asked: Sequence[PredictRequest],
    receipts: list[str],
    outcomes: list[Any],
    outputs: list[float],
) -> bytes:
    model, at = asked[0].model, datetime.now(UTC)
    words = outcomes if model.release.classes else repeat(None)
    rows = [
        (row, latency)
        for one in asked
        for latency in (_milliseconds(one.started),)
        for row in one.rows
    ]
    return _encode_lines(
        [
            LogLine(
                r,
                case.name,
                case.environment,
                at,
                model.version,
                model.named(*row),
                out,
                word,
                200,
                "",
                latency,
            )
            for r, (row, latency), out, word in zip(
                receipts, rows, outputs, words, strict=False
            )
        ]
    )


def _log_failure(
    case: ServedCase, asked: PredictRequest, receipts: list[str], error: Exception
) -> None:
    model, rows = asked.model, asked.rows
    case.failed += len(rows)
    log.exception("%s: version %s failed", case.name, model.version)
    at, latency = datetime.now(UTC), _milliseconds(asked.started)
    said = str(error) if isinstance(error, RelevoError) else repr(error)
    lines = [
        LogLine(
            r,
            case.name,
            case.environment,
            at,
            model.version,
            model.named(*row),
            None,
            None,
            500,
            said,
            latency,
        )
        for r, row in zip(receipts, rows, strict=True)
    ]
    try:
        case.log.append(_encode_lines(lines))
    except LogUnwritable:
        log.exception("%s: a prediction that failed is not in its log", case.name)


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
