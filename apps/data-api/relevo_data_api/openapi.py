"""What /docs says of the answers."""

from typing import Any

import msgspec

from relevo_data_api.errors import EndOfData
from relevo_data_api.streams.stream import Listing

Responses = dict[int | str, dict[str, Any]]

EXAMPLE = Listing(
    brokered_by=103378.0,
    status="for_sale",
    price=105000.0,
    bed=3.0,
    bath=2.0,
    acre_lot=0.12,
    street=1962661.0,
    city="Adjuntas",
    state="Puerto Rico",
    zip_code=601.0,
    house_size=920.0,
    prev_sold_date="2021-11-30",
)


def _answer(
    description: str, example: object, **schema: dict[str, Any]
) -> dict[str, Any]:
    content = {"example": msgspec.to_builtins(example), **schema}
    return {"description": description, "content": {"application/json": content}}


def _refusals(description: str, **examples: str) -> dict[str, Any]:
    named = {name: {"value": {"detail": detail}} for name, detail in examples.items()}
    return {
        "description": description,
        "content": {"application/json": {"examples": named}},
    }


_BATCH_SCHEMA = {
    "type": "object",
    "required": ["group_number", "batch_number", "data"],
    "properties": {
        "group_number": {"type": "integer"},
        "batch_number": {"type": "integer"},
        "data": {
            "type": "array",
            "items": msgspec.json.schema(Listing)["$defs"]["Listing"],
        },
    },
}
_NO_GROUP = "group 99 does not exist; the groups are 1, 2, 3"
_PARAMETERS = _refusals(
    "a parameter is missing or not what it should be",
    missing="group_number: Field required",
    day="day: Input should be 'Tuesday' or 'Wednesday'; got 'Sunday'",
)
_CURSOR = _refusals(
    "the group's cursor cannot be believed",
    corrupt="cursor file .relevo/data-api/group-1.json is corrupt: JSON is malformed; mend it, or "
    "GET /restart_data_generation?group_number=1 starts it over at 0",
)

HEALTH: Responses = {200: _answer("the process lives", {"status": "OK"})}
RESTART: Responses = {
    200: _answer("the cursor is at 0", {"ok": True}),
    400: _refusals("there is no such group", unknown_group=_NO_GROUP),
    422: _PARAMETERS,
    500: _CURSOR,
}
DATA: Responses = {
    200: _answer(
        "a batch",
        {"group_number": 1, "batch_number": 0, "data": [EXAMPLE]},
        schema=_BATCH_SCHEMA,
    ),
    400: _refusals(
        "the end of data, or no such group",
        end=str(EndOfData()),
        unknown_group=_NO_GROUP,
    ),
    404: _refusals(
        "the batch asked for again was never answered",
        not_yet="batch 5 of group 1 has not been answered yet; "
        "GET /data?group_number=1 answers the next one, batch 2",
        no_such_batch="batch 99 of group 1 does not exist; "
        "its stream king-county has batches 0 to 12",
    ),
    422: _PARAMETERS,
    500: _CURSOR,
}
