"""The bodies of labels, promote and rollback, read as strictly as rows are."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from relevo.domain.cells import printable, spell
from relevo.serving.answering import Answered
from relevo.serving.reading import Problem, RowsRefused, parse
from relevo_inference_api.exchange import Refused

Shape = TypeVar("Shape")
Reason = Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"\S")]
Receipt = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
LARGEST = 1.7976931348623157e308  # finite


class Label(msgspec.Struct, forbid_unknown_fields=True):
    receipt: Receipt
    truth: Annotated[str, Meta(max_length=1000)] | Annotated[float, Meta(ge=-LARGEST, le=LARGEST)] | bool

    def pair(self) -> tuple[str, str]:
        return self.receipt, spell(self.truth)


class Promote(msgspec.Struct, forbid_unknown_fields=True):
    version: Annotated[str, Meta(pattern="^[0-9]{1,18}$")]
    reason: Reason


class Rollback(msgspec.Struct, forbid_unknown_fields=True):
    reason: Reason


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
        raise Refused(Answered(422, msgspec.json.encode({"detail": error.problems}))) from None
    except RecursionError:
        raise Refused(_refused("", "is nested too deeply")) from None


def _refused(field: str, message: str) -> Answered:
    problem = Problem(printable(field), "", message, "see /docs")
    return Answered(422, msgspec.json.encode({"detail": [problem]}))
