"""Boosted trees by XGBoost: trained from chunks of encoded rows, so that no matrix of all rows ever exists."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost as xgb

from relevo.domain.frame import Float64s, Floats, Frame
from relevo.learning.encoder import Encoder, fit_encoder
from relevo.learning.folds import joined_frames, split_off
from relevo.learning.onnx_graph import (
    Graph,
    add_answer,
    add_encoded_output,
    add_encoder,
    metadata,
)
from relevo.learning.target_scale import TargetScale
from relevo.learning.tree_node import add_trees

VALIDATION_SALT = 202
ROWS_A_THREAD = 10_000
BoosterSettings = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FittedTrees:
    """A booster over an encoder's matrix. Its base score is zero: the target scale's shift holds the mean."""

    name: str
    encoder: Encoder
    target_scale: TargetScale
    booster: Any
    settings: BoosterSettings

    def predict(self, frame: Frame) -> Float64s:
        outputs = self.target_scale.outputs
        parts = [np.empty((0, outputs), np.float32)]
        for chunk in self.encoder.chunks(frame):
            raw = self.booster.inplace_predict(chunk, predict_type="margin")
            parts.append(raw.reshape(len(chunk), outputs))
        return self.target_scale.answer(np.concatenate(parts))

    def to_onnx(self) -> bytes:
        graph = Graph()
        matrix = add_encoder(graph, self.encoder)
        trees = bytes(self.booster.save_raw("json"))
        raw = add_trees(graph, matrix, trees, self.target_scale.outputs)
        add_answer(graph, raw, self.target_scale)
        add_encoded_output(graph, matrix, self.encoder)
        return graph.file(metadata(self.target_scale, self.encoder))

    def native_files(self) -> dict[str, bytes]:
        """`booster.ubj` reads the graph's output `encoded`; pred_contribs on it are exact SHAP values."""
        return {
            "booster.ubj": bytes(self.booster.save_raw("ubj")),
            "encoded_features.json": json.dumps(self.encoder.columns).encode(),
        }

    def importances(self) -> dict[str, float]:
        """Each feature's share of what all splits gained."""
        gained = dict.fromkeys(self.encoder.columns, 0.0)
        gains = self.booster.get_score(importance_type="total_gain")
        for column, gain in gains.items():  # XGBoost calls the columns f0, f1, …
            gained[self.encoder.columns[int(column[1:])]] += float(gain)
        total = sum(gained.values()) or 1.0
        return {name: gain / total for name, gain in gained.items()}

    def parameters(self) -> dict[str, float | int | str]:
        return {**self.settings, "rounds": int(self.booster.num_boosted_rounds())}


def fit_trees(
    name: str,
    train: Frame,
    validation: Frame,
    target_scale: TargetScale,
    settings: BoosterSettings,
    *,
    rounds: int,
    patience: int,
    refit: bool,
) -> FittedTrees:
    """Early stopping on the validation rows; with `refit`, those then join the training rows for a second fit."""
    if not len(validation):
        train, validation = split_off(train, 0.1, VALIDATION_SALT)
    settings = settings | {"nthread": _threads(len(train)), "tree_method": "hist"}
    training = _Training(train, target_scale, settings)
    booster = training.run(rounds, validation, patience)
    if refit and len(validation):
        whole = joined_frames(train, validation)
        training = _Training(whole, target_scale, settings)
        booster = training.run(booster.num_boosted_rounds())
    return FittedTrees(name, training.encoder, target_scale, booster, settings)


def objective(target_scale: TargetScale, *, median: bool) -> BoosterSettings:
    """With `median` the absolute error of a logarithm, as a relative error wants; it sorts all rows in every round."""
    classes = len(target_scale.classes)
    if classes == 2:
        return {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "base_score": 0.5,
        }
    if classes > 2:
        return {
            "objective": "multi:softprob",
            "eval_metric": "mlogloss",
            "num_class": classes,
            "base_score": 0.5,
        }
    settings = {
        "objective": "reg:squarederror",
        "eval_metric": "rmse",
        "base_score": 0.0,
    }
    if target_scale.log:
        settings["eval_metric"] = "mae"
        if median:
            settings["objective"] = "reg:absoluteerror"
    return settings


def _threads(rows: int) -> int:
    """On few rows threads wait for each other longer than they work."""
    return max(1, min(os.cpu_count() or 1, rows // ROWS_A_THREAD))


class _Training:
    """One frame, its encoder and what XGBoost is told."""

    def __init__(
        self, frame: Frame, target_scale: TargetScale, settings: BoosterSettings
    ) -> None:
        training_encoder = fit_encoder(frame, target_scale)
        self.encoder = training_encoder.encoder
        self._target_scale = target_scale
        self._settings = settings
        self._rows = self._matrix(frame, training_encoder.chunks)

    def run(
        self, rounds: int, validation: Frame | None = None, patience: int = 0
    ) -> Any:
        """All rounds; with validation rows, those up to the best one."""
        if validation is None or not len(validation):
            return xgb.train(self._settings, self._rows, rounds)
        watched = self._matrix(validation, self.encoder.chunks, ref=self._rows)
        booster = xgb.train(
            self._settings,
            self._rows,
            rounds,
            evals=[(watched, "validation")],
            early_stopping_rounds=patience,
            verbose_eval=False,
        )
        return booster[: booster.best_iteration + 1]

    def _matrix(
        self, frame: Frame, chunks: Callable[[Frame], Iterator[Floats]], ref: Any = None
    ) -> Any:
        labels = self._target_scale.learned(frame.target)
        return xgb.QuantileDMatrix(
            _Chunks(lambda: chunks(frame), labels),
            max_bin=self._settings["max_bin"],
            ref=ref,
        )


class _Chunks(xgb.DataIter):
    """Feeds XGBoost a chunk at a time; it comes through several times and keeps one byte a value."""

    def __init__(self, chunks: Callable[[], Iterator[Floats]], labels: Floats) -> None:
        self._chunks = chunks
        self._labels = labels
        self.reset()
        super().__init__()

    def reset(self) -> None:
        self._left = self._chunks()
        self._start = 0

    def next(self, input_data: Callable[..., None]) -> bool:
        for chunk in self._left:
            stop = self._start + len(chunk)
            input_data(data=chunk, label=self._labels[self._start : stop])
            self._start = stop
            return True
        return False
