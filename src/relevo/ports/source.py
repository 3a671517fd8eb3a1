"""Where batches come from."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from relevo.domain.arrival import SourceResponse


@runtime_checkable
class BatchSource(Protocol):
    """Where batches come from. Raises SourceUnavailable for what may be retried, SourceError for what may not."""

    name: str  # part of a batch's key: the same rows from another source are other batches
    can_repeat: bool
    can_restart: bool

    def next(self, after: int | None) -> AbstractContextManager[SourceResponse | None]:
        """The next batch; None at the end of data. A source with no cursor answers the one after `after`."""

    def repeat(self, number: int) -> AbstractContextManager[SourceResponse | None]:
        """A batch again, moving no cursor; None where the source has not answered it yet."""

    def restart(self) -> None:
        """Put the source's cursor back to its first batch."""
