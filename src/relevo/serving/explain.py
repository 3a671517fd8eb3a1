"""Why a row is answered as it is: what each field adds, exactly, in the model's own scale."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from relevo.domain.cells import Cell, Row
from relevo.errors import NoExplanation
from relevo.releases.release_folder import ReleaseFolder
from relevo.serving.booster import Booster
from relevo.serving.model import ServedModel

BOOSTER, WEIGHTS = "booster.ubj", "weights.json"
FLOAT32_MAX = np.finfo(np.float32).max
Parts = NDArray[np.float64]  # [outputs, fields + 1]; the last is the base


class Contribution(msgspec.Struct, frozen=True):
    """`factor` only for a logarithm: what the base is multiplied by."""

    feature: str
    value: Cell
    contribution: float
    factor: float | None


class Explanation(msgspec.Struct, frozen=True):
    """`base` and the contributions add up to the answer in `scale`; `floor` is the least that is answered, where one is."""

    prediction: float | str
    version: str
    alias: str
    unit: str
    scale: str
    base: float
    base_value: float | None
    floor: float | None
    contributions: list[Contribution]


class Explainer(Protocol):
    @property
    def floor(self) -> float | None: ...

    def parts(self, model: ServedModel, row: Row) -> Parts:
        """What each field, in order, and the base add to each of the model's raw outputs."""


def explain(model: ServedModel, row: Row) -> Explanation:
    """NoExplanation where the estimator has no exact explanation."""
    explainer = _explainer(model.folder, model.release.estimator)
    answers = model.answers([row])[0].astype(np.float64)
    classes, facts = model.release.classes, model.onnx.metadata
    best = int(answers.argmax()) if classes else 0
    parts = explainer.parts(model, row)
    if len(classes) == 2:  # one raw number: the log odds of the second class
        own = parts[0] if best == 1 else -parts[0]
    elif classes:
        own = parts[best]
    else:
        own = parts[0] * float(facts["scale"])
        own[-1] += float(facts["shift"])
    log = json.loads(facts["log_target"])
    shares = [
        Contribution(column.name, cell, float(part), math.exp(part) if log else None)
        for column, cell, part in zip(model.columns, row, own, strict=False)
    ]
    return Explanation(
        classes[best] if classes else float(answers[0]), model.version, model.alias, model.release.unit,
        "log odds" if classes else "log" if log else "target", float(own[-1]), math.exp(own[-1]) if log else None,
        explainer.floor, sorted(shares, key=lambda share: -abs(share.contribution)),
    )  # fmt: skip


@lru_cache(maxsize=8)
def _explainer(folder: Path, estimator: str) -> Explainer:
    files = ReleaseFolder(folder)
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
        matrix = np.clip(
            model.onnx.run(model.feed([row]), "encoded"), -FLOAT32_MAX, FLOAT32_MAX
        )
        by_column = self.booster.contributions(matrix)
        place = {column.name: place for place, column in enumerate(model.columns)}
        columns = [
            place[name] for name in json.loads(model.onnx.metadata["encoded_features"])
        ]
        parts = np.zeros((len(by_column), len(place) + 1))
        for column, part in zip([*columns, len(place)], by_column.T, strict=True):
            parts[:, column] += part
        return parts


@dataclass(frozen=True, slots=True)
class _Weights:
    """A sum: a slope a number, a weight a word; each against its mean over the training rows."""

    start: Parts
    numbers: dict[str, dict[str, Any]]
    words: dict[str, dict[str, Any]]
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
        means = [np.array(words["mean"]) for words in self.words.values()]
        return np.column_stack([*added, self.start + sum(means)])

    def _added(self, name: str, value: Any) -> Parts:
        if name in self.words:
            table = self.words[name]
            weight = (
                table["missing"]
                if not value
                else table["words"].get(value, table["unseen"])
            )
            return np.asarray(np.array(weight) - np.array(table["mean"]))
        number = self.numbers[name]
        known = (
            number["median"]
            if np.isnan(value)
            else float(np.clip(value, -FLOAT32_MAX, FLOAT32_MAX))
        )
        return np.asarray(
            np.array(number["slope"]) * ((known - number["mean"]) / number["scale"])
        )
