"""What the CLI, the DAG and the UI call: one use case with its ports in place.

Steps and adapters are imported where they are first needed: `relevo --help` and the parsing of a DAG must not wait for MLflow.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO

from relevo.bootstrap import LOOP_PATIENCE, LoopPorts, load_use_case
from relevo.domain.evidence import Action
from relevo.domain.release import CHAMPION
from relevo.settings import Settings

if TYPE_CHECKING:
    from relevo.domain.arrival import Format
    from relevo.domain.batch import Batch, BatchState
    from relevo.domain.evidence import Decision, Move, Training, Verdict
    from relevo.loop.history import AliasedVersion, BatchHistory, CaseStatus
    from relevo.loop.replay import ReplayedDecision
    from relevo.loop.run_batch import BatchResult, ReportProgress


class Loop(LoopPorts):
    """The loop of one use case. Each step may be run again, by another process too, with the same result."""

    @contextmanager
    def working(self, holder: str) -> Iterator[Loop]:
        """Hold the case while working on it; first finishes what a killed process left half-way."""
        with self.warehouse.lease(self.case.name, holder):
            if any(
                move.done_at is None
                for move in self.warehouse.record.moves(self.case.name)
            ):
                self.publisher.finish_open_moves(self.case.name)
            yield self

    def ingest(self) -> Batch | None:
        from relevo.loop.ingest import ingest

        return ingest(
            self.case,
            self.source,
            self.warehouse,
            self.landing,
            self.settings.source_tries,
        )

    def prepare(self, batch_id: int) -> int:
        from relevo.loop.prepare import prepare

        batch = self.warehouse.batches.get(batch_id)
        return prepare(self.case, batch, self.warehouse.rows)

    def decide(self, batch_id: int) -> Decision:
        from relevo.loop.decide import decide

        return decide(
            self.case,
            self.warehouse.batches.get(batch_id),
            self.warehouse,
            self.registry,
            self.clock,
        )

    def next_batch(self) -> Batch | None:
        """The next batch; the newest where there is no next one but a training request waits for it."""
        batch = self.ingest()
        if batch or not self.warehouse.record.open_requests(self.case.name):
            return batch
        return next(reversed(self.warehouse.batches.of(self.case.name)), None)

    def decide_all(self, batch_id: int) -> Decision:
        """Decide on the batch and on training requests that came after; one to train for is answered first."""
        from relevo.loop.decide import decide

        decision = self.decide(batch_id)
        batch = self.warehouse.batches.get(batch_id)
        for request in self.warehouse.record.open_requests(self.case.name):
            decide(self.case, batch, self.warehouse, self.registry, self.clock, request)
        to_train = (
            d for d in self.open_decisions(batch_id) if d.action is Action.TRAIN
        )
        return next(to_train, decision)

    def open_decisions(self, batch_id: int) -> list[Decision]:
        """Decisions on a batch that have not taken effect yet, those on a training request too."""
        from relevo.loop.progress import is_carried_out

        decisions = self.warehouse.record.decisions(self.case.name, batch_id)
        return [
            decision
            for decision in decisions
            if not is_carried_out(decision, self.warehouse.record)
        ]

    def train(self, decision_id: int) -> Training:
        from relevo.loop.train import train

        decision = self.warehouse.record.decision(decision_id)
        return train(
            self.case,
            decision,
            self.warehouse,
            self.registry,
            self.publisher,
            self.commit,
        )

    def contest(self, decision_id: int) -> Verdict:
        from relevo.loop.contest import contest

        decision = self.warehouse.record.decision(decision_id)
        return contest(self.case, decision, self.warehouse, self.registry, self.clock)

    def publish(self, decision_id: int) -> Move | None:
        return self.publisher.publish(
            self.warehouse.record.verdicts(self.case.name, decision_id)[0]
        )

    def run_batch(self, report: ReportProgress) -> BatchResult | None:
        """Process the next batch; None when the source has no more."""
        from relevo.loop.run_batch import run_batch

        return run_batch(self, report)

    def retrain(self, reason: str, report: ReportProgress) -> BatchResult:
        """Train, contest and publish now, on all rows so far."""
        from relevo.loop.review import retrain
        from relevo.loop.run_batch import run_decision

        batch, decision = retrain(
            self.case, reason, self.warehouse, self.registry, self.clock
        )
        return run_decision(self, batch, decision, report)

    def request_training(self, reason: str) -> bool:
        """Put a training request on record; the next decision sees it. False where the same one is open."""
        requests = self.warehouse.record.open_requests(self.case.name)
        if any(request.reason == reason for request in requests):
            return False
        self.warehouse.record.add_request(self.case.name, reason)
        return True

    def promote(self, version: str, reason: str) -> Move:
        return self.publisher.promote(self.case.name, version, reason)

    def roll_back(self, reason: str) -> Move:
        return self.publisher.roll_back(self.case.name, reason)

    def status(self) -> CaseStatus:
        from relevo.loop.history import read_status

        return read_status(self.case, self.warehouse, self.registry)

    def champion(self) -> AliasedVersion:
        from relevo.loop.history import read_alias

        return read_alias(self.case, self.warehouse, self.registry, CHAMPION)

    def history(self) -> list[tuple[Batch, list[Decision]]]:
        """Each batch with what was decided on it."""
        from relevo.loop.history import read_history

        return read_history(self.case, self.warehouse)

    def finished(self, known: Container[int]) -> list[BatchResult]:
        """Decisions that have taken effect, leaving out those whose ids are known."""
        from relevo.loop.history import finished_results

        return finished_results(self.case, self.warehouse, known)

    def batches_at_end(self) -> int | None:
        """How many batches there are, where the source had no more when it was last asked."""
        from relevo.loop.history import batches_at_end

        return batches_at_end(self.case, self.source.name, self.warehouse)

    def explain(self, number: int) -> BatchHistory:
        """Everything on record about the newest batch of that number."""
        from relevo.loop.history import read_batch

        return read_batch(self.case, self.warehouse, self.artifacts, number)

    def failures(self, version: str) -> list[str]:
        """A sentence for each candidate that raised when the version was trained."""
        from relevo.loop.history import read_failures

        return read_failures(self.case.name, version, self.artifacts)

    def predict(self, stream: BinaryIO, format: Format) -> Iterator[str]:
        """The champion's predictions for rows of a file: one line per row, in order."""
        from relevo.loop.predict_rows import predict_rows

        return predict_rows(self.case, self.registry, stream, format)

    def replay(self, policy_file: Path) -> list[ReplayedDecision]:
        """What a policy would have decided, from the record alone."""
        from relevo.loop.replay import decided_batches, read_policy, replay

        policy = read_policy(self.case.policy, policy_file)
        return replay(decided_batches(self.case.name, self.warehouse), policy)

    def replay_trained(
        self, policy_file: Path, report: ReportProgress
    ) -> Iterator[tuple[BatchResult | None, ReplayedDecision]]:
        """Run a policy over what has landed, in a scratch folder that is gone afterwards."""
        from relevo.loop.replay import decided_batches, read_policy, replay_trained

        policy = read_policy(self.case.policy, policy_file)
        decided = decided_batches(self.case.name, self.warehouse)
        batches = self.warehouse.batches.of(self.case.name, self.source.name)
        with TemporaryDirectory(prefix="relevo-replay-") as folder:
            copy = self.in_scratch(Path(folder), policy, batches)
            with copy.working("replay"):
                yield from replay_trained(copy, batches, decided, report)

    def judge_batch(self, number: int, state: BatchState, reason: str) -> Batch | None:
        """Accept or reject a stopped batch; None where a lost one is given up."""
        from relevo.loop.review import judge_batch

        return judge_batch(
            self.case, self.source.name, number, state, reason, self.warehouse
        )


def open_loop(
    name: str, settings: Settings | None = None, patience: float = LOOP_PATIENCE
) -> Loop:
    """The loop of a use case. Connections are opened when a step first needs them; see `patience` of the warehouse."""
    settings = settings or Settings()
    return Loop(load_use_case(name, settings), settings, patience)
