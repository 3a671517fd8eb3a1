"""The classic baseline: every word its own weight, every number its own slope."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto
from scipy import sparse
from scipy.sparse.linalg import lsqr

from relevo.domain.frame import Frame
from relevo.learning.category_table import CategoryTable, seen_words
from relevo.learning.onnx_graph import Graph, answer, imputed, look_up, metadata
from relevo.learning.running_stats import finite
from relevo.learning.target_scale import TargetScale

DAMPING = 1e-3
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Numbers:
    """How numbers are made comparable: the median for a missing one, then centred and scaled."""

    names: tuple[str, ...]
    medians: Matrix
    means: Matrix
    scales: Matrix

    @staticmethod
    def of(frame: Frame) -> Numbers:
        names = tuple(frame.numbers)
        medians, means, scales = (
            np.zeros(len(names)),
            np.zeros(len(names)),
            np.ones(len(names)),
        )
        for place, name in enumerate(names):
            values = finite(frame.numbers[name]).astype(np.float64)
            known = values[~np.isnan(values)]
            medians[place] = np.float32(np.median(known)) if len(known) else 0.0
            values[np.isnan(values)] = medians[place]
            means[place], scales[place] = values.mean(), values.std() or 1.0
        return Numbers(names, medians, means, scales)

    def matrix(self, frame: Frame) -> Matrix:
        raw = np.empty((len(frame), len(self.names)))
        for place, name in enumerate(self.names):
            raw[:, place] = finite(frame.numbers[name])
        return np.asarray(
            (np.where(np.isnan(raw), self.medians, raw) - self.means) / self.scales
        )


@dataclass(frozen=True, slots=True)
class FittedLinear:
    """Sums in float64, in ONNX too: what cancels near zero stays exact. `floor` is the least it may answer."""

    name: str
    target_scale: TargetScale
    numbers: Numbers
    slopes: Matrix  # [numbers, outputs]
    tables: tuple[CategoryTable, ...]
    means: tuple[
        Matrix, ...
    ]  # [outputs] a table: what its words add in the mean of the training rows
    start: Matrix  # [outputs]
    floor: float | None
    spread: dict[str, float]

    def predict(self, frame: Frame) -> NDArray[np.float64]:
        raw = self.numbers.matrix(frame) @ self.slopes + self.start
        for table in self.tables:
            raw += table.look_up(frame.categories[table.feature])
        answers = self.target_scale.answer(raw)
        return answers if self.floor is None else np.maximum(answers, self.floor)

    def to_onnx(self) -> bytes:
        graph = Graph()
        parts = [graph.input(name, category=False) for name in self.numbers.names]
        total = graph.constant(self.start[None, :])
        for table in self.tables:
            graph.input(table.feature, category=True)
            total = graph.add("Add", total, look_up(graph, table))
        if parts:
            total = graph.add("Add", total, self._weighed(graph, parts))
        answer(graph, total, self.target_scale, np.float64, self.floor)
        return graph.file(metadata(self.target_scale))

    def _weighed(self, graph: Graph, parts: list[str]) -> str:
        raw = graph.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
        raw = graph.add("Cast", raw, to=TensorProto.DOUBLE)
        centred = graph.add(
            "Sub",
            imputed(graph, raw, self.numbers.medians),
            graph.constant(self.numbers.means[None, :]),
        )
        flat = graph.add("Div", centred, graph.constant(self.numbers.scales[None, :]))
        return graph.add("MatMul", flat, graph.constant(self.slopes))

    def native_files(self) -> dict[str, bytes]:
        """`weights.json`: all that the sum is made of, and what a word adds in the mean of the training rows."""
        numbers = zip(
            self.numbers.medians,
            self.numbers.means,
            self.numbers.scales,
            self.slopes.tolist(),
            strict=True,
        )
        weights = {
            "start": self.start.tolist(),
            "numbers": {
                name: {"median": median, "mean": mean, "scale": scale, "slope": slope}
                for name, (median, mean, scale, slope) in zip(
                    self.numbers.names, numbers, strict=True
                )
            },
            "words": {
                table.feature: {
                    "words": dict(
                        zip(table.categories, table.values.tolist(), strict=False)
                    ),
                    "unseen": table.values[-2].tolist(),
                    "missing": table.values[-1].tolist(),
                    "mean": mean.tolist(),
                }
                for table, mean in zip(self.tables, self.means, strict=True)
            },
            "floor": self.floor,
        }
        return {"weights.json": json.dumps(weights).encode()}

    def importances(self) -> dict[str, float]:
        """Each feature's share of how far its part of the sum spreads over the training rows."""
        total = sum(self.spread.values()) or 1.0
        return {name: spread / total for name, spread in self.spread.items()}

    def parameters(self) -> dict[str, float | int | str]:
        return {
            "weights": len(self.slopes)
            + sum(len(table.categories) for table in self.tables),
            "damping": DAMPING,
        }


