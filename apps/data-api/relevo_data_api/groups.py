"""Consumer groups: each reads one stream, at its own cursor."""

from collections.abc import Iterator, Mapping
from functools import cache, partial
from itertools import chain

from relevo_data_api.cursor import Cursor
from relevo_data_api.errors import (
    EndOfData,
    NoSuchBatch,
    NotYetAnswered,
    SourceUnusable,
)
from relevo_data_api.settings import DataApiSettings, StreamName
from relevo_data_api.streams.campaign import Campaign
from relevo_data_api.streams.king_county import KingCounty
from relevo_data_api.streams.stream import Stream

Body = Iterator[bytes]


class ConsumerGroup:
    def __init__(self, number: int, stream: Stream, cursor: Cursor) -> None:
        self.number = number
        self.stream = stream
        self._cursor = cursor

    def next_batch(self) -> tuple[int, Body]:
        """The next batch's number and body. The cursor has moved, durably, when this returns.

        The body's first chunk is made before the cursor moves: a failing stream costs no batch.
        """
        with self._cursor.locked():
            number = self._cursor.read()
            if number >= self.stream.batches:
                raise EndOfData
            body = self.stream.stream(number, self.number)
            first = next(body)
            self._cursor.write(number + 1)
        return number, chain([first], body)

    def answered_batch(self, number: int) -> Body:
        """The body of a batch that was answered before, the same bytes; the cursor stays."""
        if not 0 <= number < self.stream.batches:
            raise NoSuchBatch(
                f"batch {number} of group {self.number} does not exist; "
                f"its stream {self.stream.name} has batches 0 to {self.stream.batches - 1}"
            )
        with self._cursor.locked():
            answered = self._cursor.read()
        if number >= answered:
            raise NotYetAnswered(
                f"batch {number} of group {self.number} has not been answered yet; "
                f"GET /data?group_number={self.number} answers the next one, batch {answered}"
            )
        return self.stream.stream(number, self.number)

    def restart(self) -> None:
        """Back to batch 0, also from a cursor file that is corrupt or belongs to another stream."""
        with self._cursor.locked():
            self._cursor.write(0)


def open_groups(settings: DataApiSettings) -> Mapping[int, ConsumerGroup]:
    """Every group of the settings. Groups share a stream; each has a cursor of its own."""
    try:
        settings.state_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceUnusable(
            f"state_dir {settings.state_dir} cannot be made: {error}"
        ) from error
    open_once = cache(partial(open_stream, settings))
    groups = {}
    for number, name in sorted(settings.groups.items()):
        stream = open_once(name)
        cursor = Cursor(settings.state_dir, number, stream.identity, stream.batches)
        groups[number] = ConsumerGroup(number, stream, cursor)
    return groups


def open_stream(settings: DataApiSettings, name: StreamName) -> Stream:
    """SourceUnusable where its data is not there."""
    if name == "king-county":
        return KingCounty(settings.batch_rows)
    return Campaign(
        settings.campaign_seed, settings.campaign_scale, settings.batch_rows
    )
