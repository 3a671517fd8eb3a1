"""Why a row is answered as it is: what each field adds, exactly, in the model's own scale."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from relevo.domain.cells import Row
from relevo.errors import NoExplanation
from relevo.releases.release_folder import ReleaseFolder
from relevo.serving.booster import Booster
from relevo.serving.model import ServedModel
from relevo.serving.responses import Contribution, Explanation

BOOSTER, WEIGHTS = "booster.ubj", "weights.json"
FLOAT32_MAX = np.finfo(np.float32).max
Scale = Literal["log", "target", "log odds"]
Parts = NDArray[np.float64]  # [outputs, fields + 1]; the last is the base


class Explainer(Protocol):
    @property
    def floor(self) -> float | None: ...

    def parts(self, model: ServedModel, row: Row) -> Parts:
        """What each field, in order, and the base add to each of the model's raw outputs."""


def explain(model: ServedModel, row: Row) -> Explanation:
    """NoExplanation where the estimator has none that is exact."""
    explainer = _explainer(model.files, model.release.estimator)
    answers = model.answers([row])[0].astype(np.float64)
    parts = explainer.parts(model, row)
    classes = model.release.classes
    metadata = model.onnx.metadata
    scale: Scale = "log odds"
    log = False
    if classes:
        best = int(answers.argmax())
        prediction: float | str = classes[best]
        by_field = parts[best] if len(classes) > 2 else _of_two(parts[0], best)
    else:
        prediction = float(answers[0])
        by_field = parts[0] * float(metadata["scale"])
        by_field[-1] += float(metadata["shift"])
        log = json.loads(metadata["log_target"])
        scale = "log" if log else "target"
    contributions = [
        Contribution(
            feature=column.name,
            value=cell,
            contribution=float(part),
            factor=math.exp(part) if log else None,
        )
        for column, cell, part in zip(model.columns, row, by_field, strict=False)
    ]
    base = float(by_field[-1])
    return Explanation(
        prediction=prediction,
        version=model.version,
        alias=model.alias,
        unit=model.release.unit,
        scale=scale,
        base=base,
        base_value=math.exp(base) if log else None,
        floor=explainer.floor,
        contributions=sorted(
            contributions, key=lambda each: abs(each.contribution), reverse=True
        ),
    )


def _of_two(second: NDArray[np.float64], best: int) -> NDArray[np.float64]:
    """Two classes share one raw number: the log odds of the second."""
    if best == 1:
        return second
    return -second


@lru_cache(maxsize=8)  # the models of a few cases, and those they were swapped for
def _explainer(files: ReleaseFolder, estimator: str) -> Explainer:
    if files.native(BOOSTER).is_file():
        return _Trees(Booster(files.native(BOOSTER)))
    if files.native(WEIGHTS).is_file():
        return _Weights.load(files.native(WEIGHTS))
    raise NoExplanation(
        f"{estimator}: has no exact explanation; those of boosted_trees and linear_baseline can be explained"
    )


@dataclass(frozen=True, slots=True)
class _Trees:
    booster: Booster
    floor: float | None = None

    def parts(self, model: ServedModel, row: Row) -> Parts:
        encoded = model.onnx.run(model.feed([row]), "encoded")
        by_encoded = self.booster.contributions(
            np.clip(encoded, -FLOAT32_MAX, FLOAT32_MAX)
        )
        base = len(model.columns)
        index_of = {column.name: index for index, column in enumerate(model.columns)}
        names = json.loads(model.onnx.metadata["encoded_features"])
        indices = [*(index_of[name] for name in names), base]
        parts = np.zeros((len(by_encoded), base + 1))
        # a field may have been encoded as several columns: what they add is the field's
        for index, part in zip(indices, by_encoded.T, strict=True):
            parts[:, index] += part
        return parts


@dataclass(frozen=True, slots=True)
class _Weights:
    """A sum: a slope per number, a weight per category; each against its mean over the training rows."""

    start: Parts
    numbers: dict[str, dict[str, Any]]
    categories: dict[str, dict[str, Any]]
    floor: float | None

    @staticmethod
    def load(path: Path) -> _Weights:
        weights = json.loads(path.read_bytes())
        if "numbers" not in weights:
            raise NoExplanation(
                f"{path}: was written by an older Relevo; train the model again to explain it"
            )
        return _Weights(
            np.array(weights["start"]),
            weights["numbers"],
            weights["words"],
            weights["floor"],
        )

    def parts(self, model: ServedModel, row: Row) -> Parts:
        feed = model.feed([row])
        added = [
            self._added(column.name, feed[column.name][0, 0])
            for column in model.columns
        ]
        means = [np.array(table["mean"]) for table in self.categories.values()]
        return np.column_stack([*added, self.start + sum(means)])

    def _added(self, name: str, value: Any) -> Parts:
        if (table := self.categories.get(name)) is not None:
            weight = table["missing"]
            if value:
                weight = table["words"].get(value, table["unseen"])
            return np.asarray(np.array(weight) - np.array(table["mean"]))
        number = self.numbers[name]
        if np.isnan(value):
            value = number["median"]
        distance = float(np.clip(value, -FLOAT32_MAX, FLOAT32_MAX)) - number["mean"]
        return np.asarray(np.array(number["slope"]) * (distance / number["scale"]))
