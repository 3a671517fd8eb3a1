"""Champion and challenger on the same rows, which neither has seen; a verdict with its evidence."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relevo.domain.contest import (
    Fitness,
    Judgement,
    Match,
    classic,
    first_model,
    judge,
    onnx_guard,
)
from relevo.domain.evidence import Decision, Training, Verdict
from relevo.domain.frame import Frame
from relevo.domain.identity import Split
from relevo.domain.release import CHAMPION
from relevo.domain.use_case import UseCase
from relevo.learning.comparison import Comparison, Contender, compare
from relevo.learning.metrics import root_mean_square, row_losses
from relevo.learning.onnx_model import OnnxModel
from relevo.loop.train import ONNX_GAP
from relevo.ports.clock import Clock
from relevo.ports.registry import ModelRegistry
from relevo.ports.warehouse import Warehouse
from relevo.releases.release_folder import ReleaseFolder

TIMED_ROWS = 300  # asked one by one, as most requests come


def contest(
    case: UseCase,
    decision: Decision,
    warehouse: Warehouse,
    registry: ModelRegistry,
    clock: Clock,
) -> Verdict:
    """The verdict on a decision's challenger; the one on record where there is one."""
    if recorded := warehouse.record.verdicts(case.name, decision.stored_id):
        return recorded[0]
    training = warehouse.record.trainings(case.name, decision.stored_id)[0]
    folder = ReleaseFolder(registry.fetch(case.name, training.version))
    champion = registry.alias(case.name, CHAMPION)
    # a person may have promoted the challenger before it was judged
    if champion is None or champion == training.version:
        champion = None
        number = 0  # no contest, which spends no error probability
        judgement = first_model(_fitness(training, folder), case.policy)
    else:
        earlier = warehouse.record.verdicts(case.name)
        number = 1 + max((each.contest_number for each in earlier), default=0)
        comparison, fitness = _meet(
            case, decision, training, champion, warehouse, registry
        )
        judgement = _judge(comparison, fitness, number)
    return warehouse.record.add_verdict(
        Verdict(
            case=case.name,
            decision_id=decision.stored_id,
            ruling=judgement.ruling,
            challenger=training.version,
            champion=champion,
            contest_number=number,
            sentence=judgement.sentence,
            evidence=judgement.evidence,
            ruled_at=clock.now(),
        )
    )


def _meet(
    case: UseCase,
    decision: Decision,
    training: Training,
    champion: str,
    warehouse: Warehouse,
    registry: ModelRegistry,
) -> tuple[Comparison, Fitness]:
    limit = case.policy.contest_rows
    rows = warehouse.rows.frame(case, training.batches, [Split.TEST], max_rows=limit)
    folder = ReleaseFolder(registry.fetch(case.name, training.version))
    old = _contender(ReleaseFolder(registry.fetch(case.name, champion)))
    new = _contender(folder)
    comparison = compare(case, rows, old, new, decision.batch_id)
    ratio = _time_ratio(new.model, old.model, rows)
    return comparison, _fitness(training, folder, ratio)


def _judge(comparison: Comparison, fitness: Fitness, number: int) -> Judgement:
    case, rows = comparison.case, comparison.rows
    champion, challenger = comparison.answers
    rmses = {}
    if case.task == "regression":
        rmses["champion_rmse"] = root_mean_square(rows.target, champion)
        rmses["challenger_rmse"] = root_mean_square(rows.target, challenger)
        if case.policy.promotion == "classic":
            return classic(**rmses, guards=(onnx_guard(fitness, case.policy),))
    match = Match(
        row_losses(case.task, case.log_target, rows.target, champion),
        row_losses(case.task, case.log_target, rows.target, challenger),
        rows.identity,
        slices=comparison.slices,
        **rmses,
    )
    return judge(match, fitness, case.policy, number)


def _contender(folder: ReleaseFolder) -> Contender:
    return Contender(OnnxModel(folder.model), folder.release().classes)


def _fitness(
    training: Training, folder: ReleaseFolder, time_ratio: float | None = None
) -> Fitness:
    return Fitness(
        onnx_gap=training.metrics[ONNX_GAP],
        size_mb=folder.size_mb,
        scoring_time_ratio=time_ratio,
    )


def _time_ratio(new: OnnxModel, old: OnnxModel, rows: Frame) -> float | None:
    """Challenger's over champion's median time for one row, asked in turn so that both see the same machine."""
    if not len(rows):
        return None
    timed = rows.take(np.arange(min(TIMED_ROWS, len(rows))))
    seconds = [
        [_seconds(model, row) for model in (new, old)] for row in timed.inputs(chunk=1)
    ]
    challenger, champion = np.median(seconds, axis=0)
    return float(challenger / champion)


def _seconds(model: OnnxModel, row: dict[str, NDArray[Any]]) -> float:
    started = time.perf_counter()
    model.run(row)
    return time.perf_counter() - started
