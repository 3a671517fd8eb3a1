"""Synthetic listings in the six sizes and price bands of the campaign: 1,084,909 rows."""

from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from relevo_data_api.streams.campaign_houses import (
    IN_PLACE_SPREAD,
    SALE_DAYS,
    Band,
    Houses,
    Market,
    round_prices,
)
from relevo_data_api.streams.campaign_places import (
    FloatArray,
    PlaceSampler,
    build_places,
)
from relevo_data_api.streams.stream import Listing, Stream

CHUNK_ROWS = 8_192  # changing it changes the rows
RELISTED = 0.02
REPEATED = 0.004

# what a chunk draws random numbers for: one generator each, so that no draw shifts another
NEW_HOUSES, RELISTABLE, ORDER = range(3)

# a prime above the campaign's rows: multiples of STREET_STEP modulo it give each house its street
STREETS = 2_000_003
STREET_STEP = 1_234_577


class Campaign(Stream):
    """Equal seed, scale and batch_rows give equal bytes, whichever batch is asked for first.

    - scale shrinks each batch to that fraction, batch_rows cuts each to so many; six stay six
    - one house in some dozens was listed in an earlier batch too, at another price
    - four rows in a thousand are an exact copy of another row near by
    """

    name = "campaign"

    def __init__(
        self, seed: int = 2026, scale: float = 1.0, batch_rows: int | None = None
    ) -> None:
        self._bands = read_bands()
        scaled = [max(1, round(band.rows * scale)) for band in self._bands]
        self.sizes = [min(rows, batch_rows or rows) for rows in scaled]
        self.identity = (
            f"{self.name} seed={seed} scale={float(scale)} batch_rows={batch_rows}"
        )
        self._seed = seed
        self._days = np.array([*SALE_DAYS.astype(str).tolist(), None], dtype=object)
        self._places = build_places(np.random.default_rng([seed, 0, 0, 0]))
        # one for the batches of any state: its table has three million entries
        sampler = cache(partial(PlaceSampler, self._places, IN_PLACE_SPREAD))
        self._markets = [Market(band, sampler(band.state)) for band in self._bands]

    def rows(self, batch_number: int) -> Iterator[list[Listing]]:
        chunks = -(-self.sizes[batch_number] // CHUNK_ROWS)
        relistable = self._relistable(batch_number)
        for chunk in range(chunks):
            yield self._listings(
                self._chunk(batch_number, chunk, relistable[chunk::chunks])
            )

    def _rng(self, batch_number: int, chunk: int, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, batch_number + 1, chunk, purpose])

    def _new_houses(self, batch_number: int, chunk: int) -> Houses:
        """As many houses as the chunk has rows, none of them in any other chunk or batch."""
        sent = chunk * CHUNK_ROWS
        rows = min(CHUNK_ROWS, self.sizes[batch_number] - sent)
        first = sum(band.rows for band in self._bands[:batch_number]) + sent + 1
        streets = (np.arange(first, first + rows) * STREET_STEP % STREETS).astype(float)
        return self._markets[batch_number].draw(
            self._rng(batch_number, chunk, NEW_HOUSES), streets
        )

    def _relistable(self, batch_number: int) -> Houses:
        """Houses of earlier batches' first chunks that fit this batch's band, shuffled."""
        if batch_number == 0:
            return self._new_houses(0, 0)[:0]
        band = self._bands[batch_number]
        houses = np.concatenate(
            [self._surely_listed(earlier) for earlier in range(batch_number)]
        )
        fits = (houses["price"] > band.low / 1.1) & (houses["price"] < band.high * 1.1)
        fits &= ~np.isin(houses["price"], [band.low, band.high])
        fits &= self._places.in_state(band.state)[houses["place"]]
        return self._rng(batch_number, 0, RELISTABLE).permutation(houses[fits])

    def _surely_listed(self, batch_number: int) -> Houses:
        """The new houses of a batch's first chunk that no relisted one replaces."""
        houses = self._new_houses(batch_number, 0)
        rows = len(houses)
        return houses[: rows - int(rows * RELISTED) - int(rows * REPEATED)]

    def _chunk(self, batch_number: int, chunk: int, relistable: Houses) -> Houses:
        """New houses, relisted ones and copies of new ones, shuffled."""
        rng = self._rng(batch_number, chunk, ORDER)
        houses = self._new_houses(batch_number, chunk)
        rows = len(houses)
        relistable = relistable[: int(rows * RELISTED)]
        relisted = rows - len(relistable)
        houses[relisted:] = _relist(
            rng, relistable, houses[relisted:], self._bands[batch_number]
        )
        copies = int(rows * REPEATED)
        new = relisted - copies
        order = np.concatenate(
            [np.arange(new), rng.integers(0, new, copies), np.arange(relisted, rows)]
        )
        return houses.take(rng.permutation(order))

    def _listings(self, houses: Houses) -> list[Listing]:
        places = self._places
        place = houses["place"]
        columns = (
            houses["broker"],
            np.where(houses["sold"], "sold", "for_sale"),
            houses["price"],
            _nullable(houses["bed"]),
            _nullable(houses["bath"]),
            _nullable(houses["acre"]),
            houses["street"],
            places.city_names[houses["city"]],
            places.state_names[places.state[place]],
            places.zip_code[place],
            _nullable(houses["size"]),
            self._days[houses["sold_day"]],
        )
        return list(map(Listing, *(column.tolist() for column in columns)))


def read_bands() -> list[Band]:
    """The campaign's batches, in order."""
    table = Path(__file__).with_name("campaign_batches.toml").read_bytes()
    return msgspec.toml.decode(table, type=dict[str, list[Band]])["batches"]


def _relist(
    rng: np.random.Generator, earlier: Houses, new: Houses, band: Band
) -> Houses:
    """Houses of earlier batches in place of new ones: new prices, the batch's own status."""
    count = len(earlier)
    change = (0.03 + np.abs(rng.normal(0, 0.08, count))) * rng.choice([1, 1, -1], count)
    relisted = earlier.copy()
    relisted["price"] = round_prices(earlier["price"] * np.exp(change), band)
    relisted["sold_day"] = np.maximum(earlier["sold_day"], new["sold_day"])
    relisted["sold"] = new["sold"]
    return relisted


def _nullable(values: FloatArray) -> NDArray[np.object_]:
    nullable = values.astype(object)
    nullable[np.isnan(values)] = None
    return nullable
