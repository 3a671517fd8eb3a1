"""Made-up listings in the six sizes and price bands of the campaign to reproduce: 1,084,909 rows."""

from collections.abc import Iterator

import numpy as np

from relevo_data_api.streams.campaign_houses import (
    FOR_SALE,
    IN_PLACE_SPREAD,
    SOLD,
    STATUS,
    Band,
    Houses,
    Market,
    PriceSampler,
    draw_houses,
    round_prices,
    sale_days,
)
from relevo_data_api.streams.campaign_places import (
    Floats,
    Ints,
    PlaceSampler,
    build_places,
)
from relevo_data_api.streams.stream import Listing, Stream

BATCHES = (
    Band(73_784, 1, 300_000, FOR_SALE),
    Band(94_551, 50_000, 1_000_000, FOR_SALE),
    Band(230_366, 10_000, 5_000_000, SOLD),
    Band(4_055, 10_000, 300_000, FOR_SALE, state="Ohio"),
    Band(320_696, 300_000, 500_000, None),
    Band(361_457, 500_000, 515_000_000, None),
)
CHUNK_ROWS = 8_192
RELISTED = 0.02
REPEATED = 0.004

# a prime above the campaign's rows: multiplying by STREET_STEP modulo it gives each house a street of its own
STREETS = 2_000_003
STREET_STEP = 1_234_577


class Campaign(Stream):
    """Synthetic: equal seed, scale and batch_rows give equal bytes, whichever batch is asked for first.

    - scale makes each batch that fraction of its size, batch_rows cuts each to so many rows; six stay six
    - one house in some dozens was listed in an earlier batch too: same street, ZIP and house, another price
    - four rows in a thousand are an exact copy of another row near by
    """

    name = "campaign"

    def __init__(
        self, seed: int = 2026, scale: float = 1.0, batch_rows: int | None = None
    ) -> None:
        limit = batch_rows or max(band.rows for band in BATCHES)
        self.sizes = [min(limit, max(1, round(band.rows * scale))) for band in BATCHES]
        self.identity = (
            f"{self.name} seed={seed} scale={float(scale)} batch_rows={batch_rows}"
        )
        self._seed = seed
        self._sale_days = np.array([*sale_days(), None], dtype=object)
        self._places = build_places(np.random.default_rng([seed, 0, 0, 0]))
        everywhere = PlaceSampler(self._places, IN_PLACE_SPREAD)
        self._markets = [
            Market(
                band,
                self._places,
                PriceSampler(band),
                self._sampler(band.state) or everywhere,
            )
            for band in BATCHES
        ]

    def rows(self, batch_number: int) -> Iterator[list[Listing]]:
        chunks = -(-self.sizes[batch_number] // CHUNK_ROWS)
        known = self._known_houses(batch_number)
        for chunk in range(chunks):
            share = slice(chunk, None, chunks)
            yield self._listings(self._chunk(batch_number, chunk, _take(known, share)))

    def _rng(self, batch_number: int, chunk: int, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, batch_number + 1, chunk, purpose])

    def _state(self, name: str) -> int:
        return int(np.flatnonzero(self._places.state_names == name)[0])

    def _sampler(self, state: str | None) -> PlaceSampler | None:
        return (
            PlaceSampler(self._places, IN_PLACE_SPREAD, self._state(state))
            if state
            else None
        )

    def _chunk_rows(self, batch_number: int, chunk: int) -> int:
        return min(CHUNK_ROWS, self.sizes[batch_number] - chunk * CHUNK_ROWS)

    def _new_houses(self, batch_number: int, chunk: int) -> Houses:
        """As many houses as the chunk has rows, none of them in any other chunk or batch."""
        rows = self._chunk_rows(batch_number, chunk)
        first = sum(band.rows for band in BATCHES[:batch_number]) + chunk * CHUNK_ROWS
        streets = (
            np.arange(first + 1, first + rows + 1) * STREET_STEP % STREETS
        ).astype(float)
        return draw_houses(
            self._rng(batch_number, chunk, 0), self._markets[batch_number], streets
        )

    def _known_houses(self, batch_number: int) -> Houses:
        """Houses out of the earlier batches' first chunks that this batch's band would take, shuffled."""
        band = BATCHES[batch_number]
        none = _take(self._new_houses(0, 0), slice(0))
        earlier = [
            _take(self._new_houses(b, 0), slice(self._surely_new(b)))
            for b in range(batch_number)
        ]
        houses = {
            column: np.concatenate([part[column] for part in [none, *earlier]])
            for column in none
        }
        fits = (houses["price"] > band.low / 1.1) & (houses["price"] < band.high * 1.1)
        fits &= ~np.isin(houses["price"], [band.low, band.high])
        if band.state is not None:
            fits &= self._places.state[houses["place"]] == self._state(band.state)
        chosen = self._rng(batch_number, 0, 1).permutation(np.flatnonzero(fits))
        return _take(houses, chosen)

    def _surely_new(self, batch_number: int) -> int:
        """How many houses of a batch's first chunk are sent however many relisted ones share the chunk."""
        rows = self._chunk_rows(batch_number, 0)
        return rows - int(rows * RELISTED) - int(rows * REPEATED)

    def _chunk(self, batch_number: int, chunk: int, known: Houses) -> Houses:
        """New houses, relisted ones and copies of new ones, shuffled."""
        rows = self._chunk_rows(batch_number, chunk)
        rng = self._rng(batch_number, chunk, 2)
        again = _take(known, slice(int(rows * RELISTED)))
        copies, relisted = int(rows * REPEATED), len(again["price"])
        new = rows - copies - relisted
        houses = self._new_houses(batch_number, chunk)
        _relist(rng, houses, again, BATCHES[batch_number])
        order = np.concatenate(
            [
                np.arange(new),
                rng.integers(0, new, copies),
                np.arange(rows - relisted, rows),
            ]
        )
        return _take(houses, rng.permutation(order))

    def _listings(self, houses: Houses) -> list[Listing]:
        place = houses["place"]
        columns = (
            houses["broker"].tolist(),
            STATUS[houses["status"]].tolist(),
            houses["price"].tolist(),
            _nullable(houses["bed"]),
            _nullable(houses["bath"]),
            _nullable(houses["acre"]),
            houses["street"].tolist(),
            self._places.city_names[houses["city"]].tolist(),
            self._places.state_names[self._places.state[place]].tolist(),
            self._places.zip_code[place].tolist(),
            _nullable(houses["size"]),
            self._sale_days[houses["sold_day"]].tolist(),
        )
        return list(map(Listing, *columns))


def _take(houses: Houses, which: slice | Ints) -> Houses:
    return {column: values[which] for column, values in houses.items()}


def _relist(
    rng: np.random.Generator, houses: Houses, again: Houses, band: Band
) -> None:
    """Put known houses in place of the last new ones: same house, new price, the batch's own status."""
    count = len(again["price"])
    last = _take(houses, slice(len(houses["price"]) - count, None))
    change = (0.03 + np.abs(rng.normal(0, 0.08, count))) * rng.choice([1, 1, -1], count)
    price = round_prices(again["price"] * np.exp(change), band)
    sold_day = np.maximum(again["sold_day"], last["sold_day"])
    relisted = again | {"price": price, "sold_day": sold_day, "status": last["status"]}
    for column, values in relisted.items():
        last[column][:] = values


def _nullable(values: Floats) -> list[float | None]:
    listed: list[float | None] = values.tolist()
    for row in np.flatnonzero(np.isnan(values)).tolist():
        listed[row] = None
    return listed
