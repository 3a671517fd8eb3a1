"""What every stream is: numbered batches of listings, made a chunk at a time."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import msgspec


class Listing(msgspec.Struct, frozen=True, gc=False):
    """One row on the wire. Every number is a float there, codes and ZIPs (601.0 is ZIP 00601) too."""

    brokered_by: float
    status: str
    price: float
    bed: float | None
    bath: float | None
    acre_lot: float | None
    street: float
    city: str | None
    state: str
    zip_code: float
    house_size: float | None
    prev_sold_date: str | None


class Stream(ABC):
    """A fixed sequence of batches; identity and batch number alone decide a batch's bytes.

    name: what the settings call it.  identity: the name and whatever else decides the rows.
    sizes: the rows of each batch, known without making them.
    """

    name: str
    identity: str
    sizes: Sequence[int]

    @property
    def batches(self) -> int:
        return len(self.sizes)

    @abstractmethod
    def rows(self, batch_number: int) -> Iterator[list[Listing]]:
        """The batch's rows in chunks of some thousands; IndexError where there is no such batch."""

    def stream(self, batch_number: int, group_number: int = 1) -> Iterator[bytes]:
        """The body GET /data answers for this batch, to the byte, a chunk at a time."""
        encoder = msgspec.json.Encoder()
        before = b'{"group_number":%d,"batch_number":%d,"data":[' % (
            group_number,
            batch_number,
        )
        for chunk in self.rows(batch_number):
            yield before + encoder.encode(chunk)[1:-1]
            before = b","
        yield b"]}"
