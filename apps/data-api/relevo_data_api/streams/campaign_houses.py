"""How the campaign's houses come to be: first a price in the band, then a place and a house that fit it.

In a place, log price = the place's level + SIZE_EFFECT * (log size - SIZE_MEAN) + finish. No column names the
finish, but baths and land show it. Drawing backwards from the price keeps that relation in every band.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relevo_data_api.streams.campaign_places import Floats, Ints, Places, PlaceSampler

SIZE_MEAN = np.log(1_750)
SIZE_SPREAD = 0.42
SIZE_EFFECT = 0.75
FINISH_SPREAD = 0.25
IN_PLACE_SPREAD = float(np.hypot(SIZE_EFFECT * SIZE_SPREAD, FINISH_SPREAD))

FIRST_SALE, LAST_SALE = dt.date(1975, 1, 1), dt.date(2022, 4, 30)
FOR_SALE, SOLD = 0, 1
STATUS = np.array(["for_sale", "sold"], dtype=object)

Houses = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Band:
    """What a batch holds: prices from low to high, both included; None means any status, any state."""

    rows: int
    low: int
    high: int
    status: int | None
    state: str | None = None


class PriceSampler:
    """Log prices around 330,000 with long tails, cut to a band."""

    def __init__(self, band: Band) -> None:
        self._grid = np.linspace(np.log(band.low), np.log(band.high), 4_096)
        density = 0.97 * self._bell(0.7) + 0.03 * self._bell(1.7)
        self._cumulative = np.cumsum(density)
        self._cumulative /= self._cumulative[-1]

    def _bell(self, spread: float) -> Floats:
        bell: Floats = (
            np.exp(-0.5 * ((self._grid - np.log(330_000)) / spread) ** 2) / spread
        )
        return bell

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        return np.interp(rng.random(count), self._cumulative, self._grid)


@dataclass(frozen=True)
class Market:
    """All that a batch's houses are drawn from."""

    band: Band
    places: Places
    prices: PriceSampler
    sampler: PlaceSampler


def draw_houses(rng: np.random.Generator, market: Market, streets: Floats) -> Houses:
    """One house for each street. Where the wire says null, floats are NaN, and sold_day and city are -1."""
    count = len(streets)
    band, places = market.band, market.places
    log_price = market.prices.draw(rng, count)
    place = market.sampler.draw(rng, log_price)
    gap = np.clip(log_price - places.price[place], -3.0, 4.0)
    share = SIZE_EFFECT * SIZE_SPREAD**2 / IN_PLACE_SPREAD**2
    size_noise = rng.normal(0, SIZE_SPREAD * FINISH_SPREAD / IN_PLACE_SPREAD, count)
    size = np.clip(share * gap + size_noise, -2.2, 4.5)
    finish = np.clip(gap - SIZE_EFFECT * size, -1.0, 1.0)
    land = rng.random(count) < 0.1 / (1 + np.exp(1.5 * gap)) + 0.04
    status = (
        np.full(count, band.status)
        if band.status is not None
        else rng.binomial(1, 0.4, count)
    )
    bed = np.clip(np.round(3.1 + 1.7 * size + rng.normal(0, 0.6, count)), 1, 40)
    bath = np.clip(
        np.round(2.1 + 1.7 * size + 1.2 * finish + rng.normal(0, 0.45, count)), 1, 40
    )
    return {
        "place": place,
        "city": np.where(rng.random(count) < 0.001, -1, places.city[place]),
        "status": status,
        "price": round_prices(np.exp(log_price), band),
        "broker": np.floor(
            places.state[place] * 2_000.0 + 1 + 1_999 * rng.random(count) ** 3
        ),
        "street": streets,
        "bed": _blank(bed, land | (rng.random(count) < 0.07)),
        "bath": _blank(bath, land | (rng.random(count) < 0.09)),
        "size": _blank(
            np.round(np.exp(size + SIZE_MEAN)), land | (rng.random(count) < 0.13)
        ),
        "acre": _blank(
            _acres(rng, size + finish, places.rural[place], land),
            ~land & (rng.random(count) < 0.16),
        ),
        "sold_day": _sale_days(rng, status),
    }


def sale_days() -> list[str]:
    """The day that each sold_day counts to, as it stands on the wire."""
    days = (LAST_SALE - FIRST_SALE).days
    return [
        (FIRST_SALE + dt.timedelta(days=day)).isoformat() for day in range(days + 1)
    ]


def round_prices(price: Floats, band: Band) -> Floats:
    """As people ask them: from 10,000 to the hundred, from 100,000 mostly to the thousand; in the band."""
    fussy = price % 10 < 4
    step = np.select([price < 10_000, (price < 100_000) | fussy], [1, 100], 1_000)
    rounded: Floats = np.clip(np.round(price / step) * step, band.low, band.high)
    return rounded


def _blank(values: Floats, where: NDArray[np.bool_]) -> Floats:
    return np.where(where, np.nan, values)


def _acres(
    rng: np.random.Generator, worth: Floats, rural: Floats, land: NDArray[np.bool_]
) -> Floats:
    """A fifth of an acre is typical; about one in a hundred is a farm or a ranch, up to 100,000 acres."""
    count = len(worth)
    ranch = (rng.random(count) < np.where(land, 0.06, 0.008)) * rng.normal(
        4.5, 1.7, count
    )
    acres = np.exp(
        -1.6 + 0.45 * worth + rural + 1.2 * land + rng.normal(0, 0.7, count) + ranch
    )
    return np.round(np.clip(acres, 0.01, 100_000), 2)


def _sale_days(rng: np.random.Generator, status: Ints) -> Ints:
    """Days since FIRST_SALE: sold houses mostly in the last months, houses for sale years ago or never."""
    last = (LAST_SALE - FIRST_SALE).days
    ago = rng.exponential(np.where(status == SOLD, 120, 3_500))
    never = rng.random(len(status)) < np.where(status == SOLD, 0.04, 0.45)
    return np.where(never, -1, np.clip(last - ago, 0, last)).astype(np.int64)
