"""Train a challenger on all rows so far, measure it, and register it with everything a release needs."""

from __future__ import annotations

import hashlib
import logging
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from relevo.domain.batch import Batch
from relevo.domain.evidence import Decision, Training
from relevo.domain.frame import Float64s, Frame, learnable, with_classes
from relevo.domain.identity import Split
from relevo.domain.model_version import ModelVersion, RunRecord
from relevo.domain.profile import profile_of
from relevo.domain.release import CHALLENGER, Release, digest_of, signature_of
from relevo.domain.use_case import UseCase
from relevo.errors import NothingToTrainOn
from relevo.learning.card import CardFacts, model_card
from relevo.learning.choose import Choice, choose
from relevo.learning.metrics import log_of, measure, with_prefix
from relevo.learning.onnx_model import OnnxModel
from relevo.learning.pictures import draw
from relevo.loop.memory import give_back
from relevo.ports.clock import Clock
from relevo.ports.registry import ModelRegistry
from relevo.ports.warehouse import Warehouse
from relevo.releases.publisher import Publisher
from relevo.releases.release_folder import ReleaseFolder
from relevo.releases.stored_release import upload

ONNX_GAP = "onnx_gap"
FLOAT32_STEPS = 2 * 2.0**-23  # the scale's shift is rounded, and so is the sum with it
FAILED_TAG = "relevo.failed_candidates"

Splits = dict[Split, Frame]  # the rows a training uses, in this order
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenger:
    """A chosen model in the form it serves in, and how good it is."""

    choice: Choice
    classes: tuple[str, ...]
    onnx: bytes
    metrics: dict[str, float]
    pictures: dict[str, bytes]


def train(
    case: UseCase,
    decision: Decision,
    warehouse: Warehouse,
    registry: ModelRegistry,
    publisher: Publisher,
    commit: str,
) -> Training:
    """The decision's challenger, trained and registered once, however often this is called."""
    if recorded := warehouse.record.trainings(case.name, decision.stored_id):
        return recorded[0]
    # a process killed after it registered the version finds it by the decision's key
    version = registry.find(case.name, decision.key)
    if version is None:
        version = _make(case, decision, warehouse, registry, publisher.clock, commit)
    path = registry.fetch(case.name, version.number)
    # files before the alias: whoever follows it must find them
    upload(case.name, version.number, path, publisher.store)
    with warehouse.record.alias_lock(case.name):
        publisher.point(case.name, CHALLENGER, version.number)
    publisher.notify(case.name)  # dev serves the challenger
    training = _training(decision, version, ReleaseFolder(path), publisher.clock)
    return warehouse.record.add_training(training)


def _training(
    decision: Decision, version: ModelVersion, folder: ReleaseFolder, clock: Clock
) -> Training:
    release, training = folder.release(), folder.training()
    return Training(
        case=decision.case,
        decision_id=decision.stored_id,
        version=version.number,
        run_id=version.run_id,
        estimator=release.estimator,
        batches=tuple(training["batches"]),
        rows=training["rows"],
        data_sha256=release.data_sha256,
        metrics=release.metrics,
        seconds=training["seconds"],
        trained_at=clock.now(),
    )


def _make(
    case: UseCase,
    decision: Decision,
    warehouse: Warehouse,
    registry: ModelRegistry,
    clock: Clock,
    commit: str,
) -> ModelVersion:
    started = time.monotonic()
    batches = [
        batch
        for batch in warehouse.batches.of(case.name)
        if batch.id <= decision.batch_id
    ]
    splits = _splits(case, [batch.id for batch in batches], warehouse)
    challenger = make_challenger(case, splits)
    release = _release(
        case, decision, challenger, _data_hash(batches, splits), commit, clock
    )
    rows = {split.value: len(frame) for split, frame in splits.items()}
    training = {
        "batches": [batch.id for batch in batches],
        "rows": rows,
        "seconds": round(time.monotonic() - started, 3),
        "failed_candidates": challenger.choice.errors,
    }
    facts = CardFacts(
        case=case,
        release=release,
        reason=decision.sentence,
        batches=tuple(batch.number for batch in batches),
        rows=rows,
        scores=challenger.choice.scores,
        errors=challenger.choice.errors,
    )
    with tempfile.TemporaryDirectory(prefix="relevo-release-") as temporary:
        folder = Path(temporary)
        ReleaseFolder(folder).write(
            model=challenger.onnx,
            native=challenger.choice.model.native_files(),
            pictures=challenger.pictures,
            release=release,
            training=training,
            profile=profile_of(splits[Split.TRAIN], case.contract.target),
            card=model_card(facts),
        )
        run = _run(case, decision, challenger.choice, release, training)
        with warehouse.record.alias_lock(case.name):
            return registry.register(case.name, run, folder, decision.key)


def _release(
    case: UseCase,
    decision: Decision,
    challenger: Challenger,
    data_sha256: str,
    commit: str,
    clock: Clock,
) -> Release:
    return Release(
        case=case.name,
        task=case.task,
        target=case.contract.target,
        unit=case.unit,
        log_target=case.log_target,
        fields=signature_of(case),
        classes=challenger.classes,
        estimator=challenger.choice.model.name,
        digest=digest_of(challenger.onnx),
        decision_id=decision.stored_id,
        data_sha256=data_sha256,
        commit=commit,
        trained_at=clock.now().isoformat(timespec="seconds"),
        metrics=challenger.metrics,
        title=case.title,
    )


