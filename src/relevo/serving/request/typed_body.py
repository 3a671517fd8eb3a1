"""A body that is not a row of the model: read as strictly, into the type that is declared
for it.
"""

from typing import TypeVar

import msgspec

from relevo.domain.cells import printable
from relevo.serving.request.row_reader import RowsRefused, parse
from relevo.serving.responses import Problem

Shape = TypeVar("Shape")


def read_body_as(shape: type[Shape], body: bytes) -> Shape:
    """RowsRefused says what is wrong, and where."""
    try:
        return msgspec.convert(parse(body), shape)
    except RecursionError:
        raise refused("", "is nested too deeply") from None
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        raise refused(path.strip("`."), message) from None


def refused(
    field: str, message: str, value: str = "", allowed: str = "see /docs"
) -> RowsRefused:
    return RowsRefused([Problem(printable(field), value, message, allowed)])
