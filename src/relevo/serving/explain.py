"""Why a row is answered as it is: what each field adds, exactly, in the model's own scale."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

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


class _Explained(NamedTuple):
    """What each field and, last, the base add to a prediction, in this scale."""

    prediction: float | str
    by_field: NDArray[np.float64]
    scale: Scale

    def factor(self, added: float) -> float | None:
        """What is added to a logarithm multiplies its number."""
        return math.exp(added) if self.scale == "log" else None


def explain(model: ServedModel, row: Row) -> Explanation:
    """NoExplanation where the estimator has none that is exact."""
    explainer = _explainer(model.files, model.release.estimator)
    answers = model.answers([row])[0].astype(np.float64)
    # what each field, in order, and the base add to each of the raw outputs
    parts = explainer.parts(model, row)
    explained = _in_its_scale(model, answers, parts)
    base = float(explained.by_field[-1])
    contributions = [
        Contribution(column.name, cell, float(part), explained.factor(part))
        for column, cell, part in zip(
            model.columns, row, explained.by_field, strict=False
        )
    ]
    return Explanation(
        prediction=explained.prediction,
        version=model.version,
        alias=model.alias,
        unit=model.release.unit,
        scale=explained.scale,
        base=base,
        base_value=explained.factor(base),
        floor=explainer.floor,
        contributions=sorted(
            contributions, key=lambda each: abs(each.contribution), reverse=True
        ),
    )


def _in_its_scale(
    model: ServedModel, answers: NDArray[np.float64], parts: Parts
) -> _Explained:
    if classes := model.release.classes:
        best = int(answers.argmax())
        if len(classes) == 2:
            # they share one raw number: the log odds of the second
            parts = np.vstack([-parts, parts])
        return _Explained(classes[best], parts[best], "log odds")
    metadata = model.onnx.metadata
    by_field = parts[0] * float(metadata["scale"])
    by_field[-1] += float(metadata["shift"])
    is_log = json.loads(metadata["log_target"])
    return _Explained(float(answers[0]), by_field, "log" if is_log else "target")


@lru_cache(maxsize=8)  # the models of a few cases, and those they were swapped for
def _explainer(files: ReleaseFolder, estimator: str) -> _Trees | _Weights:
    if files.native(BOOSTER).is_file():
        return _Trees(Booster(files.native(BOOSTER)))
    if files.native(WEIGHTS).is_file():
        return _Weights(files.native(WEIGHTS))
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


class _Weights:
    """A sum: a slope per number, a weight per category; each against its mean over the
    training rows.
    """

    def __init__(self, path: Path) -> None:
        self._weights: dict[str, Any] = json.loads(path.read_bytes())
        if "numbers" not in self._weights:
            raise NoExplanation(
                f"{path}: was written by an older Relevo; train the model again to explain it"
            )
        self.floor: float | None = self._weights["floor"]

    def parts(self, model: ServedModel, row: Row) -> Parts:
        feed = model.feed([row])
        added = [
            self._added(column.name, feed[column.name][0, 0])
            for column in model.columns
        ]
        means = [np.array(table["mean"]) for table in self._weights["words"].values()]
        return np.column_stack([*added, np.array(self._weights["start"]) + sum(means)])

    def _added(self, name: str, value: Any) -> Parts:
        if (table := self._weights["words"].get(name)) is not None:
            weight = table["missing"]
            if value:
                weight = table["words"].get(value, table["unseen"])
            return np.asarray(np.array(weight) - np.array(table["mean"]))
        number = self._weights["numbers"][name]
        if np.isnan(value):
            value = number["median"]
        distance = float(np.clip(value, -FLOAT32_MAX, FLOAT32_MAX)) - number["mean"]
        return np.asarray(np.array(number["slope"]) * (distance / number["scale"]))
