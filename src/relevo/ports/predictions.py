"""Where logged predictions and their labels are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from relevo.domain.prediction import LiveError, LoggedPrediction, Minute
from relevo.domain.use_case import Task


class PredictionStore(Protocol):
    """Logged predictions and their late labels. StoreUnavailable while it cannot be reached; nothing here waits for it."""

    def ship(self, lines: bytes) -> int:
        """Store JSON lines whose receipts are not there yet, all or none; how many were new.

        LinesRefused where the lines themselves cannot be stored.
        """

    def find(self, receipt: str) -> LoggedPrediction | None: ...

    def label(self, labels: Sequence[tuple[str, str]]) -> None:
        """Receipts and what turned out to be true. The newest of a receipt counts; earlier ones are kept.

        A label may come before its prediction does.
        """

    def live_error(
        self, case: str, environment: str, since: datetime, task: Task
    ) -> LiveError: ...

    def recent(self, case: str, environment: str, limit: int) -> list[LoggedPrediction]:
        """Newest first."""

    def minutes(self, case: str, environment: str, since: datetime) -> list[Minute]:
        """Oldest first; none for a minute without predictions."""
