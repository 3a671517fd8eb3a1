"""The ZIPs of the campaign: where they are, what they cost, and which of them a price leads to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relevo_data_api.streams.campaign_states import CITY_NAMES, STATES

ZIPS = 6_000
CITIES = 2_800
PRICE_GRID = np.linspace(np.log(20_000), np.log(4_000_000), 48)
DRAWS = 65_536

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Places:
    """One entry a ZIP, except city_names (one a city, and None at the end) and state_names (one a state).

    price: what the typical house costs, log dollars.  rural: how much land it has, log.
    weight: its share of listings.
    """

    zip_code: Floats
    city: Ints
    state: Ints
    price: Floats
    rural: Floats
    weight: Floats
    city_names: NDArray[np.object_]
    state_names: NDArray[np.object_]


def build_places(rng: np.random.Generator) -> Places:
    """About 6,000 ZIPs in 2,800 cities of 52 states; neighbouring ZIPs share a city."""
    shares = np.array([state.weight for state in STATES], float) ** 0.7
    zips_of = np.maximum(12, np.round(ZIPS * shares / shares.sum()).astype(int))
    cities_of = np.maximum(5, np.round(zips_of * CITIES / ZIPS).astype(int))
    state = np.repeat(np.arange(len(STATES)), zips_of)
    zip_code = np.concatenate(
        [
            np.sort(
                rng.choice(
                    np.arange(s.first_prefix * 100 + 1, s.last_prefix * 100 + 100),
                    count,
                    replace=False,
                )
            )
            for s, count in zip(STATES, zips_of, strict=True)
        ]
    )
    first_city = np.cumsum(cities_of) - cities_of
    city = np.concatenate(
        [
            first
            + np.sort(
                np.concatenate(
                    [np.arange(cities), rng.integers(0, cities, zips - cities)]
                )
            )
            for first, cities, zips in zip(first_city, cities_of, zips_of, strict=True)
        ]
    )
    city_price = rng.normal(0, 0.36, cities_of.sum())
    median = np.log([s.median * 1000.0 for s in STATES])
    price = median[state] + city_price[city] + rng.normal(0, 0.16, len(city))
    weight = (
        rng.gamma(1.2, size=len(city))
        * (np.array([s.weight for s in STATES]) / zips_of)[state]
    )
    return Places(
        zip_code=zip_code.astype(float),
        city=city,
        state=state,
        price=price,
        rural=rng.normal(0, 0.5, cities_of.sum())[city] - 0.4 * city_price[city],
        weight=weight / weight.sum(),
        city_names=_city_names(rng, int(cities_of.sum())),
        state_names=np.array([s.name for s in STATES], dtype=object),
    )


def _city_names(rng: np.random.Generator, count: int) -> NDArray[np.object_]:
    """Mostly names of one city alone; one in eight is a name that several cities share."""
    chosen = rng.permutation(len(CITY_NAMES))[:count]
    shared = rng.random(count) < 1 / 8
    chosen[shared] = rng.choice(chosen[:60], shared.sum())
    return np.array([*(CITY_NAMES[name] for name in chosen), None], dtype=object)


class PlaceSampler:
    """Draws ZIPs given log prices, in proportion to weight and to how likely the price is there.

    One table of DRAWS ZIPs for each step of PRICE_GRID: a draw is one look-up.
    """

    def __init__(self, places: Places, spread: float, state: int | None = None) -> None:
        weight = (
            places.weight if state is None else places.weight * (places.state == state)
        )
        self._table = np.empty((len(PRICE_GRID), DRAWS), dtype=np.int16)
        for step, price in enumerate(PRICE_GRID):
            likelihood = weight * np.exp(-0.5 * ((price - places.price) / spread) ** 2)
            cumulative = np.cumsum(likelihood)
            ends = np.round(cumulative / cumulative[-1] * DRAWS).astype(np.int64)
            self._table[step] = np.repeat(
                np.arange(len(ends)), np.diff(ends, prepend=0)
            )

    def draw(self, rng: np.random.Generator, log_price: Floats) -> Ints:
        position = (log_price - PRICE_GRID[0]) / (PRICE_GRID[1] - PRICE_GRID[0])
        step = np.clip(
            position + rng.random(len(log_price)), 0, len(PRICE_GRID) - 1
        ).astype(np.int64)
        drawn: Ints = self._table[step, rng.integers(0, DRAWS, len(log_price))].astype(
            np.int64
        )
        return drawn
