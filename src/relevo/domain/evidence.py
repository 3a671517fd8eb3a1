"""Measured facts, and what was decided on them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the record keeps. Its id is the warehouse's to give: None until it is stored."""

    id: int | None = None
    case: str

    @property
    def stored_id(self) -> int:
        if self.id is None:
            raise ValueError(f"{type(self).__name__} of {self.case} is not stored yet")
        return self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One measured fact. `passed` says whether it calls for the action; None where it could not be measured."""

    name: str
    value: float | None = None
    threshold: float | None = None
    passed: bool | None = None
    sentence: str


class Action(StrEnum):
    TRAIN = "train"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Entry):
    """Train or skip, with why. `request_id` is set where a person asked for it."""

    batch_id: int
    action: Action
    sentence: str
    evidence: tuple[Evidence, ...]
    policy: dict[str, object]
    decided_at: datetime
    request_id: int | None = None

    @property
    def key(self) -> str:
        """Names the decision outside its warehouse, where another one may count its ids from 1 too."""
        return f"{self.id}@{self.decided_at:%Y%m%dT%H%M%S%f}"


class Ruling(StrEnum):
    PROMOTE = "promote"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Entry):
    """What a contest found: the challenger becomes champion, or the champion is kept."""

    decision_id: int
    ruling: Ruling
    challenger: str
    champion: str | None
    contest_number: int  # the k of this case's life that its error probability was spent on; 0: no contest
    sentence: str
    evidence: tuple[Evidence, ...]
    ruled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Training(Entry):
    """A challenger that was trained and registered for a decision."""

    decision_id: int
    version: str
    run_id: str
    estimator: str
    batches: tuple[int, ...]  # batch ids whose rows were used
    rows: dict[str, int]  # by split
    data_sha256: str
    metrics: dict[str, float]
    seconds: float
    trained_at: datetime


class MoveKind(StrEnum):
    FIRST = "first"
    PROMOTION = "promotion"
    ROLLBACK = "rollback"
    PERSON = "person"  # promoted by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Move(Entry):
    """The alias `champion` moved. `done_at` is None from the intent until the alias has moved."""

    kind: MoveKind
    version: str
    previous: str | None
    reason: str
    verdict_id: int | None = None
    requested_at: datetime
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest(Entry):
    """A person asks to train again, with a reason."""

    reason: str
    requested_at: datetime
    decision_id: int | None = None
