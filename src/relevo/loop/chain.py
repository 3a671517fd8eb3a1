"""The chain of steps for one batch, as Airflow runs it and as `relevo run` does without Airflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from relevo.domain.batch import Batch
from relevo.domain.evidence import Action, Decision, Move, Training, Verdict
from relevo.loop.memory import give_back

Progress = Callable[[str], None]


class Steps(Protocol):
    """The steps of a use case with their ports in place."""

    def ingest(self) -> Batch | None: ...

    def prepare(self, batch_id: int) -> int: ...

    def decide(self, batch_id: int) -> Decision: ...

    def open_decisions(self, batch_id: int) -> list[Decision]: ...

    def train(self, decision_id: int) -> Training: ...

    def contest(self, decision_id: int) -> Verdict: ...

    def publish(self, decision_id: int) -> Move | None: ...


@dataclass(frozen=True, slots=True)
class Worked:
    """A batch, what was decided on it and what came of that."""

    batch: Batch
    decision: Decision
    training: Training | None = None
    verdict: Verdict | None = None


def work_one(steps: Steps, progress: Progress) -> Worked | None:
    """Work the next batch off; None when the source has no more."""
    progress("asking the source")
    batch = steps.ingest()
    if batch is None:
        return None
    progress(f"batch {batch.number}: preparing {batch.rows:,} rows")
    steps.prepare(batch.id)
    progress(f"batch {batch.number}: deciding")
    worked = Worked(batch, steps.decide(batch.id))
    for decision in steps.open_decisions(batch.id):
        worked = carry_out(steps, batch, decision, progress)
    return worked


def carry_out(steps: Steps, batch: Batch, decision: Decision, progress: Progress) -> Worked:
    """Train, contest and publish for a decision to train."""
    if decision.action is Action.SKIP:
        return Worked(batch, decision)
    progress(f"batch {batch.number}: training ({decision.sentence})")
    training = steps.train(decision.id)
    progress(f"batch {batch.number}: version {training.version} meets the champion")
    verdict = steps.contest(decision.id)
    steps.publish(decision.id)
    give_back()
    return Worked(batch, decision, training, verdict)
