"""How a column of a contract is held in Arrow, on its way from a source to the warehouse."""

from __future__ import annotations

import pyarrow as pa

from relevo.domain.contract import Kind

ARROW_TYPES: dict[Kind, pa.DataType] = {
    Kind.NUMBER: pa.float64(),
    Kind.INTEGER: pa.int64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.DATE: pa.timestamp("us"),
    Kind.CATEGORY: pa.string(),
    Kind.CODE: pa.float64(),
    Kind.TEXT: pa.string(),
}
