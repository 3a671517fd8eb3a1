"""Batches once more from what has landed: the source of a replay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from relevo.adapters.blocks import blocks_of
from relevo.domain.arrival import LandedAnswer, SourceResponse
from relevo.domain.batch import Batch
from relevo.ports.store import ObjectStore


class LandedSource:
    """Answers the given batches again, byte for byte, under their own numbers."""

    name = "landed"
    can_repeat = True
    can_restart = False

    def __init__(self, batches: list[Batch], landing: ObjectStore) -> None:
        self._batches = {batch.number: batch for batch in batches}
        self._landing = landing

    def next(self, after: int | None) -> AbstractContextManager[SourceResponse | None]:
        if after is None:
            return self.repeat(0)
        return self.repeat(after + 1)

    @contextmanager
    def repeat(self, number: int) -> Iterator[SourceResponse | None]:
        batch = self._batches.get(number)
        if batch is None:
            yield None
            return
        key = self._landing.list(f"{batch.object_key}.")[0]
        answer = LandedAnswer.parse(batch.object_key, key)
        with self._landing.open(key) as stream:
            response = SourceResponse(answer.format, blocks_of(stream), number)
            if answer.format == "json":  # which names its batch itself
                response = replace(response, number=None)
            yield response

    def restart(self) -> None:
        """Nothing to put back: batches are asked for by number."""
