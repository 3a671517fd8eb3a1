"""ONNX graphs by hand: one file from a row's own fields to the answer.

Inputs: one [n, 1] per feature, float32 for a number (NaN is missing), string for a category ("" is missing).
Outputs: `prediction` [n, 1] in the target's unit, or `probabilities` [n, classes] and `label` [n], a class's name;
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


class Graph:
    """Nodes, constants and names; every method that adds a node gives the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []

    def input(self, name: str, *, category: bool) -> str:
        kind = TensorProto.FLOAT
        if category:
            kind = TensorProto.STRING
        self.inputs.append(helper.make_tensor_value_info(name, kind, [None, 1]))
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


def add_concatenated(graph: Graph, columns: list[str]) -> str:
    """[n, 1] each as one matrix."""
    if len(columns) == 1:
        return columns[0]
    return graph.add("Concat", *columns, axis=1)


def add_look_up(graph: Graph, table: CategoryTable) -> str:
    """The table's row for each category, [n, width]."""
    unseen = len(table.categories)
    rows = [*range(unseen), unseen + 1]
    keys: dict[str, Any] = {"domain": ML, "keys_strings": [*table.categories, ""]}
    if table.width == 1 and table.values.dtype == np.float32:
        values = table.values[:, 0]
        return graph.add(
            "LabelEncoder",
            table.feature,
            **keys,
            values_floats=values[rows].tolist(),
            default_float=float(values[unseen]),
        )
    row = graph.add(
        "LabelEncoder", table.feature, **keys, values_int64s=rows, default_int64=unseen
    )
    gathered = graph.add("Gather", graph.constant(table.values), row)
    return graph.add("Flatten", gathered, axis=1)


def add_encoder(graph: Graph, encoder: Encoder) -> str:
    """The encoder's matrix, [n, columns]."""
    columns = [graph.input(name, category=False) for name in encoder.numbers]
    for table in encoder.tables:
        graph.input(table.feature, category=True)
        columns.append(add_look_up(graph, table))
    return add_concatenated(graph, columns)


def add_encoded_output(graph: Graph, matrix: str, encoder: Encoder) -> None:
    graph.output(matrix, "encoded", TensorProto.FLOAT, [None, len(encoder.columns)])


def add_imputed(graph: Graph, matrix: str, medians: NDArray[Any]) -> str:
    """Medians for what is missing, and no infinity, as `finite` does."""
    filled = graph.add(
        "Where", graph.add("IsNaN", matrix), graph.constant(medians[None, :]), matrix
    )
    limit = np.array(np.finfo(np.float32).max, dtype=medians.dtype)
    return graph.add("Clip", filled, graph.constant(-limit), graph.constant(limit))


def add_answer(
    graph: Graph,
    raw: str,
    target_scale: TargetScale,
    precision: type = np.float32,
    floor: float | None = None,
) -> None:
    """From a model's raw numbers [n, outputs] to the outputs that people ask for, as TargetScale.answer does."""

    def number(value: float) -> str:
        return graph.constant(np.array([[value]], precision))

    if target_scale.classes:
        chances = _class_probabilities(graph, raw, target_scale)
        add_probabilities(graph, _as_float32(graph, chances, precision), target_scale)
        return
    if target_scale.scale != 1:
        raw = graph.add("Mul", raw, number(target_scale.scale))
    value = graph.add("Add", raw, number(target_scale.shift))
    if target_scale.log:
        value = graph.add("Exp", graph.add("Min", value, number(MAX_LOG)))
    if floor is not None:
        value = graph.add("Max", value, number(floor))
    value = _as_float32(graph, value, precision)
    graph.output(value, "prediction", TensorProto.FLOAT, [None, 1])


def _class_probabilities(graph: Graph, raw: str, target_scale: TargetScale) -> str:
    if len(target_scale.classes) != 2:
        return graph.add("Softmax", raw, axis=1)
    second = graph.add("Sigmoid", raw)
    # not 1 - second, which has lost what a chance near 0 is made of
    first = graph.add("Sigmoid", graph.add("Neg", raw))
    return graph.add("Concat", first, second, axis=1)


def _as_float32(graph: Graph, value: str, precision: type) -> str:
    if precision is np.float32:
        return value
    return graph.add("Cast", value, to=TensorProto.FLOAT)


def add_probabilities(graph: Graph, chances: str, target_scale: TargetScale) -> None:
    """The outputs of a model that gives probabilities [n, classes]."""
    shape = [None, len(target_scale.classes)]
    graph.output(chances, "probabilities", TensorProto.FLOAT, shape)
    best = graph.add("ArgMax", "probabilities", axis=1, keepdims=0)
    classes = graph.constant(np.array(target_scale.classes, dtype=object))
    label = graph.add("Gather", classes, best)
    graph.output(label, "label", TensorProto.STRING, [None])


def metadata(
    target_scale: TargetScale, encoder: Encoder | None = None
) -> dict[str, str]:
    """`encoded_features`: each encoded column's feature. raw * scale + shift is the target or its logarithm."""
    facts = {
        "classes": json.dumps(target_scale.classes),
        "log_target": json.dumps(target_scale.log),
        "shift": repr(target_scale.shift),
        "scale": repr(target_scale.scale),
    }
    if encoder is not None:
        facts["encoded_features"] = json.dumps(encoder.columns)
    return facts


def _version() -> str:
    try:
        return version("relevo")
    except PackageNotFoundError:
        return "unknown"
