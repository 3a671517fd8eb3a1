"""A model's ONNX file in memory, asked with frames."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Float64s, Floats, Frame
from relevo.errors import ModelRefused

ANSWERS = ("prediction", "probabilities")
MANY_ROWS = 64  # from here on, sorting pays
Inputs = dict[str, NDArray[Any]]


class OnnxModel:
    """Answers as the native model does. A damaged file, or one that answers neither way, is ModelRefused."""

    def __init__(self, model: bytes | Path, threads: int = 0) -> None:
        """`threads` for one call; 0 takes what the machine has."""
        self._name = "the model given as bytes"
        if isinstance(model, Path):
            self._name = str(model)
        self._session = _session(model, self._name, threads)
        shape_of = {each.name: each.shape for each in self._session.get_outputs()}
        answers = [name for name in ANSWERS if name in shape_of]
        if len(answers) != 1:
            raise ModelRefused(
                f"{self._name}: has no output {' or '.join(ANSWERS)}; it is not a model of Relevo, train it again"
            )
        self._answer = answers[0]
        self._width = shape_of[self._answer][1]
        self.features = tuple(each.name for each in self._session.get_inputs())
        self.outputs = tuple(shape_of)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.metadata: dict[str, str] = dict(metadata)

    def run(self, inputs: Inputs, output: str | None = None) -> NDArray[Any]:
        """One output, the answer unless another is named, for [n, 1] arrays by feature."""
        try:
            if len(inputs[self.features[0]]) < MANY_ROWS:
                return self._run(inputs, output)
            order = alike_together(inputs)
            ordered = {name: column[order] for name, column in inputs.items()}
            answers = self._run(ordered, output)
        except Exception as error:
            raise ModelRefused(
                f"{self._name}: does not fit these inputs: {error}; it takes {', '.join(self.features)}"
            ) from error
        as_asked = np.empty_like(answers)
        as_asked[order] = answers
        return as_asked

    def predict(self, frame: Frame) -> Float64s:
        """The target in its own unit [n], or probabilities [n, classes]."""
        parts = [np.empty((0, self._width)), *self._chunks(frame)]
        answers = np.concatenate(parts, dtype=np.float64)
        if self._answer == "prediction":
            return answers[:, 0]
        return answers

    def encoded(self, frame: Frame) -> Floats:
        """The matrix that the model's trees see."""
        return np.concatenate(self._chunks(frame, "encoded"))

    def _run(self, inputs: Inputs, output: str | None) -> NDArray[Any]:
        return np.asarray(self._session.run([output or self._answer], inputs)[0])

    def _chunks(self, frame: Frame, output: str | None = None) -> list[NDArray[Any]]:
        return [self.run(self._own(inputs), output) for inputs in frame.inputs()]

    def _own(self, inputs: Inputs) -> Inputs:
        if missing := [name for name in self.features if name not in inputs]:
            raise ModelRefused(
                f"{self._name}: the rows have no {', '.join(missing)}, which it was trained on; train it again"
            )
        return {name: inputs[name] for name in self.features}


def alike_together(inputs: Inputs) -> NDArray[np.intp]:
    """An order in which rows follow those that are most like them: they take the same branches of a tree, which then lie
    in the processor's cache. It halves the time of a long list."""
    categories, numbers = [], []
    for column in inputs.values():
        if column.dtype == object:
            hashes = map(hash, column[:, 0])
            categories.append(np.fromiter(hashes, np.int64, len(column)))
        else:
            numbers.append(column[:, 0])
    return np.lexsort([*reversed(numbers), *categories])


def _session(model: bytes | Path, name: str, threads: int) -> Any:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # a thread that waits leaves its core
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # which keeps the memory of the largest call ever made, and wins no time
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4  # what goes wrong is raised
    try:
        return onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelRefused(
            f"{name}: is no ONNX model that can be loaded: {reason}; fetch it again or roll back"
        ) from error
