"""Ask the champion from the command line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from relevo.domain.arrival import Format
from relevo.domain.release import CHAMPION, Release
from relevo.errors import InvalidInput, NotFound
from relevo.features.feature_rows import read_features
from relevo.learning.onnx_model import OnnxModel
from relevo.releases.release_folder import ReleaseFolder

if TYPE_CHECKING:
    from relevo.app import Loop


def predict_row(console: Console, loop: Loop, pairs: list[str]) -> None:
    """One prediction, from NAME=VALUE pairs."""
    features = loop.case.features
    row: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name not in features:
            raise InvalidInput(
                f"{pair!r} is not NAME=VALUE of a feature; {loop.case.name} has {', '.join(features)}"
            )
        row[name] = value
    text = io.StringIO()
    writer = csv.DictWriter(text, features)
    writer.writeheader()
    writer.writerow(row)
    for line in _answers(loop, io.BytesIO(text.getvalue().encode()), "csv"):
        console.print(f"{line} {loop.case.unit}".rstrip())


def predict_file(console: Console, loop: Loop, path: Path) -> None:
    """A line a row, in order, and nothing else on standard output."""
    if not path.is_file():
        raise NotFound(f"{path}: no such file")
    with path.open("rb") as stream:
        for line in _answers(
            loop, stream, "parquet" if path.suffix == ".parquet" else "csv"
        ):
            console.print(line)


def _answers(loop: Loop, stream: BinaryIO, format: Format) -> Iterator[str]:
    champion = loop.registry.alias(loop.case.name, CHAMPION)
    if champion is None:
        raise NotFound(
            f"{loop.case.name} has no champion yet; train one: relevo run {loop.case.name}"
        )
    folder = ReleaseFolder(loop.registry.fetch(loop.case.name, champion))
    model = OnnxModel(folder.model)
    release = folder.release()
    for frame, bad in read_features(stream, format, loop.case):
        for cell in bad:
            raise InvalidInput(
                f"row {cell.position + 1}: {cell.column} = {cell.value!r} {cell.reason}"
            )
        yield from _lines(release, model.predict(frame))


def _lines(release: Release, predicted: NDArray[np.float64]) -> Iterator[str]:
    if release.task == "regression":
        yield from (
            f"{value:.6g}" if abs(value) < 1000 else f"{value:.0f}"
            for value in predicted
        )
        return
    for row, best in zip(predicted, np.argmax(predicted, axis=1), strict=True):
        yield f"{release.classes[best]} {row[best]:.3f}"
