"""Batches, and the attempts to get them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class BatchState(StrEnum):
    LOADED = "loaded"
    STOPPED = "stopped"  # too many bad rows; waits for a person
    ACCEPTED = "accepted"  # a person let its good rows pass
    REJECTED = "rejected"  # a person kept all its rows out of CLEAN


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that arrived together."""

    id: int  # the warehouse's key, in order of loading; people see `number`
    case: str
    source: str
    number: int
    rows: int
    bad_rows: int
    sha256: str  # of the bytes as they arrived
    content_sha256: str  # of the rows alone, whatever number they came under
    object_key: str
    state: BatchState
    loaded_at: datetime
    reason: str = ""  # a person's, for ACCEPTED and REJECTED

    @property
    def bad_share(self) -> float:
        return self.bad_rows / max(1, self.rows)


class Outcome(StrEnum):
    OPEN = "open"  # requested, no answer yet: the cursor may have moved
    LANDED = "landed"  # stored, not yet a batch
    LOADED = "loaded"  # became a batch
    KNOWN = "known"  # brought a batch that is already loaded, same content
    END = "end"  # the source had no more
    REFUSED = "refused"  # certainly not answered: no connection, or a refusal
    UNANSWERED = "unanswered"  # failed after the request left: a batch may be lost
    HARMLESS = "harmless"  # was unanswered, and what came next proved nothing was lost
    GAP = "gap"  # was unanswered, and a person accepted the loss


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to a source, committed before it is made."""

    id: int
    case: str
    source: str
    object_key: str
    outcome: Outcome
    started_at: datetime
    format: str = ""
    number: int | None = None
    sha256: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The attempt has become a new batch."""

    batch: Batch


@dataclass(frozen=True, slots=True)
class Known:
    """The attempt brought the rows of a batch that is loaded already."""

    batch: Batch


@dataclass(frozen=True, slots=True)
class Ahead:
    """The attempt brought a batch before its turn, so nothing of it was loaded."""

    number: int


LoadResult = Loaded | Known | Ahead
