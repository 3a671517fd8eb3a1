"""The steps for a batch, in the order in which Airflow and `relevo run` run them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from relevo.domain.batch import Batch
from relevo.domain.evidence import Action, Decision, Move, Training, Verdict
from relevo.loop.memory import give_back

ReportProgress = Callable[[str], None]


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
class BatchResult:
    """A batch, what was decided on it and what came of that."""

    batch: Batch
    decision: Decision
    training: Training | None = None
    verdict: Verdict | None = None


def run_batch(steps: Steps, report: ReportProgress) -> BatchResult | None:
    """Process the next batch; None when the source has no more."""
    report("asking the source")
    batch = steps.ingest()
    if batch is None:
        return None
    report(f"batch {batch.number}: preparing {batch.rows:,} rows")
    steps.prepare(batch.id)
    report(f"batch {batch.number}: deciding")
    result = BatchResult(batch, steps.decide(batch.id))
    for decision in steps.open_decisions(batch.id):
        result = run_decision(steps, batch, decision, report)
    return result


def run_decision(
    steps: Steps, batch: Batch, decision: Decision, report: ReportProgress
) -> BatchResult:
    """Train, contest and publish for a decision to train."""
    if decision.action is Action.SKIP:
        return BatchResult(batch, decision)
    report(f"batch {batch.number}: training ({decision.sentence})")
    training = steps.train(decision.stored_id)
    report(f"batch {batch.number}: version {training.version} meets the champion")
    verdict = steps.contest(decision.stored_id)
    steps.publish(decision.stored_id)
    # else the next batch begins while the memory of this training is still held
    give_back()
    return BatchResult(batch, decision, training, verdict)
