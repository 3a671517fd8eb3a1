"""The campaign's houses: first a price in the band, then a place and a house that fit it.

In a place, log price = the place's level + SIZE_EFFECT * (log size - SIZE_MEAN) + finish.
No column names the finish, but baths and land show it. Drawing backwards from the price keeps
that relation in every band.
"""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from relevo_data_api.streams.campaign_places import FloatArray, IntArray, PlaceSampler

SIZE_MEAN = np.log(1_750)
SIZE_SPREAD = 0.42
SIZE_EFFECT = 0.75
FINISH_SPREAD = 0.25
IN_PLACE_SPREAD = float(np.hypot(SIZE_EFFECT * SIZE_SPREAD, FINISH_SPREAD))
# of a price's distance from its place's level: what size explains, and how loosely
SIZE_SHARE = SIZE_EFFECT * SIZE_SPREAD**2 / IN_PLACE_SPREAD**2
SIZE_NOISE = SIZE_SPREAD * FINISH_SPREAD / IN_PLACE_SPREAD
TYPICAL_PRICE = np.log(330_000)

SALE_DAYS = np.arange(np.datetime64("1975-01-01"), np.datetime64("2022-05-01"))

BoolArray = NDArray[np.bool_]
Houses = NDArray[Any]  # one record per house, with the fields that Market.draw names


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch holds: prices from low to high, both included; None means either, or any."""

    rows: int
    low: int
    high: int
    sold: bool | None = None
    state: str | None = None


class Market:
    """Draws the houses of one batch: prices around TYPICAL_PRICE, long tails, cut to its band."""

    def __init__(self, band: Band, sampler: PlaceSampler) -> None:
        self.band = band
        self._sampler = sampler
        self._log_prices = np.linspace(np.log(band.low), np.log(band.high), 4_096)
        distance = self._log_prices - TYPICAL_PRICE
        bells = [
            weight * (np.exp(-0.5 * (distance / spread) ** 2) / spread)
            for weight, spread in ((0.97, 0.7), (0.03, 1.7))
        ]
        cumulative = np.cumsum(np.add(*bells))
        self._cumulative = cumulative / cumulative[-1]

    def draw(self, rng: np.random.Generator, streets: FloatArray) -> Houses:
        """One house per street. For null, floats are NaN, and sold_day and city are -1."""
        count = len(streets)

        def chance(probability: float | FloatArray) -> BoolArray:
            return rng.random(count) < probability

        def about(values: FloatArray, spread: float) -> FloatArray:
            return (values + rng.normal(0, spread, count)).round().clip(1, 40)

        # the order of the draws is part of the data: another order makes other houses
        places = self._sampler.places
        log_price = np.interp(rng.random(count), self._cumulative, self._log_prices)
        place = self._sampler.draw(rng, log_price)
        gap = (log_price - places.price[place]).clip(-3.0, 4.0)
        size = (SIZE_SHARE * gap + rng.normal(0, SIZE_NOISE, count)).clip(-2.2, 4.5)
        finish = (gap - SIZE_EFFECT * size).clip(-1.0, 1.0)
        land = chance(0.1 / (1 + np.exp(1.5 * gap)) + 0.04)
        sold = self._sold(rng, count)
        bed = about(3.1 + 1.7 * size, 0.6)
        bath = about(2.1 + 1.7 * size + 1.2 * finish, 0.45)
        columns = {
            "place": place,
            "city": np.where(chance(0.001), -1, places.city[place]),
            "sold": sold,
            "price": round_prices(np.exp(log_price), self.band),
            "broker": np.floor(
                places.state[place] * 2_000.0 + 1 + 1_999 * rng.random(count) ** 3
            ),
            "street": streets,
            "bed": _blank(bed, land | chance(0.07)),
            "bath": _blank(bath, land | chance(0.09)),
            "size": _blank(np.exp(size + SIZE_MEAN).round(), land | chance(0.13)),
            "acre": _blank(
                _acres(rng, size + finish, places.rural[place], land),
                ~land & chance(0.16),
            ),
            "sold_day": _sold_days(rng, sold),
        }
        fields = [(name, values.dtype) for name, values in columns.items()]
        return np.rec.fromarrays(columns.values(), dtype=fields)

    def _sold(self, rng: np.random.Generator, count: int) -> BoolArray:
        if self.band.sold is None:
            return rng.binomial(1, 0.4, count).astype(bool)
        return np.full(count, self.band.sold)


def round_prices(price: FloatArray, band: Band) -> FloatArray:
    """As people ask: from 10,000 to the hundred, from 100,000 mostly to the thousand."""
    fussy = price % 10 < 4
    step: FloatArray = np.select(
        [price < 10_000, (price < 100_000) | fussy], [1, 100], 1_000
    )
    return (np.round(price / step) * step).clip(band.low, band.high)


def _blank(values: FloatArray, where: BoolArray) -> FloatArray:
    return np.where(where, np.nan, values)


def _acres(
    rng: np.random.Generator, worth: FloatArray, rural: FloatArray, land: BoolArray
) -> FloatArray:
    """A fifth of an acre is typical; about one in a hundred is a farm, up to 100,000 acres."""
    count = len(worth)
    ranch = (rng.random(count) < np.where(land, 0.06, 0.008)) * rng.normal(
        4.5, 1.7, count
    )
    acres = np.exp(
        -1.6 + 0.45 * worth + rural + 1.2 * land + rng.normal(0, 0.7, count) + ranch
    )
    return acres.clip(0.01, 100_000).round(2)


def _sold_days(rng: np.random.Generator, sold: BoolArray) -> IntArray:
    """Indexes in SALE_DAYS: sold houses in the last months, houses for sale years ago or never."""
    last = len(SALE_DAYS) - 1
    ago = rng.exponential(np.where(sold, 120, 3_500))
    never = rng.random(len(sold)) < np.where(sold, 0.04, 0.45)
    return np.where(never, -1, np.clip(last - ago, 0, last)).astype(np.int64)
