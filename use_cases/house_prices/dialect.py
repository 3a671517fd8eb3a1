"""What clients of the first house prices service send to /predict, and what they read."""

from typing import Annotated

from msgspec import Meta, Raw, Struct

from relevo.domain.dialect import Dialect, PredictedRow

AsItCame = Annotated[Raw, Meta(extra_json_schema={"type": "object"})]


class HousePrice(Struct, frozen=True, gc=False):
    predicted_price: float
    model_alias: str
    model_version: str
    input_features: AsItCame


def house_price(row: PredictedRow) -> HousePrice:
    return HousePrice(row.prediction, row.alias, row.version, Raw(row.body))


DIALECT = Dialect(
    paths=("/predict", "/predict/"),
    response=HousePrice,
    respond=house_price,
    strict=False,
)
