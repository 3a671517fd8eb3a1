"""Any scikit-learn estimator on the encoded matrix, missing numbers filled in by medians."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx.compose import add_prefix_graph

from relevo.domain.frame import Float64s, Floats, Frame
from relevo.learning.encoder import Encoder, fit_encoder
from relevo.learning.onnx_graph import (
    ML,
    ML_OPSET,
    OPSET,
    Graph,
    add_answer,
    add_encoded_output,
    add_encoder,
    add_imputed,
    add_probabilities,
    metadata,
)
from relevo.learning.running_stats import median
from relevo.learning.target_scale import TargetScale


@dataclass(frozen=True, slots=True)
class FittedEstimator:
    name: str
    encoder: Encoder
    target_scale: TargetScale
    medians: Floats
    estimator: Any

    def predict(self, frame: Frame) -> Float64s:
        nothing = np.empty((0, max(len(self.target_scale.classes), 1)))
        raw = np.concatenate([nothing, *map(self._raw, self.encoder.chunks(frame))])
        if self.target_scale.classes:
            return raw
        return self.target_scale.answer(raw)

    def _raw(self, chunk: Floats) -> Float64s:
        filled = np.where(np.isnan(chunk), self.medians, chunk)
        if not self.target_scale.classes:
            answers = np.asarray(self.estimator.predict(filled), dtype=np.float64)
            return answers.reshape(len(filled), 1)
        chances = np.zeros((len(filled), len(self.target_scale.classes)))
        chances[:, self.estimator.classes_] = self.estimator.predict_proba(filled)
        return chances

    def to_onnx(self) -> bytes:
        graph = Graph()
        matrix = add_encoder(graph, self.encoder)
        outputs = absorb(
            graph, self._converted(), add_imputed(graph, matrix, self.medians)
        )
        if classes := len(self.target_scale.classes):
            # the estimator has a column for each class that it saw
            columns = np.eye(classes, dtype=np.float32)[self.estimator.classes_]
            chances = graph.add("MatMul", outputs[1], graph.constant(columns))
            add_probabilities(graph, chances, self.target_scale)
        else:
            column = graph.constant(np.array([-1, 1], dtype=np.int64))
            raw = graph.add("Reshape", outputs[0], column)
            add_answer(graph, raw, self.target_scale)
        add_encoded_output(graph, matrix, self.encoder)
        return graph.file(metadata(self.target_scale, self.encoder))

    def _converted(self) -> Any:
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType

        options = None
        if self.target_scale.classes:
            options = {id(self.estimator): {"zipmap": False}}
        matrix = FloatTensorType([None, len(self.encoder.columns)])
        return to_onnx(
            self.estimator,
            initial_types=[("X", matrix)],
            target_opset={"": OPSET, ML: ML_OPSET},
            options=options,
        )

    def native_files(self) -> dict[str, bytes]:
        """Its words only: a pickle would be a file that nobody should open."""
        return {"estimator.txt": repr(self.estimator).encode()}

    def importances(self) -> dict[str, float]:
        """As the estimator itself sees them; empty where it does not say."""
        weights = getattr(self.estimator, "feature_importances_", ())
        shares: dict[str, float] = {}
        for feature, weight in zip(self.encoder.columns, weights, strict=False):
            shares[feature] = shares.get(feature, 0.0) + float(weight)
        return shares

    def parameters(self) -> dict[str, float | int | str]:
        parameters = self.estimator.get_params(deep=False)
        for name, value in parameters.items():
            if not isinstance(value, (int, float, str)):
                parameters[name] = repr(value)
        return dict(parameters)


def fit_estimator(
    name: str,
    make: Callable[[], Any],
    train: Frame,
    target_scale: TargetScale,
    seed: int,
) -> FittedEstimator:
    training_encoder = fit_encoder(train, target_scale)
    matrix = training_encoder.matrix(train)
    medians = np.array([median(values) for values in matrix.T], np.float32)
    np.copyto(matrix, medians, where=np.isnan(matrix))  # in place: it may be large
    estimator = make()
    # without a seed the same rows would give another model, of another digest
    if "random_state" in estimator.get_params(deep=False):
        estimator.set_params(random_state=seed)
    learned: Any = target_scale.learned(train.target)
    if target_scale.classes:
        learned = learned.astype(
            int
        )  # what the estimator calls its classes then is an index
    estimator.fit(matrix, learned)
    encoder = training_encoder.encoder
    return FittedEstimator(name, encoder, target_scale, medians, estimator)


def absorb(graph: Graph, model: onnx.ModelProto, value: str) -> list[str]:
    """Another model's nodes as a part of this graph, fed with `value`; the names of its outputs."""
    # two models number their values alike: without a prefix they would be mixed up
    inner = add_prefix_graph(
        model.graph,
        "~inner/",
        rename_nodes=False,
        rename_inputs=False,
        name_map={model.graph.input[0].name: value},
    )
    for node in inner.node:
        node.name = ""
    graph.constants += inner.initializer
    graph.nodes += inner.node
    return [output.name for output in inner.output]
