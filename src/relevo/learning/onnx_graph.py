"""ONNX graphs by hand: one file from a row's own fields to the answer.

Inputs: one [n, 1] per feature, float32 for a number (NaN is missing), string for a category ("" is missing).
Outputs: `prediction` [n, 1] in the target's unit, or `probabilities` [n, classes] and `label` [n], a class's word;
`encoded` [n, columns], where the model has such a matrix, computed only when asked for.
Metadata: relevo_version, classes, and what else the model gives.
"""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from relevo.learning.category_table import CategoryTable
from relevo.learning.encoder import Encoder
from relevo.learning.target_scale import MAX_LOG, TargetScale

OPSET, ML_OPSET, IR_VERSION = 17, 3, 8
ML = "ai.onnx.ml"
TYPES = {np.float32: TensorProto.FLOAT, np.float64: TensorProto.DOUBLE}


class Graph:
    """Nodes, constants and names; every method that adds a node gives the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []

    def input(self, name: str, *, category: bool) -> str:
        self.inputs.append(
            helper.make_tensor_value_info(
                name, TensorProto.STRING if category else TensorProto.FLOAT, [None, 1]
            )
        )
        return name

    def output(self, value: str, name: str, kind: int, shape: list[int | None]) -> None:
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def constant(self, values: NDArray[Any]) -> str:
        name = f"~constant{len(self.constants)}"
        self.constants.append(
            numpy_helper.from_array(np.ascontiguousarray(values), name)
        )
        return name

    def add(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        name = f"~{kind}{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(kind, list(inputs), [name], domain=domain, **attributes)
        )
        return name

    def file(self, metadata: dict[str, str]) -> bytes:
        graph = helper.make_graph(
            self.nodes, "relevo", self.inputs, self.outputs, self.constants
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="relevo"
        )
        helper.set_model_props(model, {"relevo_version": _version(), **metadata})
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())


def look_up(graph: Graph, table: CategoryTable) -> str:
    """The table's row for each word, [n, width]."""
    words, rows = (
        [*table.categories, ""],
        [*range(len(table.categories)), len(table.categories) + 1],
    )
    unseen = len(table.categories)
    if table.width == 1 and table.values.dtype == np.float32:
        values = table.values[:, 0]
        return graph.add(
            "LabelEncoder", table.feature, domain=ML, keys_strings=words,
            values_floats=values[rows].tolist(), default_float=float(values[unseen]),
        )  # fmt: skip
    row = graph.add(
        "LabelEncoder",
        table.feature,
        domain=ML,
        keys_strings=words,
        values_int64s=rows,
        default_int64=unseen,
    )
    return graph.add(
        "Flatten", graph.add("Gather", graph.constant(table.values), row), axis=1
    )


def encoded(graph: Graph, encoder: Encoder) -> str:
    """The encoder's matrix, [n, columns]."""
    parts = [graph.input(name, category=False) for name in encoder.numbers]
    for table in encoder.tables:
        graph.input(table.feature, category=True)
        parts.append(look_up(graph, table))
    return graph.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]


def imputed(graph: Graph, matrix: str, medians: NDArray[Any]) -> str:
    """Medians for what is missing, and no infinity, as `finite` does."""
    known = graph.add(
        "Where", graph.add("IsNaN", matrix), graph.constant(medians[None, :]), matrix
    )
    limit = np.array(np.finfo(np.float32).max, dtype=medians.dtype)
    return graph.add("Clip", known, graph.constant(-limit), graph.constant(limit))


def answer(
    graph: Graph,
    raw: str,
    target_scale: TargetScale,
    precision: type = np.float32,
    floor: float | None = None,
) -> None:
    """From a model's raw numbers [n, outputs] to the outputs that people ask for, as Goal.answer does."""
    if target_scale.classes:
        _probabilities(
            graph,
            _class_probabilities(graph, raw, target_scale, precision),
            target_scale,
        )
        return
    scaled = (
        graph.add(
            "Mul", raw, graph.constant(np.array([[target_scale.scale]], precision))
        )
        if target_scale.scale != 1
        else raw
    )
    value = graph.add(
        "Add", scaled, graph.constant(np.array([[target_scale.shift]], precision))
    )
    if target_scale.log:
        value = graph.add(
            "Exp",
            graph.add("Min", value, graph.constant(np.array([[MAX_LOG]], precision))),
        )
    if floor is not None:
        value = graph.add("Max", value, graph.constant(np.array([[floor]], precision)))
    if precision is not np.float32:
        value = graph.add("Cast", value, to=TensorProto.FLOAT)
    graph.output(value, "prediction", TensorProto.FLOAT, [None, 1])


def given_probabilities(
    graph: Graph, probabilities: str, target_scale: TargetScale
) -> None:
    """For a model that gives probabilities [n, classes] itself."""
    _probabilities(graph, probabilities, target_scale)


def _class_probabilities(
    graph: Graph, raw: str, target_scale: TargetScale, precision: type
) -> str:
    if len(target_scale.classes) != 2:
        chances = graph.add("Softmax", raw, axis=1)
    else:
        second = graph.add("Sigmoid", raw)
        first = graph.add("Sub", graph.constant(np.ones((1, 1), precision)), second)
        chances = graph.add("Concat", first, second, axis=1)
    return (
        chances
        if precision is np.float32
        else graph.add("Cast", chances, to=TensorProto.FLOAT)
    )


def _probabilities(graph: Graph, chances: str, target_scale: TargetScale) -> None:
    graph.output(
        chances, "probabilities", TensorProto.FLOAT, [None, len(target_scale.classes)]
    )
    best = graph.add("ArgMax", "probabilities", axis=1, keepdims=0)
    words = graph.constant(np.array(target_scale.classes, dtype=object))
    graph.output(graph.add("Gather", words, best), "label", TensorProto.STRING, [None])


def metadata(
    target_scale: TargetScale, encoder: Encoder | None = None
) -> dict[str, str]:
    """`encoded_features`: each encoded column's feature. raw * scale + shift is the target or its logarithm."""
    facts = {
        "classes": json.dumps(target_scale.classes),
        "log_target": json.dumps(target_scale.log),
    }
    facts |= {"shift": repr(target_scale.shift), "scale": repr(target_scale.scale)}
    return (
        facts
        if encoder is None
        else {**facts, "encoded_features": json.dumps(encoder.columns)}
    )


def _version() -> str:
    try:
        return version("relevo")
    except PackageNotFoundError:
        return "unknown"
