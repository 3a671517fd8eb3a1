"""The ZIPs of the campaign: where they are, what they cost, and which of them a price leads to."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ZIPS = 6_000
CITIES = 2_800
PRICE_GRID = np.linspace(np.log(20_000), np.log(4_000_000), 48)
DRAWS = 65_536

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Places:
    """One entry per ZIP; city_names: one per city, and None at the end; state_names: one per state.

    price: what the typical house costs, log dollars.  rural: how much land it has, log.
    weight: its share of listings.
    """

    zip_code: FloatArray
    city: IntArray
    state: IntArray
    price: FloatArray
    rural: FloatArray
    weight: FloatArray
    city_names: NDArray[np.object_]
    state_names: NDArray[np.object_]

    def in_state(self, name: str | None) -> NDArray[np.bool_]:
        """For each ZIP, whether it is in that state; None means any state."""
        if name is None:
            return np.ones(len(self.state), bool)
        return np.equal(self.state_names[self.state], name)


def build_places(rng: np.random.Generator) -> Places:
    """About 6,000 ZIPs in 2,800 cities of 52 states; neighbouring ZIPs share a city."""
    # each state's range of ZIPs, share of listings and median price: public knowledge, rounded
    table = Path(__file__).with_name("campaign_states.csv")
    states = np.genfromtxt(
        table, delimiter=",", names=True, dtype=None, encoding="utf-8"
    )
    shares = states["weight"] ** 0.7
    zips_of = np.maximum(12, np.round(ZIPS * shares / shares.sum()).astype(int))
    cities_of = np.maximum(5, np.round(zips_of * CITIES / ZIPS).astype(int))
    ranges = zip(states["first_zip"], states["last_zip"], zips_of, strict=True)
    zip_codes = [
        np.sort(rng.choice(np.arange(first, last + 1), count, replace=False))
        for first, last, count in ranges
    ]
    first_city = np.cumsum(cities_of) - cities_of
    cities = [
        first
        + np.sort(
            np.concatenate([np.arange(count), rng.integers(0, count, zips - count)])
        )
        for first, count, zips in zip(first_city, cities_of, zips_of, strict=True)
    ]
    state = np.repeat(np.arange(len(states)), zips_of)
    city = np.concatenate(cities)
    city_price = rng.normal(0, 0.36, cities_of.sum())
    price = (
        np.log(states["median"])[state]
        + city_price[city]
        + rng.normal(0, 0.16, len(city))
    )
    weight = rng.gamma(1.2, size=len(city)) * (states["weight"] / zips_of)[state]
    return Places(
        zip_code=np.concatenate(zip_codes).astype(float),
        city=city,
        state=state,
        price=price,
        rural=rng.normal(0, 0.5, cities_of.sum())[city] - 0.4 * city_price[city],
        weight=weight / weight.sum(),
        city_names=_city_names(rng, int(cities_of.sum())),
        state_names=states["state"].astype(object),
    )


def _city_names(rng: np.random.Generator, count: int) -> NDArray[np.object_]:
    """Mostly names of one city alone; one in eight is a name that several cities share."""
    parts = tomllib.loads(
        Path(__file__).with_name("campaign_city_names.toml").read_text()
    )
    stems = parts["stems"].split()
    names = [
        form.format(stem)
        for stem in stems
        for form in parts["forms"]
        if stem not in form
    ]
    chosen = rng.permutation(len(names))[:count]
    shared = rng.random(count) < 1 / 8
    chosen[shared] = rng.choice(chosen[:60], shared.sum())
    return np.array([*(names[index] for index in chosen), None], dtype=object)


class PlaceSampler:
    """Draws ZIPs given log prices, in proportion to weight and to how likely the price is there.

    One table of DRAWS ZIPs for each step of PRICE_GRID: a draw is one look-up.
    """

    def __init__(self, places: Places, spread: float, state: str | None) -> None:
        self.places = places
        weight = places.weight * places.in_state(state)
        self._table = np.empty((len(PRICE_GRID), DRAWS), dtype=np.int16)
        for step, price in enumerate(PRICE_GRID):
            likelihood = weight * np.exp(-0.5 * ((price - places.price) / spread) ** 2)
            cumulative = np.cumsum(likelihood)
            ends = np.round(cumulative / cumulative[-1] * DRAWS).astype(np.int64)
            self._table[step] = np.repeat(
                np.arange(len(ends)), np.diff(ends, prepend=0)
            )

    def draw(self, rng: np.random.Generator, log_price: FloatArray) -> IntArray:
        position = (log_price - PRICE_GRID[0]) / (PRICE_GRID[1] - PRICE_GRID[0])
        step = np.clip(
            position + rng.random(len(log_price)), 0, len(PRICE_GRID) - 1
        ).astype(np.int64)
        column = rng.integers(0, DRAWS, len(log_price))
        return np.asarray(self._table[step, column], np.int64)
