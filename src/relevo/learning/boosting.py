"""Boosted trees by XGBoost: trained from chunks of encoded rows, so that no matrix of all rows ever exists."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray
from onnx import TensorProto

from relevo.domain.frame import Floats, Frame
from relevo.learning.encoder import Encoder, Fit, fit_encoder
from relevo.learning.folds import joined, split_off
from relevo.learning.onnx_graph import Graph, answer, encoded, metadata
from relevo.learning.target_scale import TargetScale
from relevo.learning.tree_node import add_trees

VALIDATION_SALT = 202
ROWS_A_THREAD = 10_000
Chunks = Callable[[], Iterator[Floats]]


@dataclass(frozen=True, slots=True)
class FittedTrees:
    """A booster over an encoder's matrix. Its base score is zero: the goal's shift holds the mean."""

    name: str
    encoder: Encoder
    target_scale: TargetScale
    booster: Any
    settings: dict[str, float | int | str]

    def predict(self, frame: Frame) -> NDArray[np.float64]:
        parts = [np.empty((0, self.target_scale.outputs), np.float32)]
        for chunk in self.encoder.chunks(frame):
            raw = self.booster.inplace_predict(chunk, predict_type="margin")
            parts.append(raw.reshape(len(chunk), self.target_scale.outputs))
        return self.target_scale.answer(np.concatenate(parts))

    def to_onnx(self) -> bytes:
        graph = Graph()
        matrix = encoded(graph, self.encoder)
        raw = add_trees(
            graph,
            matrix,
            bytes(self.booster.save_raw("json")),
            self.target_scale.outputs,
        )
        answer(graph, raw, self.target_scale)
        graph.output(
            matrix, "encoded", TensorProto.FLOAT, [None, len(self.encoder.columns)]
        )
        return graph.file(metadata(self.target_scale, self.encoder))

    def native_files(self) -> dict[str, bytes]:
        """`booster.ubj` reads the graph's output `encoded`; pred_contribs on it are exact SHAP values."""
        columns = json.dumps(self.encoder.columns).encode()
        return {
            "booster.ubj": bytes(self.booster.save_raw("ubj")),
            "encoded_features.json": columns,
        }

    def importances(self) -> dict[str, float]:
        """Each feature's share of what all splits gained."""
        shares = dict.fromkeys(self.encoder.columns, 0.0)
        gains = self.booster.get_score(importance_type="total_gain")
        for column, gain in gains.items():
            shares[self.encoder.columns[int(column[1:])]] += float(gain)
        total = sum(shares.values()) or 1.0
        return {name: gain / total for name, gain in shares.items()}

    def parameters(self) -> dict[str, float | int | str]:
        return {**self.settings, "rounds": int(self.booster.num_boosted_rounds())}


def fit_trees(
    name: str,
    train: Frame,
    validation: Frame,
    target_scale: TargetScale,
    settings: dict[str, Any],
    rounds: int,
    patience: int,
    refit: bool,
    median: bool,
) -> FittedTrees:
    """Early stopping on the validation rows; with `refit`, those then join the training rows for a second fit."""
    if not len(validation):
        train, validation = split_off(train, 0.1, VALIDATION_SALT)
    whole = {
        **_objective(target_scale, median),
        **settings,
        "nthread": _threads(len(train)),
        "tree_method": "hist",
    }
    fit = fit_encoder(train, target_scale)
    booster = _train(fit, train, validation, target_scale, whole, rounds, patience)
    if refit and len(validation):
        train = joined(train, validation)
        fit = fit_encoder(train, target_scale)
        booster = _train(
            fit,
            train,
            None,
            target_scale,
            whole,
            booster.num_boosted_rounds(),
            patience,
        )
    return FittedTrees(name, fit.encoder, target_scale, booster, whole)


def _threads(rows: int) -> int:
    """On few rows threads wait for each other longer than they work."""
    return max(1, min(os.cpu_count() or 1, rows // ROWS_A_THREAD))


def _objective(target_scale: TargetScale, median: bool) -> dict[str, Any]:
    """With `median` the absolute error of a logarithm, as a relative error wants; it sorts all rows in every round."""
    if (
        not target_scale.classes
        or target_scale.outputs == len(target_scale.classes) == 1
    ):
        name = (
            "reg:absoluteerror" if target_scale.log and median else "reg:squarederror"
        )
        return {
            "objective": name,
            "eval_metric": "mae" if target_scale.log else "rmse",
            "base_score": 0.0,
        }
    if len(target_scale.classes) == 2:
        return {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "base_score": 0.5,
        }
    return {
        "objective": "multi:softprob",
        "eval_metric": "mlogloss",
        "num_class": len(target_scale.classes),
        "base_score": 0.5,
    }


def _train(
    fit: Fit,
    train: Frame,
    validation: Frame | None,
    target_scale: TargetScale,
    settings: dict[str, Any],
    rounds: int,
    patience: int,
) -> Any:
    rows = xgb.QuantileDMatrix(
        _Chunks(lambda: fit.chunks(train), train, target_scale),
        max_bin=settings["max_bin"],
    )
    if validation is None or not len(validation):
        return xgb.train(settings, rows, rounds)
    watched = _Chunks(lambda: fit.encoder.chunks(validation), validation, target_scale)
    held = xgb.QuantileDMatrix(watched, ref=rows, max_bin=settings["max_bin"])
    booster = xgb.train(
        settings,
        rows,
        rounds,
        evals=[(held, "validation")],
        early_stopping_rounds=patience,
        verbose_eval=False,
    )
    return booster[: booster.best_iteration + 1]


class _Chunks(xgb.DataIter):  # type: ignore[misc]
    """Feeds XGBoost a chunk at a time; it comes through several times and keeps one byte a value."""

    def __init__(self, chunks: Chunks, frame: Frame, target_scale: TargetScale) -> None:
        self._chunks, self._target, self._goal = chunks, frame.target, target_scale
        self._left, self._start = chunks(), 0
        super().__init__()

    def reset(self) -> None:
        self._left, self._start = self._chunks(), 0

    def next(self, input_data: Callable[..., None]) -> bool:
        chunk = next(self._left, None)
        if chunk is None:
            return False
        stop = self._start + len(chunk)
        input_data(
            data=chunk, label=self._goal.learned(self._target[self._start : stop])
        )
        self._start = stop
        return True
