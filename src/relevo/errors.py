"""Everything Relevo raises on purpose. A star: retrying gives the same answer, so a person must act.

RelevoError
├── InvalidSetting *     a setting has a value that makes no sense
├── PackageMissing *     what was asked for needs a package that is not installed
├── UseCaseBroken *      a use case's own file cannot be loaded or contradicts itself
├── NotFound *           a case, batch or version that was asked for does not exist
├── SourceError *        the source refused
│   ├── SourceUnavailable    it may answer later: down, slow, 5xx, half an answer
│   └── SourceContradiction *  it answered a known batch number with other content
├── GapFound *           a batch may be lost and nothing may pass over it unasked
├── BatchStopped *       too many bad rows: a person must accept or reject the batch
├── TrainingFailed       no candidate could be trained on these rows
├── FirstModelRefused *  the first model may not serve, so there is no champion
├── LeaseHeld            another live process works on this case
├── LeaseLost            a successor has taken over: this process must stop
├── StoreUnavailable     database, object store or registry cannot be reached
├── LogHeld              another process writes this prediction log
├── LogUnwritable        a prediction cannot be logged: the disk is full, or the log is at its limit
├── LinesRefused         the database cannot hold a logged line as it is
├── ModelRefused *       a model file is damaged, foreign or does not fit its signature
└── RequestRefused *     what was asked for cannot be done as things are
    ├── InvalidInput         a value that was passed in cannot be used
    ├── ReasonMissing        an admin action has no reason
    ├── AlreadyChampion      the version to promote is the champion
    ├── NothingToRollBackTo  there was no champion before this one
    ├── BatchNotStopped      a batch to accept or reject waits for no decision
    ├── NothingToTrainOn     no clean rows have arrived
    ├── NoExplanation        the model has no exact explanation
    ├── UseCaseExists        `relevo new` would write over a use case
    ├── AlreadyRunning       another `relevo up` works in this home
    └── PortInUse            a program of `relevo up` cannot have its port
"""

from typing import ClassVar


class RelevoError(Exception):
    """Base of all errors that are raised on purpose; the message names subject, value and remedy."""

    retryable: ClassVar[bool] = True
    http_status: int = 503  # of the inference API, where it answers with this error


class InvalidSetting(RelevoError):
    retryable = False


class PackageMissing(RelevoError):
    retryable = False


class UseCaseBroken(RelevoError):
    retryable = False


class NotFound(RelevoError):
    retryable = False
    http_status = 404


class SourceError(RelevoError):
    retryable = False
    maybe_answered = False  # True: the source's cursor may have moved on


class SourceUnavailable(SourceError):
    """`maybe_answered` is False only where the request surely never reached the source."""

    retryable = True

    def __init__(self, message: str, *, maybe_answered: bool) -> None:
        super().__init__(message)
        self.maybe_answered = maybe_answered


class SourceContradiction(SourceError):
    pass


class GapFound(RelevoError):
    retryable = False


class BatchStopped(RelevoError):
    retryable = False


class TrainingFailed(RelevoError):
    pass


class FirstModelRefused(RelevoError):
    retryable = False


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
    retryable = False
    http_status = 409


class RequestRefused(RelevoError):
    retryable = False
    http_status = 409


class InvalidInput(RequestRefused):
    pass


class ReasonMissing(RequestRefused):
    pass


class AlreadyChampion(RequestRefused):
    pass


class NothingToRollBackTo(RequestRefused):
    pass


class BatchNotStopped(RequestRefused):
    pass


class NothingToTrainOn(RequestRefused):
    pass


class NoExplanation(RequestRefused):
    pass


class UseCaseExists(RequestRefused):
    pass


class AlreadyRunning(RequestRefused):
    pass


class PortInUse(RequestRefused):
    pass
