"""The classic baseline: every category its own weight, every number its own slope."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto
from scipy import sparse
from scipy.sparse.linalg import lsqr

from relevo.domain.frame import Float64s, Floats, Frame
from relevo.learning.category_table import CategoryTable, row_by_code, seen_categories
from relevo.learning.onnx_graph import (
    Graph,
    add_answer,
    add_concatenated,
    add_imputed,
    add_look_up,
    metadata,
)
from relevo.learning.running_stats import finite, median
from relevo.learning.target_scale import TargetScale

DAMPING = 1e-3
SURE = 30.0  # log odds of a class that all rows have


@dataclass(frozen=True, slots=True)
class Numbers:
    """How numbers are made comparable: the median for a missing one, then centred and scaled."""

    names: tuple[str, ...]
    medians: Float64s
    means: Float64s
    scales: Float64s

    @staticmethod
    def of(frame: Frame) -> Numbers:
        stats = np.array([_median_mean_scale(each) for each in frame.numbers.values()])
        return Numbers(tuple(frame.numbers), *stats.reshape(-1, 3).T)

    def matrix(self, frame: Frame) -> Float64s:
        raw = np.empty((len(frame), len(self.names)))
        for column, name in enumerate(self.names):
            raw[:, column] = finite(frame.numbers[name])
        raw = np.where(np.isnan(raw), self.medians, raw)
        return np.asarray((raw - self.means) / self.scales)


def _median_mean_scale(column: Floats) -> tuple[float, float, float]:
    values = finite(column).astype(np.float64)
    middle = median(values)
    values[np.isnan(values)] = middle
    return middle, values.mean(), values.std() or 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedLinear:
    """Sums in float64, in ONNX too: what cancels near zero stays exact. `floor` is the least it may answer."""

    name: str
    target_scale: TargetScale
    numbers: Numbers
    slopes: Float64s  # [numbers, outputs]
    tables: tuple[CategoryTable, ...]
    # [outputs] a table: what its categories add in the mean of the training rows
    means: tuple[Float64s, ...]
    start: Float64s  # [outputs]
    floor: float | None
    spread: dict[str, float]

    def predict(self, frame: Frame) -> Float64s:
        raw = self.numbers.matrix(frame) @ self.slopes + self.start
        for table in self.tables:
            raw += table.look_up(frame.categories[table.feature])
        answers = self.target_scale.answer(raw)
        if self.floor is None:
            return answers
        return np.maximum(answers, self.floor)

    def to_onnx(self) -> bytes:
        graph = Graph()
        columns = [graph.input(name, category=False) for name in self.numbers.names]
        total = graph.constant(self.start[None, :])
        for table in self.tables:
            graph.input(table.feature, category=True)
            total = graph.add("Add", total, add_look_up(graph, table))
        if columns:
            total = graph.add("Add", total, self._weighed(graph, columns))
        add_answer(graph, total, self.target_scale, np.float64, self.floor)
        return graph.file(metadata(self.target_scale))

    def _weighed(self, graph: Graph, columns: list[str]) -> str:
        raw = add_concatenated(graph, columns)
        raw = graph.add("Cast", raw, to=TensorProto.DOUBLE)
        raw = add_imputed(graph, raw, self.numbers.medians)
        means, scales = self.numbers.means[None, :], self.numbers.scales[None, :]
        centred = graph.add("Sub", raw, graph.constant(means))
        flat = graph.add("Div", centred, graph.constant(scales))
        return graph.add("MatMul", flat, graph.constant(self.slopes))

    def native_files(self) -> dict[str, bytes]:
        """`weights.json`: all that the sum is made of, and what a category adds in the mean of the training rows."""
        numbers = self.numbers
        weights = {
            "start": self.start.tolist(),
            "numbers": {
                name: {
                    "median": numbers.medians[column],
                    "mean": numbers.means[column],
                    "scale": numbers.scales[column],
                    "slope": self.slopes[column].tolist(),
                }
                for column, name in enumerate(numbers.names)
            },
            "words": {  # as releases have stored them from the first
                table.feature: _stored(table, mean)
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
        categories = sum(len(table.categories) for table in self.tables)
        return {"weights": len(self.slopes) + categories, "damping": DAMPING}


def _stored(table: CategoryTable, mean: Float64s) -> dict[str, Any]:
    *seen, unseen, missing = table.values.tolist()
    return {
        "words": dict(zip(table.categories, seen, strict=True)),
        "unseen": unseen,
        "missing": missing,
        "mean": mean.tolist(),
    }


def fit_linear(
    name: str, train: Frame, log_target: bool, learn_log: bool
) -> FittedLinear:
    """`learn_log` learns the logarithm; without it, a log target is at least never answered below its lowest."""
    target_scale = TargetScale.of(train, log_target and learn_log)
    floor = None
    if log_target and not learn_log and not train.classes:
        floor = float(train.target.min())
    numbers = Numbers.of(train)
    seen = {name: seen_categories(column) for name, column in train.categories.items()}
    design = _design(train, numbers, seen)
    learned = target_scale.learned(train.target).astype(np.float64)
    if target_scale.classes:
        weights, start = _logistic(design, learned, target_scale.outputs)
    else:
        weights, start = _least_squares(design, learned)
    slopes = weights[: len(numbers.names)]
    tables = _tables(weights, numbers, seen)
    added = [table.look_up(train.categories[table.feature]) for table in tables]
    spread = dict(zip(numbers.names, np.abs(slopes).sum(axis=1).tolist(), strict=True))
    for feature, part in zip(seen, added, strict=True):
        spread[feature] = float(part.std(axis=0).sum())
    return FittedLinear(
        name=name,
        target_scale=target_scale,
        numbers=numbers,
        slopes=slopes,
        tables=tables,
        means=tuple(part.mean(axis=0) for part in added),
        start=start,
        floor=floor,
        spread=spread,
    )


def _tables(
    weights: Float64s, numbers: Numbers, seen: dict[str, tuple[str, ...]]
) -> tuple[CategoryTable, ...]:
    """The weights that follow those of the numbers, by feature; an unseen category adds nothing."""
    tables = []
    start = len(numbers.names)
    for feature, categories in seen.items():
        stop = start + len(categories) + 1
        values = np.insert(weights[start:stop], -1, 0.0, axis=0)
        tables.append(CategoryTable(feature, categories, values))
        start = stop
    return tuple(tables)


def _design(
    train: Frame, numbers: Numbers, seen: dict[str, tuple[str, ...]]
) -> sparse.csr_matrix:
    parts: list[Any] = [sparse.csr_matrix(numbers.matrix(train))]
    rows = len(train)
    for feature, categories in seen.items():
        column = train.categories[feature]
        size = len(categories)
        # nothing is unseen here, so that its row of the table is not needed
        weight = np.minimum(row_by_code(categories, column), size)[column.codes]
        ones = (np.ones(rows), weight, np.arange(rows + 1))
        parts.append(sparse.csr_matrix(ones, shape=(rows, size + 1)))
    return sparse.hstack(parts, format="csr")


def _least_squares(
    design: sparse.csr_matrix, learned: Float64s
) -> tuple[Float64s, Float64s]:
    # a faint damping settles categories that say the same
    solved = lsqr(design, learned, damp=DAMPING, atol=1e-6, btol=1e-6, iter_lim=200)
    # the learned target has mean zero, so the start is zero
    return solved[0][:, None], np.zeros(1)


def _logistic(
    design: sparse.csr_matrix, learned: Float64s, outputs: int
) -> tuple[Float64s, Float64s]:
    from sklearn.linear_model import LogisticRegression

    codes = learned.astype(int)
    present = np.unique(codes)
    weights = np.zeros((design.shape[1], outputs))
    if len(present) == 1:  # which scikit-learn refuses
        if outputs == 1:
            return weights, SURE * (2.0 * present - 1)
        return weights, SURE * (np.arange(outputs) == present)
    model = LogisticRegression(max_iter=1_000).fit(design, codes)
    rows, starts = model.coef_, model.intercept_
    if outputs == 1:
        return rows.T, starts
    if len(present) == 2:  # scikit-learn then gives one row of weights
        rows = np.concatenate([-rows, rows]) / 2
        starts = np.concatenate([-starts, starts]) / 2
    start = np.full(outputs, -SURE)
    weights[:, present] = rows.T
    start[present] = starts
    return weights, start
