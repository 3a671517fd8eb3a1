"""Which candidate becomes the challenger: decided inside the training rows, before any other row is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Frame
from relevo.domain.use_case import Candidate, Fitted, Task
from relevo.errors import RelevoError, TrainingFailed, UseCaseBroken
from relevo.learning.folds import fold_of, lowest, split_off
from relevo.learning.metrics import mean_loss, row_losses

SAMPLE_SALT, FOLD_SALT, STOP_SALT = 301, 302, 303
STOP_SHARE = 0.1
SURELY = 5.0  # standard errors behind the best: no further fold would turn that
WORST = 1e150  # a loss beyond it counts as this much: its square is still a number
Losses = NDArray[np.float64]
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
    A candidate that raises is out, and why is on record; where all do, that is TrainingFailed. The loss is the mean
    absolute log error with `log_target`, else RMSE, or log loss. A single candidate is scored on the validation rows.
    """
    tell = progress or _silent
    names = [candidate.name for candidate in candidates]
    if len(set(names)) < len(names):
        raise UseCaseBroken(
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
    scores, errors = race.scores(), race.errors
    for candidate in sorted(
        (c for c in candidates if c.name in scores), key=race.place
    ):
        tell(f"fitting {candidate.name} on {len(train):,} rows")
        try:
            return Choice(
                candidate.fit(train, validation, race.seed, log_target=race.log_target),
                scores,
                errors,
            )
        except Exception as error:  # noqa: BLE001
            errors[candidate.name] = _reason(error)
            del scores[candidate.name]
    reasons = "; ".join(f"{name}: {reason}" for name, reason in errors.items())
    raise TrainingFailed(
        f"no candidate could be fitted on {len(train):,} rows. {reasons}"
    )


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
        raise TrainingFailed(
            f"{candidate.name} could not be fitted on {len(train):,} rows: {_reason(error)}"
        ) from error
    shown = validation if len(validation) else train
    return Choice(
        model,
        {
            candidate.name: mean_loss(
                _task(train), log_target, _losses(model, shown, log_target)
            )
        },
    )


@dataclass
class _Race:
    """Candidates on the same folds of the same rows, fold by fold."""

    rows: Frame
    seed: int
    log_target: bool
    losses: dict[str, Losses] = field(
        default_factory=dict
    )  # a candidate's row losses over the folds it was asked on
    errors: dict[str, str] = field(default_factory=dict)

    def run(self, candidates: Sequence[Candidate], folds: int) -> None:
        place = fold_of(self.rows.identity, folds, FOLD_SALT)
        identity, running = self.rows.identity[:0], list(candidates)
        for fold in range(folds):
            held = self.rows.take(place == fold)
            if not len(held) or len(held) == len(self.rows):
                continue
            learning, stopping = split_off(
                self.rows.take(place != fold), STOP_SHARE, STOP_SALT
            )
            for candidate in running:
                self._ask(candidate, learning, stopping, held)
            identity = np.concatenate([identity, held.identity])
            running = self._left(running, identity)
            if len(running) < 2:
                break
        if not self.losses and not self.errors:
            few = f"{len(self.rows)} rows are too few to compare candidates on; give the use case a single one"
            self.errors = dict.fromkeys(
                (candidate.name for candidate in candidates), few
            )

    def _ask(
        self, candidate: Candidate, learning: Frame, stopping: Frame, held: Frame
    ) -> None:
        try:
            model = candidate.fit(
                learning, stopping, self.seed, log_target=self.log_target
            )
            found = _losses(model, held, self.log_target)
        except Exception as error:  # noqa: BLE001
            self.losses.pop(candidate.name, None)
            self.errors[candidate.name] = _reason(error)
            return
        self.losses[candidate.name] = np.concatenate(
            [self.losses.get(candidate.name, found[:0]), found]
        )

    def _left(
        self, running: list[Candidate], identity: NDArray[np.int64]
    ) -> list[Candidate]:
        whole = [candidate for candidate in running if candidate.name in self.losses]
        if not whole:
            return []
        best = self.losses[min(whole, key=self.place).name]
        return [
            one
            for one in whole
            if not surely_worse(self.losses[one.name], best, identity)
        ]

    def scores(self) -> dict[str, float]:
        return {
            name: mean_loss(_task(self.rows), self.log_target, found)
            for name, found in self.losses.items()
        }

    def place(self, candidate: Candidate) -> tuple[int, float]:
        """The order of candidates: who came further, then who lost less."""
        found = self.losses[candidate.name]
        return -len(found), mean_loss(_task(self.rows), self.log_target, found)


def surely_worse(losses: Losses, best: Losses, identity: NDArray[np.int64]) -> bool:
    """Paired row by row; rows of one identity count as one, for they go wrong together."""
    behind = np.minimum(losses, WORST) - np.minimum(best, WORST)
    mean, groups = behind.mean(), np.unique(identity, return_inverse=True)[1]
    error = np.sqrt((np.bincount(groups, behind - mean) ** 2).sum()) / len(behind)
    return bool(mean > SURELY * error)


def _losses(model: Fitted, frame: Frame, log_target: bool) -> Losses:
    answers = model.predict(frame)
    if not np.isfinite(answers).all():
        raise TrainingFailed(f"{model.name} answers numbers that are not finite")
    return row_losses(_task(frame), log_target, frame.target, answers)


def _task(frame: Frame) -> Task:
    return "classification" if frame.classes else "regression"


def _silent(text: str) -> None:
    """Where nobody listens."""


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"
