"""The bodies of labels, promote and rollback, read as strictly as rows are."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from relevo.domain.cells import Misfit, printable, spell
from relevo.domain.contract import number
from relevo.serving.predict import PredictResponse
from relevo.serving.request.field_rules import checked_cell
from relevo.serving.request.row_reader import Problem, RowsRefused, parse
from relevo.serving.served_case import ServedCase
from relevo_inference_api.exchange import Refused

Shape = TypeVar("Shape")
Reason = Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"\S")]
Receipt = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
LARGEST = 1.7976931348623157e308  # finite
TRUTH = number("truth")


class Label(msgspec.Struct, forbid_unknown_fields=True):
    receipt: Receipt
    truth: (
        Annotated[str, Meta(max_length=1000)]
        | Annotated[float, Meta(ge=-LARGEST, le=LARGEST)]
        | bool
    )

    def pair(self) -> tuple[str, str]:
        return self.receipt, spell(self.truth)


class Promote(msgspec.Struct, forbid_unknown_fields=True):
    version: Annotated[str, Meta(pattern="^[0-9]{1,18}$")]
    reason: Reason


class Rollback(msgspec.Struct, forbid_unknown_fields=True):
    reason: Reason


def read_labels(body: bytes, case: ServedCase) -> list[tuple[str, str]]:
    """One object or a list. Where the model answers numbers, the truth is one too: no error is known of anything else."""
    read: Label | list[Label] = read_order(body, Label | list[Label])  # type: ignore[arg-type]
    labels = read if isinstance(read, list) else [read]
    if len(labels) > case.max_rows:
        raise Refused(
            _refused(
                "",
                "is too long a list",
                f"{len(labels)} labels",
                f"at most {case.max_rows} a request",
            )
        )
    if case.model is not None and not case.model.release.classes:
        for label in labels:
            _require_number(label.truth)
    return [label.pair() for label in labels]


def _require_number(truth: object) -> None:
    try:
        checked_cell(TRUTH, truth)
    except Misfit as misfit:
        raise Refused(
            _refused(TRUTH.name, str(misfit), printable(truth), "a number")
        ) from None


def read_order(body: bytes, shape: type[Shape]) -> Shape:
    """Refused (422) says what is wrong."""
    try:
        return msgspec.convert(_parsed(body), shape)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        raise Refused(_refused(place.strip("`."), message)) from None


def _parsed(body: bytes) -> Any:
    try:
        return parse(body)
    except RowsRefused as error:
        raise Refused(
            PredictResponse(422, msgspec.json.encode({"detail": error.problems}))
        ) from None
    except RecursionError:
        raise Refused(_refused("", "is nested too deeply")) from None


def _refused(
    field: str, message: str, value: str = "", allowed: str = "see /docs"
) -> PredictResponse:
    problem = Problem(printable(field), value, message, allowed)
    return PredictResponse(422, msgspec.json.encode({"detail": [problem]}))
