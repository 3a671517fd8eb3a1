"""From the bytes of a request to the bytes of its response: read, predict, log.

Every prediction goes through `answer`.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain, repeat
from operator import itemgetter
from typing import Any

import msgspec
from msgspec import UNSET

from relevo.domain.cells import Row
from relevo.domain.dialect import Dialect, PredictedRow
from relevo.errors import LogUnwritable, RelevoError
from relevo.serving.model import ServedModel
from relevo.serving.random_hex import random_hex
from relevo.serving.request.row_reader import RowReader, RowsRefused
from relevo.serving.request.typed_body import read_body_as
from relevo.serving.responses import (
    EncodedResponse,
    FieldWarning,
    Prediction,
    PredictionItem,
    PredictionList,
    Problem,
    Problems,
    encode,
    refusal,
)
from relevo.serving.served_case import ServedCase

log = logging.getLogger(__name__)
_encode_lines = msgspec.json.Encoder().encode_lines


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


class PredictRequest(msgspec.Struct, frozen=True, gc=False):
    """A request that has been read.

    It ends with the model it began with, whatever is swapped meanwhile.
    """

    model: ServedModel
    rows: list[Row]
    is_list: bool
    started: float
    body: bytes
    dialect: Dialect | None


class Predictions(msgspec.Struct, frozen=True, gc=False):
    """Of each row: what is answered, the number that is logged, the probabilities of classes."""

    answers: list[Any]
    outputs: list[float]
    probabilities: list[list[float]]

    def part(self, start: int, end: int) -> Predictions:
        return Predictions(
            self.answers[start:end],
            self.outputs[start:end],
            self.probabilities[start:end],
        )


class NotFinite(Exception):
    """The model answers the row of this index with infinity, or with no number."""


def answer(
    case: ServedCase, body: bytes, dialect: Dialect | None = None
) -> EncodedResponse:
    """Predict one object or a list; in a dialect, one row as its clients send it."""
    request = read_request(case, body, dialect)
    if isinstance(request, EncodedResponse):
        return request
    return predict_together(case, [request])[0]


def read_request(
    case: ServedCase, body: bytes, dialect: Dialect | None = None
) -> PredictRequest | EncodedResponse:
    """What is to be predicted, or why it is refused."""
    started = time.perf_counter()
    model = case.model
    if model is None:
        return refusal(503, no_model(case))
    try:
        read = _read(model, body, dialect)
    except RowsRefused as error:
        return _refused(case, error.problems)
    if isinstance(read, list):
        return PredictRequest(model, read, True, started, body, None)
    return PredictRequest(model, [read], False, started, body, dialect)


def _read(model: ServedModel, body: bytes, dialect: Dialect | None) -> Row | list[Row]:
    if dialect is None:
        return model.strict.read(body)
    reader = model.strict if dialect.strict else model.lenient
    if dialect.request is None or dialect.row is None:
        return one_row(reader, body)
    return reader.read_mapping(dialect.row(read_body_as(dialect.request, body)))


def one_row(reader: RowReader, body: bytes) -> Row:
    read = reader.read(body)
    if isinstance(read, list):
        raise RowsRefused(
            [Problem("", f"{len(read)} rows", "is a list, not an object", "one object")]
        )
    return read


def _refused(case: ServedCase, problems: list[Problem]) -> EncodedResponse:
    case.refused += 1
    return EncodedResponse(422, encode(Problems(problems)))


def no_model(case: ServedCase) -> str:
    if case.has_none:
        return f"{case.name} has no champion yet; train one: relevo run {case.name}"
    return f"{case.name} has not been loaded yet; see /health"


def predict_together(
    case: ServedCase, requests: Sequence[PredictRequest]
) -> list[EncodedResponse]:
    """Requests of one model, predicted by one call and logged by one write: that costs
    little more than one alone.
    """
    rows = requests[0].rows
    if len(requests) > 1:
        rows = [row for request in requests for row in request.rows]
    receipts = new_receipts(len(rows))
    try:
        predictions = _predict(requests[0].model, rows)
    except Exception as error:  # noqa: BLE001
        if len(requests) > 1:
            # one of them has no answer: the others get theirs
            return [predict_together(case, [request])[0] for request in requests]
        return [_failed(case, requests[0], receipts, error)]
    try:
        case.log.append(_log_lines(case, requests, receipts, predictions))
    except LogUnwritable as error:
        log.exception(
            "%s: a prediction was not answered, for it cannot be logged", case.name
        )
        return [refusal(503, str(error))] * len(requests)
    case.count(rows, predictions.answers)
    if len(requests) == 1:
        return [_respond(requests[0], receipts, predictions)]
    responses = []
    end = 0
    for request in requests:
        start, end = end, end + len(request.rows)
        its_own = predictions.part(start, end)
        responses.append(_respond(request, receipts[start:end], its_own))
    return responses


def _predict(model: ServedModel, rows: list[Row]) -> Predictions:
    """NotFinite where a row has no answer that JSON can hold."""
    raw = model.answers(rows)
    answers: list[Any]
    answers = outputs = raw[:, 0].tolist()
    probabilities: list[list[float]] = []
    if classes := model.release.classes:
        best = raw.argmax(axis=1).tolist()
        probabilities = raw.tolist()
        answers = [classes[index] for index in best]
        outputs = [row[index] for row, index in zip(probabilities, best, strict=True)]
    if not all(map(math.isfinite, chain(outputs, *probabilities))):
        raise NotFinite([*map(math.isfinite, outputs), False].index(False))
    return Predictions(answers, outputs, probabilities)


def _respond(
    request: PredictRequest, receipts: list[str], predictions: Predictions
) -> EncodedResponse:
    if request.dialect is not None:
        return _respond_in_dialect(request, request.dialect, receipts[0], predictions)
    model = request.model
    release = model.release
    warnings = _warnings(model, request.rows)
    probabilities: list[Any] = [
        dict(zip(release.classes, row, strict=True))
        for row in predictions.probabilities
    ] or [UNSET] * len(receipts)
    if request.is_list:
        items = map(
            PredictionItem, receipts, predictions.answers, warnings, probabilities
        )
        answered = PredictionList(model.version, model.alias, release.unit, [*items])
        return EncodedResponse(200, encode(answered))
    prediction = Prediction(
        receipt=receipts[0],
        prediction=predictions.answers[0],
        unit=release.unit,
        version=model.version,
        alias=model.alias,
        warnings=warnings[0],
        probabilities=probabilities[0],
    )
    return EncodedResponse(200, encode(prediction), receipts[0])


def _respond_in_dialect(
    request: PredictRequest, dialect: Dialect, receipt: str, predictions: Predictions
) -> EncodedResponse:
    model = request.model
    row = PredictedRow(
        prediction=predictions.answers[0],
        version=model.version,
        alias=model.alias,
        body=request.body,
        classes=model.release.classes,
        probabilities=[*chain(*predictions.probabilities)],
    )
    try:
        body = encode(dialect.respond(row))
    except Exception:
        # code of a use case: what it raises must not reach the requests answered together
        # with this one
        log.exception("%s: its dialect failed", model.release.case)
        return refusal(500, f"the dialect failed; the prediction is logged: {receipt}")
    return EncodedResponse(200, body, receipt)


def new_receipts(count: int) -> list[str]:
    """In order of time: 48 bits of milliseconds, then 80 random ones."""
    now = f"{time.time_ns() // 1_000_000:012x}"
    return [now + random_hex(10) for _ in range(count)]


def _warnings(model: ServedModel, rows: Sequence[Row]) -> list[list[FieldWarning]]:
    """A list a row. That all categories are known, as nearly always, is seen a column at a time."""
    if all(
        known.issuperset(map(itemgetter(index), rows)) for index, known in model.seen
    ):
        return [[]] * len(rows)
    return [
        [
            FieldWarning(
                model.columns[index].name,
                str(row[index]),
                "was never seen in training; treated as any unknown one",
            )
            for index, known in model.seen
            if row[index] not in known
        ]
        for row in rows
    ]


def _log_lines(
    case: ServedCase,
    requests: Sequence[PredictRequest],
    receipts: list[str],
    predictions: Predictions,
    status: int = 200,
    error: str = "",
) -> bytes:
    """One line per row."""
    model = requests[0].model
    at, now = datetime.now(UTC), time.perf_counter()
    latencies = chain.from_iterable(
        repeat(round((now - request.started) * 1000, 3), len(request.rows))
        for request in requests
    )
    rows = chain.from_iterable(request.rows for request in requests)
    texts: Iterable[str | None] = repeat(None)
    if model.release.classes:
        texts = predictions.answers
    each = zip(receipts, rows, predictions.outputs, texts, latencies, strict=False)
    return _encode_lines(
        [
            LogLine(
                receipt=receipt,
                case=case.name,
                environment=case.environment,
                at=at,
                version=model.version,
                input=model.named(*row),
                output=output,
                output_text=text,
                status=status,
                error=error,
                latency_ms=latency,
            )
            for receipt, row, output, text, latency in each
        ]
    )


def _failed(
    case: ServedCase, request: PredictRequest, receipts: list[str], error: Exception
) -> EncodedResponse:
    """A fault of the input is refused; one of the model is logged as predictions are, under
    receipts of its own.
    """
    if isinstance(error, NotFinite):
        index = error.args[0] if request.is_list else UNSET
        advice = "values nearer to those of training"
        problem = Problem("", "", "leads to no finite answer", advice, index)
        return _refused(case, [problem])
    case.failed += len(request.rows)
    log.exception("%s: version %s failed", case.name, request.model.version)
    message = str(error) if isinstance(error, RelevoError) else repr(error)
    nothing: list[Any] = [None] * len(request.rows)
    predictions = Predictions(nothing, nothing, [])
    try:
        lines = _log_lines(case, [request], receipts, predictions, 500, message)
        case.log.append(lines)
    except LogUnwritable:
        log.exception("%s: a prediction that failed is not in its log", case.name)
    return refusal(
        500, f"the model failed; the request is in the log under {receipts[0]}"
    )