def _splits(case: UseCase, batch_ids: list[int], warehouse: Warehouse) -> Splits:
    """Validation and test rows are coded in the classes of the training rows."""
    train = warehouse.rows.frame(case, batch_ids, [Split.TRAIN])
    if not len(train):
        raise NothingToTrainOn(
            f"{case.name}: no clean rows to train on in batches up to {max(batch_ids)}; see relevo history"
        )
    splits = {Split.TRAIN: train}
    for split in (Split.VALIDATION, Split.TEST):
        rows = warehouse.rows.frame(case, batch_ids, [split])
        splits[split] = with_classes(rows, train.classes)
    give_back()  # or the memory that reading took is still held while fitting takes its own
    return splits


def make_challenger(case: UseCase, splits: Splits) -> Challenger:
    """The best candidate, measured in its ONNX form, which is held against the native model row by row."""
    choice = choose(
        case.candidates,
        splits[Split.TRAIN],
        learnable(splits[Split.VALIDATION]),
        case.policy.seed,
        log_target=case.log_target,
    )
    for name, reason in choice.errors.items():
        log.warning("%s: candidate %s failed: %s", case.name, name, reason)
    # measured is what will serve, not the native model
    onnx = choice.model.to_onnx()
    served = OnnxModel(onnx)
    # of the training rows for comparison only, so that some will do
    train = _evenly(splits[Split.TRAIN], case.policy.contest_rows)
    metrics = {ONNX_GAP: 0.0}
    answers = {}
    for split, rows in {**splits, Split.TRAIN: train}.items():
        answers[split] = served.predict(rows)
        scores = measure(case.task, rows.target, answers[split])
        metrics |= with_prefix(split, scores)
        # training rows too: a threshold that moved may have moved past these alone
        gap = onnx_gap(case, choice.model.predict(rows), answers[split])
        metrics[ONNX_GAP] = float(np.maximum(metrics[ONNX_GAP], gap))  # NaN stays
    shown, rows = Split.TEST, splits[Split.TEST]
    if not len(rows):
        shown, rows = Split.TRAIN, train
    return Challenger(
        choice=choice,
        classes=train.classes,
        onnx=onnx,
        metrics=metrics,
        pictures=draw(case, rows, answers[shown], choice.model.importances()),
    )


def _evenly(frame: Frame, rows: int) -> Frame:
    """At most so many rows, evenly spread."""
    if len(frame) <= rows:
        return frame
    return frame.take(np.linspace(0, len(frame) - 1, rows).astype(np.int64))


def onnx_gap(case: UseCase, native: Float64s, served: Float64s) -> float:
    """The largest difference of two forms' answers, of probabilities as it is.

    Of numbers (logarithms for a log target) it is a share of the spread: how far the row's answer lies from the median
    answer, or a median row's does where that is more. What float32 rounds does not count, and is the least spread.
    """
    if not len(native):
        return 0.0
    if case.task == "classification":
        return float(np.max(np.abs(served - native)))
    least = 1e-300  # never 0
    if case.log_target:
        native, served = log_of(native), log_of(served)
        least = 1.0  # exp rounds by a share of its answer, so a logarithm by an amount
    distance = np.abs(native - np.median(native))
    # the served form adds the mean to each answer: one giant moves it, and with it what all others are rounded by
    rounded = FLOAT32_STEPS * np.maximum(np.abs(native), max(abs(native.mean()), least))
    spread = np.maximum(np.maximum(distance, np.median(distance)), rounded)
    difference = np.maximum(np.abs(served - native) - rounded, 0.0)
    return float(np.max(difference / spread))


def _data_hash(batches: list[Batch], splits: Splits) -> str:
    """What the model was made from: the batches' content, and which rows of them are in which split."""
    digest = hashlib.sha256()
    for batch in batches:
        digest.update(batch.content_sha256.encode())
    for frame in splits.values():
        digest.update(frame.identity.tobytes())
    return digest.hexdigest()


def _run(
    case: UseCase,
    decision: Decision,
    choice: Choice,
    release: Release,
    training: dict[str, Any],
) -> RunRecord:
    """What MLflow shows of the training."""
    tags = {
        "relevo.reason": decision.sentence,
        "relevo.data": release.data_sha256,
        "relevo.commit": release.commit,
        "relevo.estimator": release.estimator,
    }
    if choice.errors:
        failed = [f"{name}: {reason}" for name, reason in choice.errors.items()]
        tags[FAILED_TAG] = "; ".join(failed)
    return RunRecord(
        experiment=case.experiment or case.name,
        name=f"{case.name} {choice.model.name} decision {decision.id}",
        parameters={
            "estimator": choice.model.name,
            "features": ", ".join(case.features),
            "batches": training["batches"],
            **{f"rows_{split}": rows for split, rows in training["rows"].items()},
            **choice.model.parameters(),
        },
        metrics={
            **release.metrics,
            **{f"cv_{name}": score for name, score in choice.scores.items()},
        },
        tags=tags,
    )
