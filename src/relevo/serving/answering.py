"""From the bytes of a request to the bytes of its answer: read, predict, log. Every prediction goes through `answer`."""

from __future__ import annotations

import logging
import os
import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from relevo.domain.cells import Cell
from relevo.errors import LogUnwritable, RelevoError
from relevo.serving.model import Answers, ServedModel
from relevo.serving.reading import Problem, Row, RowReader, RowsRefused
from relevo.serving.served_case import ServedCase

log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines


class Answered(msgspec.Struct, frozen=True):
    """`receipt` where exactly one prediction was made."""

    status: int
    body: bytes
    receipt: str = ""


class Warned(msgspec.Struct, frozen=True):
    field: str
    value: str
    message: str


class Item(msgspec.Struct, frozen=True):
    """One prediction of a list; for classification the class, with the probability of each."""

    receipt: str
    prediction: float | str
    warnings: list[Warned]
    probabilities: dict[str, float] | UnsetType = UNSET


class Prediction(msgspec.Struct, frozen=True):
    receipt: str
    prediction: float | str
    unit: str
    version: str
    alias: str
    warnings: list[Warned]
    probabilities: dict[str, float] | UnsetType = UNSET


class Predictions(msgspec.Struct, frozen=True):
    version: str
    alias: str
    unit: str
    predictions: list[Item]


class HousePrice(msgspec.Struct, frozen=True):
    """The house prices contract: its own names, and the input as it came."""

    predicted_price: float | str
    model_alias: str
    model_version: str
    input_features: msgspec.Raw


class LogLine(msgspec.Struct, frozen=True):
    """The columns of the table predictions.log."""

    receipt: str
    case: str
    environment: str
    at: datetime
    version: str
    input: dict[str, Cell]
    output: float | None
    output_text: str | None
    status: int
    error: str
    latency_ms: float


def answer(case: ServedCase, body: bytes, *, contract: bool = False) -> Answered:
    """A prediction for one object or for a list. `contract` speaks as the house prices contract does: one object alone."""
    started = time.perf_counter()
    model = case.model  # read once: whatever is swapped meanwhile, this request ends with the model it began with
    if model is None:
        return refusal(503, no_model(case))
    try:
        read = one_row(model.lenient, body) if contract else model.strict.read(body)
        return _predicted(case, model, read, body if contract else None, started)
    except RowsRefused as error:
        case.refused += 1
        return Answered(422, _encode({"detail": error.problems}))
    except LogUnwritable as error:
        log.exception("%s: a prediction was not answered, for it cannot be logged", case.name)
        return refusal(503, str(error))


def one_row(reader: RowReader, body: bytes) -> Row:
    read = reader.read(body)
    if isinstance(read, list):
        raise RowsRefused([Problem("", f"{len(read)} rows", "is a list, not an object", "one object")])
    return read


def refusal(status: int, detail: str) -> Answered:
    return Answered(status, _encode({"detail": detail}))


def no_model(case: ServedCase) -> str:
    if case.has_none:
        return f"{case.name} has no champion yet; train one: relevo run {case.name}"
    return f"{case.name} has not been loaded yet; see /health"


def _predicted(
    case: ServedCase, model: ServedModel, read: Row | list[Row], echo: bytes | None, started: float
) -> Answered:
    rows = read if isinstance(read, list) else [read]
    receipts = _receipts(len(rows))
    try:
        answers = model.answers(rows)
    except Exception as error:  # noqa: BLE001 whatever it is, it is logged as a prediction that failed
        _log_failure(case, model, rows, receipts, error, started)
        return refusal(500, f"the model failed; the request is in the log under {receipts[0]}")
    if not np.isfinite(answers).all():
        raise RowsRefused([_too_extreme(answers, isinstance(read, list))])
    outcomes, outputs, probabilities = _outcomes(model, answers)
    classes = model.release.classes
    case.log.append(_log_lines(case, model, rows, receipts, outcomes, outputs, started))
    case.count(rows, outcomes)
    alias, version, unit = model.alias, model.version, model.release.unit
    if echo is not None:
        return Answered(200, _encode(HousePrice(outcomes[0], alias, version, msgspec.Raw(echo))), receipts[0])
    given: list[Any] = [dict(zip(classes, p, strict=True)) for p in probabilities] if classes else [UNSET] * len(rows)
    if not isinstance(read, list):
        warned = _warnings(model, read)
        one = Prediction(receipts[0], outcomes[0], unit, version, alias, warned, given[0])
        return Answered(200, _encode(one), receipts[0])
    items = [
        Item(receipt, outcome, _warnings(model, row), each)
        for receipt, outcome, row, each in zip(receipts, outcomes, rows, given, strict=True)
    ]
    return Answered(200, _encode(Predictions(version, alias, unit, items)))


def _receipts(count: int) -> list[str]:
    """In order of time: 48 bits of milliseconds, then 80 random ones."""
    now, random = f"{time.time_ns() // 1_000_000:012x}", os.urandom(10 * count).hex()
    return [now + random[start : start + 20] for start in range(0, 20 * count, 20)]


def _outcomes(model: ServedModel, answers: Answers) -> tuple[list[Any], list[float], list[list[float]]]:
    """What is answered, the number that is logged for it, and the probabilities of classes."""
    if not model.release.classes:
        numbers = answers[:, 0].tolist()
        return numbers, numbers, []
    best = answers.argmax(axis=1).tolist()
    probabilities = answers.tolist()
    words = [model.release.classes[code] for code in best]
    return words, [p[code] for p, code in zip(probabilities, best, strict=True)], probabilities


def _warnings(model: ServedModel, row: Row) -> list[Warned]:
    return [
        Warned(model.columns[place].name, word, "was never seen in training; treated as any unknown one")
        for place, known in model.unseen
        if isinstance(word := row[place], str) and word not in known
    ]


def _too_extreme(answers: Answers, is_list: bool) -> Problem:
    place = int(np.flatnonzero(~np.isfinite(answers).all(axis=1))[0])
    return Problem(
        "", "", "leads to no finite answer", "values nearer to those of training", place if is_list else UNSET
    )


def _log_lines(
    case: ServedCase, model: ServedModel, rows: list[Row], receipts: list[str], outcomes: list[Any],
    outputs: list[float], started: float,
) -> bytes:  # fmt: skip
    at, latency = datetime.now(UTC), _milliseconds(started)
    words = outcomes if model.release.classes else [None] * len(rows)
    return _encode_lines(
        LogLine(r, case.name, case.environment, at, model.version, model.named(row), out, word, 200, "", latency)
        for r, row, out, word in zip(receipts, rows, outputs, words, strict=True)
    )


def _log_failure(
    case: ServedCase, model: ServedModel, rows: list[Row], receipts: list[str], error: Exception, started: float
) -> None:
    case.failed += len(rows)
    log.exception("%s: version %s failed", case.name, model.version)
    at, latency = datetime.now(UTC), _milliseconds(started)
    said = str(error) if isinstance(error, RelevoError) else repr(error)
    case.log.append(
        _encode_lines(
            LogLine(r, case.name, case.environment, at, model.version, model.named(row), None, None, 500, said, latency)
            for r, row in zip(receipts, rows, strict=True)
        )
    )


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
