"""Which candidate becomes the challenger: decided inside the training rows, before any other row is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from relevo.domain.frame import Frame
from relevo.domain.use_case import Candidate, Fitted, Task
from relevo.errors import RelevoError
from relevo.learning.folds import fold_of, lowest, split_off
from relevo.learning.metrics import loss

SAMPLE_SALT, FOLD_SALT, STOP_SALT = 301, 302, 303
STOP_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Choice:
    """The winner, fitted. `scores`: mean loss by candidate, the less the better; `errors`: why a candidate has none."""

    model: Fitted
    scores: dict[str, float]
    errors: dict[str, str] = field(default_factory=dict)


def choose(
    candidates: Sequence[Candidate],
    train: Frame,
    validation: Frame,
    seed: int,
    *,
    log_target: bool = False,
    max_rows: int = 10_000,
    folds: int = 3,
    progress: Callable[[str], None] | None = None,
) -> Choice:
    """Cross-validate the candidates on training rows, fit the best on all of them; `validation` only stops it early.

    A candidate that raises is out, and why is on record; where all do, that is a RelevoError. The loss is the mean
    absolute log error with `log_target`, else RMSE, or log loss. A single candidate is scored on the validation rows.
    """
    tell = progress or _silent
    names = [candidate.name for candidate in candidates]
    if len(set(names)) < len(names):
        raise RelevoError(f"candidates: {', '.join(names)}: give each a name of its own in use_case.py")
    if len(candidates) == 1:
        return _only(candidates[0], train, validation, seed, log_target, tell)
    scores, errors = _scores(candidates, lowest(train, max_rows, SAMPLE_SALT), seed, log_target, folds, tell)
    for candidate in sorted((c for c in candidates if c.name in scores), key=lambda c: scores[c.name]):
        tell(f"fitting {candidate.name} on {len(train):,} rows")
        try:
            return Choice(candidate.fit(train, validation, seed, log_target=log_target), scores, errors)
        except Exception as error:  # noqa: BLE001  the next best takes its place, and why is on record
            errors[candidate.name] = _reason(error)
            del scores[candidate.name]
    reasons = "; ".join(f"{name}: {reason}" for name, reason in errors.items())
    raise RelevoError(f"no candidate could be fitted on {len(train):,} rows. {reasons}")


def _only(
    candidate: Candidate, train: Frame, validation: Frame, seed: int, log_target: bool, tell: Callable[[str], None]
) -> Choice:
    tell(f"fitting {candidate.name} on {len(train):,} rows")
    try:
        model = candidate.fit(train, validation, seed, log_target=log_target)
    except RelevoError:
        raise
    except Exception as error:
        raise RelevoError(f"{candidate.name} could not be fitted on {len(train):,} rows: {_reason(error)}") from error
    shown = validation if len(validation) else train
    return Choice(model, {candidate.name: _loss(model, shown, log_target)})


def _scores(
    candidates: Sequence[Candidate], rows: Frame, seed: int, log_target: bool, folds: int, tell: Callable[[str], None]
) -> tuple[dict[str, float], dict[str, str]]:
    scores: dict[str, float] = {}
    errors: dict[str, str] = {}
    for candidate in candidates:
        try:
            scores[candidate.name] = _cross_validated(candidate, rows, seed, log_target, folds)
            tell(f"{candidate.name}: loss {scores[candidate.name]:.4g} in cross-validation on {len(rows):,} rows")
        except Exception as error:  # noqa: BLE001  one broken candidate must not stop the others, and why is on record
            errors[candidate.name] = _reason(error)
            tell(f"{candidate.name}: out, {errors[candidate.name]}")
    return scores, errors


def _cross_validated(candidate: Candidate, rows: Frame, seed: int, log_target: bool, folds: int) -> float:
    """The mean of the folds' losses, each weighed by its rows."""
    place = fold_of(rows.identity, folds, FOLD_SALT)
    losses, weights = [], []
    for fold in range(folds):
        held = rows.take(place == fold)
        if not len(held) or len(held) == len(rows):
            continue
        learning, stopping = split_off(rows.take(place != fold), STOP_SHARE, STOP_SALT)
        losses.append(_loss(candidate.fit(learning, stopping, seed, log_target=log_target), held, log_target))
        weights.append(len(held))
    if not losses:
        raise RelevoError(f"{len(rows)} rows are too few to compare candidates on; give the use case a single one")
    return float(np.average(losses, weights=weights))


def _loss(model: Fitted, frame: Frame, log_target: bool) -> float:
    task: Task = "classification" if frame.classes else "regression"
    value = loss(task, log_target, frame.target, model.predict(frame))
    if not np.isfinite(value):
        raise RelevoError(f"{model.name} answers numbers that are not finite")
    return value


def _silent(text: str) -> None:
    """Where nobody listens."""


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"
