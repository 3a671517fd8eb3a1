"""Boosted trees by XGBoost: trained from chunks of encoded rows, so that no matrix of all rows ever exists."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import xgboost as xgb

from relevo.domain.frame import Float64s, Floats, Frame
from relevo.learning.encoder import Encoder, fit_encoder
from relevo.learning.folds import joined_frames, lowest, split_off
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
STOPPING_ROWS = 5_000
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
    """Early stopping on the validation rows; with `refit`, those then join the training rows for a second fit.

    Without, a part of them is enough to stop by, and the others are learnt from the start.
    """
    if not len(validation):
        train, validation = split_off(train, 0.1, VALIDATION_SALT)
    stages = _stages(target_scale, rounds, patience)
    settings = settings | stages[0].objective
    settings |= {"nthread": _threads(len(train)), "tree_method": "hist"}
    if not refit:
        watched = lowest(validation, STOPPING_ROWS, VALIDATION_SALT)
        others = ~np.isin(validation.identity, watched.identity)
        # a copy of rows that nothing holds once they are encoded
        training = _Training(train, target_scale, settings, validation.take(others))
        booster, stages = training.stopped(stages, watched)
    else:
        training = _Training(train, target_scale, settings)
        booster, stages = training.stopped(stages, validation)
        if len(validation):
            whole = joined_frames(train, validation)
            training = _Training(whole, target_scale, settings)
            booster = training.run(stages)
    for finish in stages[1:]:  # with it the run can be repeated
        objective = finish.objective["objective"]
        settings |= {"finish_objective": objective, "finish_rounds": finish.rounds}
    return FittedTrees(name, training.encoder, target_scale, booster, settings)


class _Stage(NamedTuple):
    """Rounds by one objective, on top of those before."""

    objective: BoosterSettings
    rounds: int
    patience: int


def _stages(target_scale: TargetScale, rounds: int, patience: int) -> list[_Stage]:
    """A logarithm is learnt by its squared error and finished by its absolute one, as a relative error wants.

    The absolute error alone sorts all rows in every round; as a finish it answers as well, on many rows at half the cost.
    """
    classes = len(target_scale.classes)
    if classes == 2:
        objective: BoosterSettings = {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "base_score": 0.5,
        }
    elif classes > 2:
        objective = {
            "objective": "multi:softprob",
            "eval_metric": "mlogloss",
            "num_class": classes,
            "base_score": 0.5,
        }
    else:
        objective = {
            "objective": "reg:squarederror",
            "eval_metric": "rmse",
            "base_score": 0.0,
        }
    if not target_scale.log:
        return [_Stage(objective, rounds, patience)]
    objective["eval_metric"] = "mae"
    finish = objective | {"objective": "reg:absoluteerror"}
    half = _Stage(finish, max(1, rounds // 2), max(1, patience // 2))
    return [_Stage(objective, rounds, patience), half]


def _threads(rows: int) -> int:
    """On few rows threads wait for each other longer than they work."""
    return max(1, min(os.cpu_count() or 1, rows // ROWS_A_THREAD))


class _Training:
    """One frame, its encoder and what XGBoost is told. `others` are learnt too, encoded as rows that come later."""

    def __init__(
        self,
        frame: Frame,
        target_scale: TargetScale,
        settings: BoosterSettings,
        others: Frame | None = None,
    ) -> None:
        training_encoder = fit_encoder(frame, target_scale)
        self.encoder = training_encoder.encoder
        self._target_scale = target_scale
        self._settings = settings
        labels = target_scale.learned(frame.target)
        if others is not None:
            labels = np.concatenate([labels, target_scale.learned(others.target)])

        def chunks() -> Iterator[Floats]:
            yield from training_encoder.chunks(frame)
            if others is not None:
                yield from self.encoder.chunks(others)

        self._rows = self._matrix(labels, chunks)

    def run(self, stages: list[_Stage]) -> Any:
        booster = None
        for stage in stages:
            settings = self._settings | stage.objective
            booster = xgb.train(settings, self._rows, stage.rounds, xgb_model=booster)
        return booster

    def stopped(
        self, stages: list[_Stage], validation: Frame
    ) -> tuple[Any, list[_Stage]]:
        """With each stage's rounds up to the best one on the validation rows; where there are none, with all."""
        if not len(validation):
            return self.run(stages), stages
        watched = self._matrix(
            self._target_scale.learned(validation.target),
            lambda: self.encoder.chunks(validation),
            ref=self._rows,
        )
        booster, best, taken = None, 0, []
        for stage in stages:
            booster = xgb.train(
                self._settings | stage.objective,
                self._rows,
                stage.rounds,
                evals=[(watched, "validation")],
                early_stopping_rounds=stage.patience,
                verbose_eval=False,
                xgb_model=booster,
            )
            before, best = best, booster.best_iteration + 1
            booster = booster[:best]
            taken.append(stage._replace(rounds=best - before))
        return booster, taken

    def _matrix(
        self, labels: Floats, chunks: Callable[[], Iterator[Floats]], ref: Any = None
    ) -> Any:
        max_bin = self._settings["max_bin"]
        return xgb.QuantileDMatrix(_Chunks(chunks, labels), max_bin=max_bin, ref=ref)


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
