"""A typed column as CLEAN keeps it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from relevo.domain.contract import Kind


def cleaned(values: pa.Array, kind: Kind, digits: int | None) -> pa.Array:
    """Categories without stray blanks; a code by its name, such as 00601."""
    if kind is Kind.CODE:
        whole = values.cast(pa.int64(), safe=False).cast(pa.string())
        return pc.utf8_lpad(whole, digits or 0, padding="0")
    if kind is Kind.CATEGORY:
        trimmed = pc.utf8_trim_whitespace(values)
        return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
    return values
