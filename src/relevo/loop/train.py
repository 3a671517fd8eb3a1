"""Train a challenger on all rows so far, measure it, and register it with everything a release needs."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relevo.domain.evidence import Decision, Training
from relevo.domain.frame import Frame
from relevo.domain.identity import Side
from relevo.domain.profile import profile_of
from relevo.domain.release import (
    CARD_FILE,
    CHALLENGER,
    MODEL_FILE,
    PROFILE_FILE,
    RELEASE_FILE,
    Release,
    digest_of,
    signature_of,
)
from relevo.domain.use_case import UseCase
from relevo.errors import OrderRefused
from relevo.learning.card import CardFacts, model_card
from relevo.learning.choose import Choice, choose
from relevo.learning.metrics import measure
from relevo.learning.pictures import draw
from relevo.learning.score import OnnxModel
from relevo.ports import Clock, ModelRegistry, RunRecord, Version, Warehouse

ONNX_GAP = "onnx_gap"
TRAINING_FILE = "training.json"


@dataclass(frozen=True, slots=True)
class Sides:
    """The rows a training uses, by side."""

    train: Frame
    validation: Frame
    test: Frame

    def items(self) -> list[tuple[str, Frame]]:
        return [("train", self.train), ("validation", self.validation), ("test", self.test)]


def train(
    case: UseCase, decision: Decision, warehouse: Warehouse, registry: ModelRegistry, clock: Clock, commit: str
) -> Training:
    """The decision's challenger, trained and registered once, however often this is called."""
    if known := warehouse.trainings(case.name, decision.id):
        return known[0]
    version = registry.find(case.name, decision.key)
    if version is None:
        version = _make(case, decision, warehouse, registry, clock, commit)
    registry.set_alias(case.name, CHALLENGER, version.number)
    return warehouse.record_training(_training(case, decision, registry, version, clock))


def _make(
    case: UseCase, decision: Decision, warehouse: Warehouse, registry: ModelRegistry, clock: Clock, commit: str
) -> Version:
    started = time.monotonic()
    batches = [batch for batch in warehouse.batches(case.name) if batch.id <= decision.batch_id]
    ids = [batch.id for batch in batches]
    train, validation, test = (warehouse.frame(case, ids, [side]) for side in Side)
    sides = Sides(train, validation, test)
    if not len(train):
        raise OrderRefused(f"{case.name}: no clean rows to train on in batches up to {decision.batch_id}; see relevo history")
    choice = choose(case.candidates, train, validation, case)
    made = _measured(choice, sides, case)
    data = _data_hash([batch.content_sha256 for batch in batches], sides)
    release = Release(
        case=case.name, task=case.task, target=case.contract.target, unit=case.unit, log_target=case.log_target,
        fields=signature_of(case), classes=train.classes, estimator=choice.model.name, digest=digest_of(made.onnx),
        decision_id=decision.id, data_sha256=data, commit=commit, trained_at=clock.now().isoformat(timespec="seconds"),
        metrics=made.metrics,
    )  # fmt: skip
    rows = {side: len(frame) for side, frame in sides.items()}
    record = {"batches": ids, "rows": rows, "seconds": round(time.monotonic() - started, 3)}
    card = model_card(CardFacts(case, release, decision.sentence, tuple(b.number for b in batches), rows, choice.scores))
    with tempfile.TemporaryDirectory(prefix="relevo-release-") as temporary:
        folder = Path(temporary)
        _write(folder, choice, made, release, record, card, profile_of(train, case.contract.target).to_dict())
        return registry.register(case.name, _run(case, decision, choice, release, record), folder, decision.key)
