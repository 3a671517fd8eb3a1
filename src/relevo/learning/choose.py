"""Which candidate becomes the challenger: decided inside the training rows, before any other row is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Float64s, Frame
from relevo.domain.use_case import Candidate, Fitted, Task
from relevo.errors import RelevoError
from relevo.learning.folds import fold_of, lowest, split_off
from relevo.learning.metrics import mean_loss, row_losses

SAMPLE_SALT, FOLD_SALT, STOP_SALT = 301, 302, 303
STOP_SHARE = 0.1
SURELY = 5.0  # standard errors behind the best: no further fold would turn that
MOST_OF_A_REASON = 300  # it is shown in tables and kept in a tag
WORST = 1e150  # a loss beyond it counts as this much: its square is still a number
Tell = Callable[[str], None]


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
    progress: Tell | None = None,
) -> Choice:
    """Cross-validate the candidates on training rows, fit the best on all of them; `validation` only stops it early.

    Whoever is surely behind after a fold is out of the further ones, which are asked only while two are left.
    A candidate that raises is out, and why is on record; where all do, that is a RelevoError. The loss is the mean
    absolute log error with `log_target`, else RMSE, or log loss. A single candidate is scored on the validation rows.
    """
    tell = progress or _silent
    names = [candidate.name for candidate in candidates]
    if len(set(names)) < len(names):
        raise RelevoError(
            f"candidates: {', '.join(names)}: give each a name of its own in use_case.py"
        )
    if len(candidates) == 1:
        return _only(candidates[0], train, validation, seed, log_target, tell)
    race = _Race(lowest(train, max_rows, SAMPLE_SALT), seed, log_target)
    race.run(candidates, folds)
    for name, score in race.scores().items():
        tell(f"{name}: loss {score:.4g} in cross-validation on {len(race.rows):,} rows")
    for name, reason in race.errors.items():
        tell(f"{name}: out, {reason}")
    return _best(candidates, race, train, validation, tell)


def _best(
    candidates: Sequence[Candidate],
    race: _Race,
    train: Frame,
    validation: Frame,
    tell: Tell,
) -> Choice:
    """The winner of the race; the next one where it cannot be fitted on all rows."""
    scores, errors = race.scores(), race.errors
    scored = [candidate for candidate in candidates if candidate.name in scores]
    for candidate in sorted(scored, key=race.standing):
        tell(f"fitting {candidate.name} on {len(train):,} rows")
        try:
            model = candidate.fit(
                train, validation, race.seed, log_target=race.log_target
            )
        except Exception as error:  # noqa: BLE001
            errors[candidate.name] = _reason(error)
            del scores[candidate.name]
        else:
            return Choice(model, scores, errors)
    reasons = "; ".join(f"{name}: {reason}" for name, reason in errors.items())
    raise RelevoError(f"no candidate could be fitted on {len(train):,} rows. {reasons}")


def _only(
    candidate: Candidate,
    train: Frame,
    validation: Frame,
    seed: int,
    log_target: bool,
    tell: Tell,
) -> Choice:
    tell(f"fitting {candidate.name} on {len(train):,} rows")
    try:
        model = candidate.fit(train, validation, seed, log_target=log_target)
    except RelevoError:
        raise
    except Exception as error:
        raise RelevoError(
            f"{candidate.name} could not be fitted on {len(train):,} rows: {_reason(error)}"
        ) from error
    rows = validation
    if not len(validation):
        rows = train
    score = mean_loss(_task(train), log_target, _losses(model, rows, log_target))
    return Choice(model, {candidate.name: score})


@dataclass
class _Race:
    """Candidates on the same folds of the same rows, fold by fold."""

    rows: Frame
    seed: int
    log_target: bool
    # a candidate's row losses over the folds it was asked on
    losses: dict[str, Float64s] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def run(self, candidates: Sequence[Candidate], folds: int) -> None:
        fold_of_row = fold_of(self.rows.identity, folds, FOLD_SALT)
        identity = self.rows.identity[:0]
        running = list(candidates)
        for fold in range(folds):
            held = self.rows.take(fold_of_row == fold)
            others = self.rows.take(fold_of_row != fold)
            if not len(held) or not len(others):
                continue
            learning, stopping = split_off(others, STOP_SHARE, STOP_SALT)
            for candidate in running:
                self._ask(candidate, learning, stopping, held)
            identity = np.concatenate([identity, held.identity])
            running = self._left(running, identity)
            if len(running) < 2:  # the winner is known; another fold would only cost
                break
        if not self.losses and not self.errors:
            reason = f"{len(self.rows)} rows are too few to compare candidates on; give the use case a single one"
            self.errors = {candidate.name: reason for candidate in candidates}

    def _ask(
        self, candidate: Candidate, learning: Frame, stopping: Frame, held: Frame
    ) -> None:
        name = candidate.name
        try:
            model = candidate.fit(
                learning, stopping, self.seed, log_target=self.log_target
            )
            losses = _losses(model, held, self.log_target)
        except Exception as error:  # noqa: BLE001
            # losses on fewer folds than the others' would be compared with theirs
            self.losses.pop(name, None)
            self.errors[name] = _reason(error)
        else:
            before = self.losses.get(name, losses[:0])
            self.losses[name] = np.concatenate([before, losses])

    def _left(
        self, running: list[Candidate], identity: NDArray[np.int64]
    ) -> list[Candidate]:
        """Those that are not surely behind."""
        whole = [candidate for candidate in running if candidate.name in self.losses]
        if not whole:
            return []
        best = self.losses[min(whole, key=self.standing).name]
        return [
            candidate
            for candidate in whole
            if not surely_worse(self.losses[candidate.name], best, identity)
        ]

    def scores(self) -> dict[str, float]:
        return {name: self._score(losses) for name, losses in self.losses.items()}

    def standing(self, candidate: Candidate) -> tuple[int, float]:
        """The order of candidates: who came further, then who lost less."""
        losses = self.losses[candidate.name]
        return -len(losses), self._score(losses)

    def _score(self, losses: Float64s) -> float:
        return mean_loss(_task(self.rows), self.log_target, losses)


def surely_worse(losses: Float64s, best: Float64s, identity: NDArray[np.int64]) -> bool:
    """Paired row by row; rows of one identity count as one, for they go wrong together."""
    behind = np.minimum(losses, WORST) - np.minimum(best, WORST)
    mean = behind.mean()
    _, group = np.unique(identity, return_inverse=True)
    error = np.sqrt((np.bincount(group, behind - mean) ** 2).sum()) / len(behind)
    return bool(mean > SURELY * error)


def _losses(model: Fitted, frame: Frame, log_target: bool) -> Float64s:
    answers = model.predict(frame)
    if not np.isfinite(answers).all():
        raise RelevoError(f"{model.name} answers numbers that are not finite")
    return row_losses(_task(frame), log_target, frame.target, answers)


def _task(frame: Frame) -> Task:
    if frame.classes:
        return "classification"
    return "regression"


def _silent(text: str) -> None:
    """Where nobody listens."""


def _reason(error: Exception) -> str:
    message = next(iter(str(error).strip().splitlines()), "no message")
    return f"{type(error).__name__}: {message}"[:MOST_OF_A_REASON]
