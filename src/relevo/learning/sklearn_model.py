"""Any scikit-learn estimator on the encoded matrix, missing numbers filled in by medians."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from relevo.domain.frame import Floats, Frame
from relevo.learning.encoder import Encoder, fit_encoder
from relevo.learning.onnx_graph import (
    ML,
    ML_OPSET,
    OPSET,
    Graph,
    answer,
    encoded,
    given_probabilities,
    imputed,
    metadata,
)
from relevo.learning.target_scale import TargetScale


@dataclass(frozen=True, slots=True)
class FittedEstimator:
    name: str
    encoder: Encoder
    target_scale: TargetScale
    medians: Floats
    estimator: Any

    def predict(self, frame: Frame) -> NDArray[np.float64]:
        parts = [np.empty((0, max(len(self.target_scale.classes), 1)))]
        chunks = self.encoder.chunks(frame)
        raw = np.concatenate(
            [
                *parts,
                *(self._raw(np.where(np.isnan(c), self.medians, c)) for c in chunks),
            ]
        )
        return raw if self.target_scale.classes else self.target_scale.answer(raw)

    def _raw(self, filled: Floats) -> NDArray[np.float64]:
        if not self.target_scale.classes:
            return np.asarray(self.estimator.predict(filled), dtype=np.float64).reshape(
                len(filled), 1
            )
        chances = np.zeros((len(filled), len(self.target_scale.classes)))
        chances[:, self.estimator.classes_] = self.estimator.predict_proba(filled)
        return chances

    def to_onnx(self) -> bytes:
        graph = Graph()
        matrix = encoded(graph, self.encoder)
        outputs = absorb(graph, self._converted(), imputed(graph, matrix, self.medians))
        if self.target_scale.classes:
            spread = np.eye(len(self.target_scale.classes), dtype=np.float32)[
                self.estimator.classes_
            ]
            given_probabilities(
                graph,
                graph.add("MatMul", outputs[1], graph.constant(spread)),
                self.target_scale,
            )
        else:
            flat = graph.add(
                "Reshape", outputs[0], graph.constant(np.array([-1, 1], dtype=np.int64))
            )
            answer(graph, flat, self.target_scale)
        graph.output(
            matrix, "encoded", TensorProto.FLOAT, [None, len(self.encoder.columns)]
        )
        return graph.file(metadata(self.target_scale, self.encoder))

    def _converted(self) -> Any:
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType

        return to_onnx(
            self.estimator,
            initial_types=[("X", FloatTensorType([None, len(self.encoder.columns)]))],
            target_opset={"": OPSET, ML: ML_OPSET},
            options={id(self.estimator): {"zipmap": False}}
            if self.target_scale.classes
            else None,
        )

    def native_files(self) -> dict[str, bytes]:
        """Its words only: a pickle would be a file that nobody should open."""
        return {"estimator.txt": repr(self.estimator).encode()}

    def importances(self) -> dict[str, float]:
        """As the estimator itself sees them; empty where it does not say."""
        weights = getattr(self.estimator, "feature_importances_", None)
        if weights is None:
            return {}
        shares = dict.fromkeys(self.encoder.columns, 0.0)
        for feature, weight in zip(self.encoder.columns, weights, strict=True):
            shares[feature] += float(weight)
        return shares

    def parameters(self) -> dict[str, float | int | str]:
        given = self.estimator.get_params(deep=False)
        return {
            name: v if isinstance(v, (int, float, str)) else repr(v)
            for name, v in given.items()
        }


def fit_estimator(
    name: str,
    make: Callable[[], Any],
    train: Frame,
    target_scale: TargetScale,
    seed: int,
) -> FittedEstimator:
    fit = fit_encoder(train, target_scale)
    matrix = fit.matrix(train)
    medians = np.zeros(matrix.shape[1], dtype=np.float32)
    for column in range(matrix.shape[1]):
        known = matrix[:, column][~np.isnan(matrix[:, column])]
        medians[column] = np.median(known) if len(known) else 0
        matrix[:, column][np.isnan(matrix[:, column])] = medians[column]
    estimator = make()
    if "random_state" in estimator.get_params(deep=False):
        estimator.set_params(random_state=seed)
    learned = target_scale.learned(train.target)
    estimator.fit(matrix, learned.astype(int) if target_scale.classes else learned)
    return FittedEstimator(name, fit.encoder, target_scale, medians, estimator)


def absorb(graph: Graph, model: Any, value: str) -> list[str]:
    """Another model's nodes as a part of this graph, fed with `value`; the names of its outputs."""
    inner = model.graph
    renamed = {inner.input[0].name: value}

    def rename(name: str) -> str:
        return renamed.setdefault(name, f"~inner/{name}") if name else ""

    for tensor in inner.initializer:
        copied = onnx.TensorProto()
        copied.CopyFrom(tensor)
        copied.name = rename(tensor.name)
        graph.constants.append(copied)
    for node in inner.node:
        copied = onnx.NodeProto()
        copied.CopyFrom(node)
        copied.name = ""
        copied.input[:] = [rename(name) for name in node.input]
        copied.output[:] = [rename(name) for name in node.output]
        graph.nodes.append(copied)
    return [rename(output.name) for output in inner.output]