def fit_linear(
    name: str, train: Frame, log_target: bool, learn_log: bool
) -> FittedLinear:
    """`learn_log` learns the logarithm; without it, a log target is at least never answered below its lowest."""
    target_scale = TargetScale.of(train, log_target and learn_log)
    floor = (
        float(train.target.min())
        if log_target and not learn_log and not train.classes
        else None
    )
    numbers = Numbers.of(train)
    seen = {
        feature: seen_words(column)[0] for feature, column in train.categories.items()
    }
    design = _design(train, numbers, seen)
    learned = target_scale.learned(train.target)
    weights, start = (
        _logistic(design, learned, target_scale)
        if target_scale.classes
        else _least_squares(design, learned)
    )
    slopes, tables = weights[: len(numbers.names)], []
    place = len(numbers.names)
    for feature, words in seen.items():
        known, place = weights[place : place + len(words) + 1], place + len(words) + 1
        values = np.concatenate(
            [known[:-1], np.zeros((1, weights.shape[1])), known[-1:]]
        )
        tables.append(CategoryTable(feature, words, values))
    means = tuple(
        table.look_up(train.categories[table.feature]).mean(axis=0) for table in tables
    )
    return FittedLinear(
        name,
        target_scale,
        numbers,
        slopes,
        tuple(tables),
        means,
        start,
        floor,
        _spread(train, numbers, slopes, tables),
    )


def _design(
    train: Frame, numbers: Numbers, seen: dict[str, tuple[str, ...]]
) -> sparse.csr_matrix:
    """Numbers, then a column a word and one for missing."""
    parts: list[Any] = [sparse.csr_matrix(numbers.matrix(train))]
    rows = len(train)
    for feature, words in seen.items():
        column = train.categories[feature]
        place = CategoryTable(feature, words, np.empty((0, 0))).rows_of(
            column.categories
        )[column.codes]
        place = np.minimum(
            place, len(words)
        )  # no word is unseen here: the last column is for missing
        parts.append(
            sparse.csr_matrix(
                (np.ones(rows), place, np.arange(rows + 1)),
                shape=(rows, len(words) + 1),
            )
        )
    return sparse.hstack(parts, format="csr")


def _least_squares(
    design: sparse.csr_matrix, learned: NDArray[np.float32]
) -> tuple[Matrix, Matrix]:
    """The learned target has mean zero, so the start is zero; a faint damping settles words that say the same."""
    weights = lsqr(
        design,
        learned.astype(np.float64),
        damp=DAMPING,
        atol=1e-6,
        btol=1e-6,
        iter_lim=200,
    )[0]
    return np.asarray(weights)[:, None], np.zeros(1)


def _logistic(
    design: sparse.csr_matrix, learned: NDArray[np.float32], target_scale: TargetScale
) -> tuple[Matrix, Matrix]:
    from sklearn.linear_model import LogisticRegression

    weights, start = (
        np.zeros((design.shape[1], target_scale.outputs)),
        np.full(target_scale.outputs, -30.0),
    )
    present = np.unique(learned).astype(int)
    if len(present) == 1:
        start[:] = (
            30.0
            * (present[0] if target_scale.outputs == 1 else 1)
            * (1 if target_scale.outputs == 1 else 0)
        )
        start[present[0] if target_scale.outputs > 1 else 0] = (
            30.0 if target_scale.outputs > 1 or present[0] else -30.0
        )
        return weights, start
    model = LogisticRegression(max_iter=1_000).fit(design, learned.astype(int))
    if target_scale.outputs == 1:
        return model.coef_.T, model.intercept_
    two = (
        len(present) == 2
    )  # of more classes: scikit-learn then gives one row of weights
    rows = np.concatenate([-model.coef_, model.coef_]) / 2 if two else model.coef_
    starts = (
        np.concatenate([-model.intercept_, model.intercept_]) / 2
        if two
        else model.intercept_
    )
    weights[:, present], start[present] = rows.T, starts
    return weights, start


def _spread(
    train: Frame, numbers: Numbers, slopes: Matrix, tables: list[CategoryTable]
) -> dict[str, float]:
    spread = {
        name: float(np.abs(slope).sum())
        for name, slope in zip(numbers.names, slopes, strict=True)
    }
    for table in tables:
        spread[table.feature] = float(
            table.look_up(train.categories[table.feature]).std(axis=0).sum()
        )
    return spread
