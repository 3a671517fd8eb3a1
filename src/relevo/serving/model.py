"""A release in memory: checked against what it says of itself, warmed up, and asked with rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from relevo.domain.cells import Cell, Row
from relevo.domain.contract import Column
from relevo.domain.kinds import Kind
from relevo.domain.profile import CategoryProfile, Profile
from relevo.domain.release import Release, digest_of
from relevo.errors import ModelRefused
from relevo.features.model_inputs import ModelInputs
from relevo.learning.onnx_model import OnnxModel
from relevo.releases.release_folder import MODEL_FILE, ReleaseFolder
from relevo.serving.field_defaults import default_row
from relevo.serving.request.row_reader import RowReader, RowsRefused

WARM_ROWS = 32
RawAnswers = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """Never changed once it serves: a request that has begun with it ends with it."""

    release: Release
    version: str
    alias: str
    profile: Profile
    files: ReleaseFolder
    training: dict[str, Any]
    onnx: OnnxModel
    feed: ModelInputs
    strict: RowReader
    lenient: RowReader  # for dialects whose clients also send names that are no field
    # the categories of open columns that training saw, and none, by index of the column
    seen: tuple[tuple[int, frozenset[Cell]], ...]
    # a row with the names of its fields, for the log
    named: Callable[..., msgspec.Struct]
    loaded_at: datetime = field(
        default_factory=lambda: datetime.now(UTC).replace(microsecond=0)
    )

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.release.fields

    def answers(self, rows: list[Row]) -> RawAnswers:
        """[n, 1] in the target's own unit, or probabilities [n, classes]."""
        return self.onnx.run(self.feed(rows))


def load_model(
    folder: Path, case: str, version: str, alias: str, max_rows: int
) -> ServedModel:
    """The release in `folder`, warmed up.

    ModelRefused where it is damaged, foreign or contradicts itself.
    """
    files = ReleaseFolder(folder)
    release, profile = files.release(), files.profile()
    subject = f"version {version} of {case}"
    if release.case != case:
        raise ModelRefused(
            f"{subject}: is a release of {release.case}, not of {case}; point the alias elsewhere"
        )
    content = files.model_bytes()
    if digest_of(content) != release.digest:
        raise ModelRefused(
            f"{subject}: {MODEL_FILE} is not the file that its release names (SHA-256 differs); "
            "restore the artifacts store, or roll back"
        )
    served = ServedModel(
        release=release,
        version=version,
        alias=alias,
        profile=profile,
        files=files,
        training=files.training(),
        # a few rows are too little work to hand to other threads
        onnx=OnnxModel(content, threads=1),
        feed=ModelInputs(release.fields),
        strict=RowReader(release.fields, max_rows),
        lenient=RowReader(release.fields, max_rows, strict=False),
        seen=tuple(_seen(release.fields, profile)),
        named=_named(release.fields),
    )
    for fault in chain(_signature_faults(served), _warm_up(served)):
        raise ModelRefused(f"{subject}: {fault}; train it again")
    return served


def _seen(
    columns: tuple[Column, ...], profile: Profile
) -> Iterator[tuple[int, frozenset[Cell]]]:
    for index, column in enumerate(columns):
        in_training = profile.columns.get(column.name)
        if (
            column.values is None
            and isinstance(in_training, CategoryProfile)
            and in_training.complete
        ):
            yield index, frozenset([*in_training.seen, None])


def _named(columns: tuple[Column, ...]) -> Callable[..., msgspec.Struct]:
    # a column may have a name that Python takes for no identifier
    names = {f"f{index}": column.name for index, column in enumerate(columns)}
    return msgspec.defstruct("Input", list(names), rename=names, gc=False)


def _signature_faults(served: ServedModel) -> Iterator[str]:
    release, onnx = served.release, served.onnx
    names = {column.name for column in served.columns}
    if different := names.symmetric_difference(onnx.features):
        yield f"model and release disagree on {', '.join(sorted(different))}"
    output = {"classification": "probabilities"}.get(release.task, "prediction")
    if output not in onnx.outputs:
        outputs = ", ".join(onnx.outputs)
        yield f"a {release.task} needs the output {output}, the model has {outputs}"


def _warm_up(served: ServedModel) -> Iterator[str]:
    """Predict rows as they usually come, alone and together."""
    try:
        rows: Any = [
            served.strict.read(msgspec.json.encode(row)) for row in _usual_rows(served)
        ]
    except RowsRefused as error:
        yield f"its own fields refuse its own typical row: {error}"
        return
    width = max(1, len(served.release.classes))
    for batch in (*([row] for row in rows), rows * WARM_ROWS):
        answers = served.answers(batch)
        if answers.shape != (len(batch), width) or not np.isfinite(answers).all():
            first = answers.tolist()[:1]
            yield f"answers a typical row with {first}; {width} finite numbers per row are wanted"


def _usual_rows(served: ServedModel) -> Iterator[dict[str, Cell]]:
    """As forms begin with, then with gaps, and with categories that training never saw."""
    usual = default_row(served.columns, served.profile)
    yield usual
    yield usual | {column.name: None for column in served.columns if column.nullable}
    yield usual | {
        column.name: "never seen in training"
        for column in served.columns
        if column.kind is Kind.CATEGORY and column.values is None
    }


def require_compatible(new: ServedModel, old: ServedModel) -> None:
    """ModelRefused where a client that the old model understands would be refused by the
    new one.
    """
    for difference in _differences(old.release, new.release):
        raise ModelRefused(
            f"version {new.version} of {new.release.case}: does not fit the clients of version {old.version}: "
            f"{difference}; serve it as another use case, or start an API whose state_dir is empty"
        )


def _differences(old: Release, new: Release) -> Iterator[str]:
    if (old.task, old.target, old.unit) != (new.task, new.target, new.unit):
        yield f"it predicts {_predicted(new)}, not {_predicted(old)}"
    added = {column.name: column for column in new.fields}
    for column in old.fields:
        now = added.pop(column.name, None)
        if now is None:
            yield f"it has no field {column.name!r}"
        elif now.kind is not column.kind or column.nullable > now.nullable:
            yield f"its field {column.name!r} is {_type_of(now)}, not {_type_of(column)}"
    if needed := [column.name for column in added.values() if not column.nullable]:
        yield f"it needs {', '.join(needed)}, which clients do not send"


def _predicted(release: Release) -> str:
    return f"{release.target} in {release.unit or 'no unit'} ({release.task})"


def _type_of(column: Column) -> str:
    if column.nullable:
        return f"{column.kind.name} or null"
    return column.kind.name
