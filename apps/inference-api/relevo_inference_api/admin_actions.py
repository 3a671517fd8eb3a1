"""The bodies of labels, promote and rollback, read as strictly as rows are."""

from typing import Annotated

import msgspec
from msgspec import Meta

from relevo.domain.cells import Misfit, printable, spell
from relevo.domain.contract import number
from relevo.serving.request.row_reader import checked_cell
from relevo.serving.request.typed_body import read_body_as, refused
from relevo.serving.served_case import ServedCase

LARGEST_FLOAT = 1.7976931348623157e308  # anything above is infinite
TRUTH = number("truth")
WrittenReason = Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"\S")]


class LabelBody(msgspec.Struct, forbid_unknown_fields=True):
    receipt: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
    truth: (
        Annotated[str, Meta(max_length=1000)]
        | Annotated[float, Meta(ge=-LARGEST_FLOAT, le=LARGEST_FLOAT)]
        | bool
    )


class PromoteBody(msgspec.Struct, forbid_unknown_fields=True):
    version: Annotated[str, Meta(pattern="^[0-9]{1,18}$")]
    reason: WrittenReason


class RollbackBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: WrittenReason


def read_labels(body: bytes, case: ServedCase) -> list[tuple[str, str]]:
    """One object or a list.

    Where the model answers numbers, the truth is one too: no error is known of anything
    else.
    """
    read: LabelBody | list[LabelBody] = read_body_as(
        LabelBody | list[LabelBody],  # type: ignore[arg-type]
        body,
    )
    labels = read if isinstance(read, list) else [read]
    if len(labels) > case.max_rows:
        raise refused(
            "",
            "is too long a list",
            f"{len(labels)} labels",
            f"at most {case.max_rows} a request",
        )
    if case.model is not None and not case.model.release.classes:
        for label in labels:
            try:
                checked_cell(TRUTH, label.truth)
            except Misfit as misfit:
                shown = printable(label.truth)
                raise refused(TRUTH.name, str(misfit), shown, "a number") from None
    return [(label.receipt, spell(label.truth)) for label in labels]
