"""Everything Relevo raises on purpose.

RelevoError
├── SettingMissing       a setting that is needed has no value, or one that makes no sense
├── UseCaseBroken        a use case's own file cannot be loaded or contradicts itself
├── NotFound             a case, batch or version that was asked for does not exist
├── SourceError          the source said no, and asking again will not help
│   ├── SourceUnavailable    it may answer later: down, slow, 5xx, half an answer
│   └── SourceContradiction  it answered a known batch number with other content
├── GapFound             a batch may be lost and nothing may pass over it unasked
├── BatchStopped         too many bad rows: a person must accept or reject the batch
├── LeaseHeld            another live process works on this case
├── LeaseLost            a successor has taken over: this process must stop
├── StoreUnavailable     database, object store or registry cannot be reached
├── LogHeld              another process writes this prediction log
├── LogUnwritable        a prediction cannot be logged: the disk is full, or the log is at its limit
├── LinesRefused         the database cannot hold a logged line as it is
├── ModelRefused         a model file is damaged, foreign or does not fit its signature
└── OrderRefused         what a person asked for would break a rule
"""


class RelevoError(Exception):
    """Base of all errors that are raised on purpose; the message names subject, value and remedy."""


class SettingMissing(RelevoError):
    pass


class UseCaseBroken(RelevoError):
    pass


class NotFound(RelevoError):
    pass


class SourceError(RelevoError):
    pass


class SourceUnavailable(SourceError):
    """`maybe_answered` is False only where the request surely never reached the source."""

    def __init__(self, message: str, *, maybe_answered: bool) -> None:
        super().__init__(message)
        self.maybe_answered = maybe_answered


class SourceContradiction(SourceError):
    pass


class GapFound(RelevoError):
    pass


class BatchStopped(RelevoError):
    pass


class LeaseHeld(RelevoError):
    pass


class LeaseLost(RelevoError):
    pass


class StoreUnavailable(RelevoError):
    pass


class LogHeld(RelevoError):
    pass


class LogUnwritable(RelevoError):
    pass


class LinesRefused(RelevoError):
    pass


class ModelRefused(RelevoError):
    pass


class OrderRefused(RelevoError):
    pass
