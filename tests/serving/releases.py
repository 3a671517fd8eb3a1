"""Releases as training leaves them, from small real tables, and stores that hold them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy import king_county
from relevo.adapters.objects.folder_store import FolderStore
from relevo.bootstrap import load_use_case
from relevo.domain.contract import Column, number
from relevo.domain.frame import Frame
from relevo.domain.profile import profile_of
from relevo.domain.release import Release, digest_of, signature_of
from relevo.domain.use_case import Fitted
from relevo.learning.candidates import BoostedTrees, LinearBaseline
from relevo.releases.release_folder import MODEL_FILE, PROFILE_FILE, RELEASE_FILE
from relevo.releases.stored_release import pointer_key, upload
from relevo.serving.model import ServedModel, load_model
from relevo.settings import Settings
from tests.unit.learning.tables import iris, nothing_of

HOUSES, IRIS = "house_prices", "iris"
Candidate = BoostedTrees | LinearBaseline
TREES = BoostedTrees(rounds=60)
LINEAR = LinearBaseline()

HOUSE = {
    "bed": 3,
    "bath": 2,
    "acre_lot": 0.1,
    "city": "Seattle",
    "state": "Washington",
    "zip_code": 98103,
    "house_size": 1800,
}


@cache
def sides() -> tuple[Frame, Frame]:
    """King County's sales: four fifths to train on, and a holdout."""
    frame = king_county()
    held = np.arange(len(frame)) % 5 == 0
    return frame.take(~held), frame.take(held)


@cache
def fitted(candidate: Candidate) -> Fitted:
    train, _ = sides()
    return candidate.fit(train, nothing_of(train), 7, log_target=True)


@cache
def house_fields() -> tuple[Column, ...]:
    return signature_of(load_use_case(HOUSES, Settings(_env_file=None)))


def houses(folder: Path, candidate: Candidate = TREES, **changed: Any) -> Path:
    """A release of house prices in `folder`; `changed` are facts of its release.json."""
    train, _ = sides()
    model = fitted(candidate)
    facts: dict[str, Any] = {
        "case": HOUSES, "task": "regression", "target": "price", "unit": "USD", "log_target": True,
        "fields": house_fields(), "classes": (), "metrics": {"test_mape": 0.15},
    }  # fmt: skip
    return write(
        folder,
        model.name,
        model.to_onnx(),
        model.native_files(),
        profile_of(train, "price"),
        facts | changed,
    )


def flowers(folder: Path, candidate: Candidate = TREES, **changed: Any) -> Path:
    frame = iris()
    model = candidate.fit(frame, nothing_of(frame), 7)
    fields = tuple(number(name) for name in frame.numbers)
    facts: dict[str, Any] = {
        "case": IRIS, "task": "classification", "target": "species", "unit": "", "log_target": False,
        "fields": fields, "classes": frame.classes, "metrics": {"test_accuracy": 0.95},
    }  # fmt: skip
    native = model.native_files()
    return write(
        folder,
        model.name,
        model.to_onnx(),
        native,
        profile_of(frame, "species"),
        facts | changed,
    )


def write(
    folder: Path,
    estimator: str,
    onnx: bytes,
    native: dict[str, bytes],
    profile: Any,
    facts: dict[str, Any],
) -> Path:
    given: dict[str, Any] = {
        "estimator": estimator, "digest": digest_of(onnx), "decision_id": 1, "data_sha256": "d" * 64, "commit": "c0ffee",
        "trained_at": "2026-11-21T12:00:00+00:00",
    }  # fmt: skip
    release = Release(**(given | facts))
    (folder / "native").mkdir(parents=True, exist_ok=True)
    (folder / MODEL_FILE).write_bytes(onnx)
    (folder / RELEASE_FILE).write_text(json.dumps(release.to_dict()))
    (folder / PROFILE_FILE).write_text(json.dumps(profile.to_dict()))
    (folder / "training.json").write_text(
        json.dumps({"batches": [1], "rows": {"train": 10}, "seconds": 1.0})
    )
    for name, data in native.items():
        (folder / "native" / name).write_bytes(data)
    return folder


def without_field(name: str) -> tuple[Column, ...]:
    return tuple(field for field in house_fields() if field.name != name)


def renamed_kind(name: str, kind: Any) -> tuple[Column, ...]:
    return tuple(
        replace(field, kind=kind) if field.name == name else field
        for field in house_fields()
    )


def loaded(folder: Path, version: str = "1", case: str = HOUSES) -> ServedModel:
    return load_model(folder, case, version, "champion", 10_000)


def put(store: FolderStore, version: str, folder: Path, case: str = HOUSES) -> None:
    upload(case, version, folder, store)


def point_at(
    store: FolderStore, version: str, alias: str = "champion", case: str = HOUSES
) -> None:
    store.put(pointer_key(case, alias), [json.dumps({"version": version}).encode()])


def rows_of(frame: Frame, columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Rows of a frame as a client would send them."""
    cells: dict[str, list[Any]] = {}
    for column in columns:
        if column.is_categorical:
            cells[column.name] = [
                word or None for word in frame.categories[column.name].strings()
            ]
        else:
            cells[column.name] = [
                None if np.isnan(v) else float(v) for v in frame.numbers[column.name]
            ]
    return [
        dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)
    ]
