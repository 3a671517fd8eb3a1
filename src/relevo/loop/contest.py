"""Champion and challenger on the same rows, which neither has seen; a verdict with its evidence."""

from __future__ import annotations

import json
import time
from pathlib import Path

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
from relevo.domain.release import CHAMPION, MODEL_FILE, RELEASE_FILE
from relevo.domain.slices import slices_of
from relevo.domain.use_case import UseCase
from relevo.learning.metrics import root_mean_square, row_losses
from relevo.learning.onnx_model import OnnxModel
from relevo.loop.train import ONNX_GAP
from relevo.ports.clock import Clock
from relevo.ports.registry import ModelRegistry
from relevo.ports.warehouse import Warehouse

TIMED_ROWS = 300
Answers = NDArray[np.float64]


def contest(
    case: UseCase,
    decision: Decision,
    warehouse: Warehouse,
    registry: ModelRegistry,
    clock: Clock,
) -> Verdict:
    """The verdict on a decision's challenger; the one on record where there is one."""
    if known := warehouse.record.verdicts(case.name, decision.stored_id):
        return known[0]
    training = warehouse.record.trainings(case.name, decision.stored_id)[0]
    champion = registry.alias(case.name, CHAMPION)
    number = 0
    if champion is None or champion == training.version:
        champion = None
        judgement = first_model(
            _fitness(training, registry.fetch(case.name, training.version), None),
            case.policy,
        )
    else:
        number = 1 + max(
            (
                verdict.contest_number
                for verdict in warehouse.record.verdicts(case.name)
            ),
            default=0,
        )
        judgement = _meet(
            case, decision, training, champion, number, warehouse, registry
        )
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
    number: int,
    warehouse: Warehouse,
    registry: ModelRegistry,
) -> Judgement:
    holdout = warehouse.rows.frame(
        case, training.batches, [Split.TEST], max_rows=case.policy.contest_rows
    )
    old_folder, new_folder = (
        registry.fetch(case.name, champion),
        registry.fetch(case.name, training.version),
    )
    old, new = OnnxModel(old_folder / MODEL_FILE), OnnxModel(new_folder / MODEL_FILE)
    old_answers = _in_classes(old.predict(holdout), old_folder, holdout.classes)
    new_answers = _in_classes(new.predict(holdout), new_folder, holdout.classes)
    fitness = _fitness(training, new_folder, _time_ratio(new, old, holdout))
    regression = case.task == "regression"
    old_rmse = root_mean_square(holdout.target, old_answers) if regression else None
    new_rmse = root_mean_square(holdout.target, new_answers) if regression else None
    if (
        case.policy.promotion == "classic"
        and old_rmse is not None
        and new_rmse is not None
    ):
        return classic(old_rmse, new_rmse, (onnx_guard(fitness, case.policy),))
    match = Match(
        row_losses(case.task, case.log_target, holdout.target, old_answers),
        row_losses(case.task, case.log_target, holdout.target, new_answers),
        holdout.identity,
        slices_of(
            holdout,
            case.slices,
            decision.batch_id,
            target_name=case.contract.target,
            expected=(old_answers + new_answers) / 2 if regression else None,
        ),
        old_rmse,
        new_rmse,
    )
    return judge(match, fitness, case.policy, number)


def _in_classes(answers: Answers, folder: Path, classes: tuple[str, ...]) -> Answers:
    """Probabilities in the holdout's order of classes; a class that the model never saw has none."""
    if not classes:
        return answers
    known = json.loads((folder / RELEASE_FILE).read_text())["classes"]
    spread = np.zeros((len(answers), len(classes)))
    for place, name in enumerate(classes):
        if name in known:
            spread[:, place] = answers[:, known.index(name)]
    return spread


def _fitness(training: Training, folder: Path, time_ratio: float | None) -> Fitness:
    size_mb = (folder / MODEL_FILE).stat().st_size / 1e6
    return Fitness(training.metrics[ONNX_GAP], size_mb, time_ratio)


def _time_ratio(new: OnnxModel, old: OnnxModel, rows: Frame) -> float | None:
    """Challenger's over champion's median time for one row, asked in turn so that both see the same machine."""
    if not len(rows):
        return None
    taken = np.empty((2, min(TIMED_ROWS, len(rows))))
    feeds = list(rows.take(np.arange(taken.shape[1])).inputs(chunk=1))
    for place, feed in enumerate(feeds):
        for who, model in enumerate((new, old)):
            started = time.perf_counter()
            model.run(feed)
            taken[who, place] = time.perf_counter() - started
    medians = np.median(taken, axis=1)
    return float(medians[0] / medians[1])
