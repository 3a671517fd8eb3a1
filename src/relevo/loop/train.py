"""Train a challenger on all rows so far, measure it, and register it with everything a release needs."""

from __future__ import annotations

import hashlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relevo.domain.evidence import Decision, Training
from relevo.domain.frame import Frame, with_classes
from relevo.domain.identity import Split
from relevo.domain.model_version import ModelVersion, RunRecord
from relevo.domain.profile import profile_of
from relevo.domain.release import CHALLENGER, Release, digest_of, signature_of
from relevo.domain.use_case import UseCase
from relevo.errors import NothingToTrainOn
from relevo.learning.card import CardFacts, model_card
from relevo.learning.choose import Choice, choose
from relevo.learning.metrics import measure
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
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sides:
    """The rows a training uses, by side."""

    train: Frame
    validation: Frame
    test: Frame

    def items(self) -> list[tuple[str, Frame]]:
        return [
            ("train", self.train),
            ("validation", self.validation),
            ("test", self.test),
        ]


def train(
    case: UseCase,
    decision: Decision,
    warehouse: Warehouse,
    registry: ModelRegistry,
    publisher: Publisher,
    commit: str,
) -> Training:
    """The decision's challenger, trained and registered once, however often this is called."""
    if known := warehouse.record.trainings(case.name, decision.stored_id):
        return known[0]
    version = registry.find(case.name, decision.key)
    if version is None:
        version = _make(case, decision, warehouse, registry, publisher.clock, commit)
    folder = registry.fetch(case.name, version.number)
    upload(case.name, version.number, folder, publisher.store)
    with warehouse.record.alias_lock(case.name):
        publisher.point(case.name, CHALLENGER, version.number)
    return warehouse.record.add_training(
        _training(case, decision, registry, version, publisher.clock)
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
    ids = [batch.id for batch in batches]
    sides = _sides(case, ids, warehouse)
    train = sides.train
    if not len(train):
        raise NothingToTrainOn(
            f"{case.name}: no clean rows to train on in batches up to {decision.batch_id}; see relevo history"
        )
    choice = choose(
        case.candidates,
        train,
        sides.validation,
        case.policy.seed,
        log_target=case.log_target,
    )
    made = _measured(choice, sides, case)
    data = _data_hash([batch.content_sha256 for batch in batches], sides)
    release = Release(
        case=case.name, task=case.task, target=case.contract.target, unit=case.unit, log_target=case.log_target,
        fields=signature_of(case), classes=train.classes, estimator=choice.model.name, digest=digest_of(made.onnx),
        decision_id=decision.stored_id, data_sha256=data, commit=commit, trained_at=clock.now().isoformat(timespec="seconds"),
        metrics=made.metrics, title=case.title,
    )  # fmt: skip
    rows = {side: len(frame) for side, frame in sides.items()}
    record = {
        "batches": ids,
        "rows": rows,
        "seconds": round(time.monotonic() - started, 3),
    }
    card = model_card(
        CardFacts(
            case,
            release,
            decision.sentence,
            tuple(b.number for b in batches),
            rows,
            choice.scores,
        )
    )
    with tempfile.TemporaryDirectory(prefix="relevo-release-") as temporary:
        folder = Path(temporary)
        ReleaseFolder(folder).write(
            model=made.onnx,
            native=choice.model.native_files(),
            pictures=made.pictures,
            release=release,
            training=record,
            profile=profile_of(train, case.contract.target),
            card=card,
        )
        run = _run(case, decision, choice, release, record)
        with warehouse.record.alias_lock(case.name):
            return registry.register(case.name, run, folder, decision.key)


def _sides(case: UseCase, batch_ids: list[int], warehouse: Warehouse) -> Sides:
    """Validation and test rows are coded in the classes of the training rows."""
    train = warehouse.rows.frame(case, batch_ids, [Split.TRAIN])
    others = (
        warehouse.rows.frame(case, batch_ids, [side])
        for side in (Split.VALIDATION, Split.TEST)
    )
    validation, test = (with_classes(frame, train.classes) for frame in others)
    give_back()
    return Sides(train, validation, test)


@dataclass(frozen=True, slots=True)
class Made:
    """A chosen model in the form it serves in, and how good it is."""

    onnx: bytes
    metrics: dict[str, float]
    pictures: dict[str, bytes]


def _measured(choice: Choice, sides: Sides, case: UseCase) -> Made:
    """Metrics of each side, from the ONNX form; on the test rows it is held against the native model, row by row."""
    onnx = choice.model.to_onnx()
    served = OnnxModel(onnx)
    metrics: dict[str, float] = {}
    shown = "test" if len(sides.test) else "train"
    for side, rows in sides.items():
        frame = _at_most(rows, case.policy.contest_rows) if side == "train" else rows
        if len(frame):
            answers = served.predict(frame)
            metrics |= {
                f"{side}_{name}": value
                for name, value in measure(case.task, frame.target, answers).items()
            }
        if side == shown:
            metrics[ONNX_GAP] = _gap(choice.model.predict(frame), answers)
            pictures = draw(case, frame, answers, choice.model.importances())
    return Made(onnx, metrics, pictures)


def _at_most(frame: Frame, rows: int) -> Frame:
    """Evenly spread rows; training rows are measured for comparison only."""
    return (
        frame
        if len(frame) <= rows
        else frame.take(np.linspace(0, len(frame) - 1, rows).astype(np.int64))
    )


def _gap(native: Floats, served: Floats) -> float:
    """The largest difference, relative to the native answer."""
    return float(
        np.max(np.abs(served - native) / np.maximum(np.abs(native), 1e-9), initial=0.0)
    )


def _data_hash(batches: list[str], sides: Sides) -> str:
    """What the model was made from: the batches' content, and which rows of them stood on which side."""
    digest = hashlib.sha256()
    for content in batches:
        digest.update(content.encode())
    for frame in (sides.train, sides.validation, sides.test):
        digest.update(frame.identity.tobytes())
    return digest.hexdigest()


def _run(
    case: UseCase,
    decision: Decision,
    choice: Choice,
    release: Release,
    record: dict[str, Any],
) -> RunRecord:
    """What MLflow shows of the training."""
    scores = {f"cv_{name}": score for name, score in choice.scores.items()}
    return RunRecord(
        experiment=case.experiment or case.name,
        name=f"{case.name} {choice.model.name} decision {decision.id}",
        parameters={
            "estimator": choice.model.name,
            "features": ", ".join(case.features),
            "batches": record["batches"],
            "rows_train": record["rows"]["train"],
            "rows_validation": record["rows"]["validation"],
            "rows_test": record["rows"]["test"],
            **choice.model.parameters(),
        },
        metrics={**release.metrics, **scores},
        tags={
            "relevo.reason": decision.sentence,
            "relevo.data": release.data_sha256,
            "relevo.commit": release.commit,
            "relevo.estimator": release.estimator,
        },
    )


def _training(
    case: UseCase,
    decision: Decision,
    registry: ModelRegistry,
    version: ModelVersion,
    clock: Clock,
) -> Training:
    folder = ReleaseFolder(registry.fetch(case.name, version.number))
    release, record = folder.release(), folder.training()
    return Training(
        case=case.name,
        decision_id=decision.stored_id,
        version=version.number,
        run_id=version.run_id,
        estimator=release.estimator,
        batches=tuple(record["batches"]),
        rows=record["rows"],
        data_sha256=release.data_sha256,
        metrics=release.metrics,
        seconds=record["seconds"],
        trained_at=clock.now(),
    )
