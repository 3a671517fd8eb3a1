"""Batches once more from what has landed: the source of a replay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from relevo.domain.arrival import Format, SourceResponse
from relevo.domain.batch import Batch
from relevo.ports.store import ObjectStore

BLOCK = 1 << 20


class LandedSource:
    """Answers the given batches again, byte for byte, under their own numbers."""

    name = "landed"
    can_repeat = True
    can_restart = False

    def __init__(self, batches: list[Batch], landing: ObjectStore) -> None:
        self._batches, self._landing = (
            {batch.number: batch for batch in batches},
            landing,
        )

    @contextmanager
    def next(self, after: int | None) -> Iterator[SourceResponse | None]:
        with self.repeat(0 if after is None else after + 1) as answer:
            yield answer

    @contextmanager
    def repeat(self, number: int) -> Iterator[SourceResponse | None]:
        if number not in self._batches:
            yield None
            return
        key = self._landing.list(self._batches[number].object_key + ".")[0]
        with self._landing.open(key) as stream:
            format = cast(Format, key.rsplit(".", 1)[-1])
            yield SourceResponse(
                format, _blocks(stream), None if format == "json" else number
            )

    def restart(self) -> None:
        """Nothing to put back: batches are asked for by number."""


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block
