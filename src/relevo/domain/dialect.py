"""How the clients of an existing system ask for a prediction, and what they are answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from relevo.errors import UseCaseBroken


class PredictedRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a response is made of. `probabilities` follow `classes`; a regression has neither."""

    prediction: Any  # a number, or the name of a class
    version: str
    alias: str
    body: bytes  # the request as it came
    classes: Sequence[str]
    probabilities: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Clients POST one row to any of `paths`; the first of them is in the API's document.

    Without a `request` type, a body is an object of the use case's fields, and `strict`
    refuses names that are no field. With one, `row` makes such an object of the request.
    Types are what msgspec reads and writes: structs, dataclasses, typed dictionaries.
    """

    paths: tuple[str, ...]
    response: type
    respond: Callable[[PredictedRow], object]
    request: type | None = None
    row: Callable[[Any], Mapping[str, object]] | None = None
    example: object = None  # of a request, for the document
    strict: bool = True

    def __post_init__(self) -> None:
        if not self.paths or not all(path.startswith("/") for path in self.paths):
            raise UseCaseBroken(
                f"dialect: paths {self.paths!r} must each start with /, as in /predict"
            )
        if (self.request is None) is not (self.row is None):
            raise UseCaseBroken(
                "dialect: `request` and `row` belong together; give both or neither"
            )
