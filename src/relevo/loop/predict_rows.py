"""The champion's predictions for rows of a file: one line of text per row, in order."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from relevo.domain.arrival import Format
from relevo.domain.release import CHAMPION
from relevo.domain.use_case import UseCase
from relevo.errors import InvalidInput, NotFound
from relevo.features.feature_rows import read_features
from relevo.learning.onnx_model import OnnxModel
from relevo.ports.registry import ModelRegistry
from relevo.releases.release_folder import ReleaseFolder


def predict_rows(
    case: UseCase, registry: ModelRegistry, stream: BinaryIO, format: Format
) -> Iterator[str]:
    champion = registry.alias(case.name, CHAMPION)
    if champion is None:
        raise NotFound(
            f"{case.name} has no champion yet; train one: relevo run {case.name}"
        )
    folder = ReleaseFolder(registry.fetch(case.name, champion))
    model, release = OnnxModel(folder.model), folder.release()
    for frame, bad in read_features(stream, format, case):
        for cell in bad:
            what = f"{cell.column} = {cell.value!r} {cell.reason}"
            raise InvalidInput(f"row {cell.position + 1}: {what}")
        predictions = model.predict(frame)
        if release.task == "regression":
            yield from map(_number, predictions)
            continue
        for probabilities in predictions:
            best = int(np.argmax(probabilities))
            yield f"{release.classes[best]} {probabilities[best]:.3f}"


def _number(value: float) -> str:
    if abs(value) < 1000:
        return f"{value:.6g}"
    return f"{value:.0f}"
