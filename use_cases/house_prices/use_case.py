"""House prices: what a house sells for, from seven fields."""

from relevo.domain.contract import Contract, category, code, date, number
from relevo.domain.policy import Policy
from relevo.domain.use_case import HttpBatches, UseCase
from relevo.learning.candidates import BoostedTrees, LinearBaseline

from .dialect import DIALECT

CASE = UseCase(
    name="house_prices",
    title="House prices",
    unit="USD",
    experiment="house_price_prediction",
    contract=Contract(
        target="price",
        identity=("street", "city", "state", "zip_code"),
        columns=(
            number("brokered_by", low=0, nullable=True, doc="the agency, coded"),
            category("status", nullable=True, doc="for_sale, sold, …"),
            number("price", low=1, high=1e9, doc="in USD"),
            number("bed", low=0, high=200, nullable=True, doc="bedrooms"),
            number("bath", low=0, high=200, nullable=True, doc="bathrooms"),
            number(
                "acre_lot", low=0, high=100_000, nullable=True, doc="the lot, in acres"
            ),
            number("street", low=0, nullable=True, doc="the address, coded"),
            category("city", nullable=True),
            category("state", nullable=True),
            code("zip_code", digits=5, nullable=True),
            number(
                "house_size",
                low=1,
                high=2_000_000,
                nullable=True,
                doc="living space, in square feet",
            ),
            date("prev_sold_date", nullable=True),
        ),
    ),
    features=("bed", "bath", "acre_lot", "city", "state", "zip_code", "house_size"),
    log_target=True,
    candidates=(LinearBaseline(), BoostedTrees()),
    slices=("state",),
    policy=Policy(),
    # Relevo's own data API answers a batch again when asked by its number; a foreign one may be started over instead.
    source=HttpBatches(group=1, can_repeat=True),
    dialect=DIALECT,
)
