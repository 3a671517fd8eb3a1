"""A release in memory: checked against what it says of itself, warmed up, and asked with rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
from relevo.errors import ModelRefused, RelevoError
from relevo.features.model_inputs import ModelInputs
from relevo.learning.onnx_model import OnnxModel
from relevo.releases.release_folder import ReleaseFolder
from relevo.serving.field_defaults import default_row
from relevo.serving.request.row_reader import RowReader, RowsRefused

WARM_ROWS = 32
Answers = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ServedModel:
    """Never changed once it serves: a request that has begun with it ends with it."""

    release: Release
    version: str
    alias: str
    profile: Profile
    folder: Path
    training: dict[str, Any]
    onnx: OnnxModel
    columns: tuple[Column, ...]
    feed: ModelInputs
    strict: RowReader
    lenient: RowReader  # passes over names that are no field, where a dialect does
    seen: tuple[
        tuple[int, frozenset[Cell]], ...
    ]  # open categories: their place, and the words training saw, and none
    named: Callable[
        ..., msgspec.Struct
    ]  # a row with the names of its fields, for the log
    loaded_at: datetime = field(
        default_factory=lambda: datetime.now(UTC).replace(microsecond=0)
    )

    def answers(self, rows: list[Row]) -> Answers:
        """[n, 1] in the target's own unit, or probabilities [n, classes]."""
        return self.onnx.run(self.feed(rows))


def load_model(
    folder: Path, case: str, version: str, alias: str, max_rows: int
) -> ServedModel:
    """The release in `folder`, warmed up. ModelRefused where it is damaged, foreign or contradicts itself."""
    files = ReleaseFolder(folder)
    release, profile = _described(files, case, version)
    model = files.model_bytes()
    if digest_of(model) != release.digest:
        raise ModelRefused(
            f"version {version} of {case}: {files.model.name} is not the file that its release names (SHA-256 differs); "
            "restore the artifacts store, or roll back"
        )
    onnx = OnnxModel(model, threads=1)
    columns = release.fields
    _require_signature(onnx, release, version)
    served = ServedModel(
        release, version, alias, profile, folder,
        files.training(),
        onnx, columns, ModelInputs(columns),
        RowReader(columns, max_rows), RowReader(columns, max_rows, strict=False), _seen(columns, profile), _named(columns),
    )  # fmt: skip
    _warm_up(served)
    return served


def _described(
    folder: ReleaseFolder, case: str, version: str
) -> tuple[Release, Profile]:
    release = folder.release()
    if release.case != case:
        raise ModelRefused(
            f"version {version}: is a release of {release.case}, not of {case}; point the alias elsewhere"
        )
    return release, folder.profile()


def _require_signature(onnx: OnnxModel, release: Release, version: str) -> None:
    names = {one.name for one in release.fields}
    wanted = "probabilities" if release.task == "classification" else "prediction"
    if set(onnx.features) != names:
        different = ", ".join(sorted(set(onnx.features) ^ names))
        raise ModelRefused(
            f"version {version} of {release.case}: model and release disagree on {different}; train it again"
        )
    if wanted not in onnx.outputs:
        raise ModelRefused(
            f"version {version} of {release.case}: a {release.task} needs the output {wanted}, "
            f"the model has {', '.join(onnx.outputs)}; train it again"
        )


def _seen(
    columns: tuple[Column, ...], profile: Profile
) -> tuple[tuple[int, frozenset[Cell]], ...]:
    known = [
        (place, profile.columns.get(c.name))
        for place, c in enumerate(columns)
        if c.values is None
    ]
    return tuple(
        (p, frozenset([*c.seen, None]))
        for p, c in known
        if isinstance(c, CategoryProfile) and c.complete
    )


def _named(columns: tuple[Column, ...]) -> Callable[..., msgspec.Struct]:
    places = {f"f{place}": column.name for place, column in enumerate(columns)}
    return msgspec.defstruct("Input", list(places), rename=places, gc=False)


def _warm_up(served: ServedModel) -> None:
    """Rows as they usually come, alone and together, with gaps and words that training never saw."""
    release = served.release
    usual = default_row(release.fields, served.profile)
    gaps = {one.name: None for one in release.fields if one.nullable}
    new = {
        column.name: "a word never seen"
        for column in served.columns
        if _takes_any_word(column)
    }
    try:
        rows = [
            served.strict.read(msgspec.json.encode(row))
            for row in (usual, usual | gaps, usual | new)
        ]
    except RowsRefused as error:
        raise ModelRefused(
            f"version {served.version} of {release.case}: its own fields refuse its own typical row: {error}; "
            "train it again"
        ) from error
    width = max(1, len(release.classes))
    for batch in (*([row] for row in rows), rows * WARM_ROWS):
        answers = served.answers(batch)  # type: ignore[arg-type]
        if answers.shape != (len(batch), width) or not np.isfinite(answers).all():
            raise ModelRefused(
                f"version {served.version} of {release.case}: answers a typical row with {answers.tolist()[:1]}; "
                f"{width} finite numbers a row are wanted; train it again"
            )


def _takes_any_word(column: Column) -> bool:
    return column.kind is Kind.CATEGORY and column.values is None


def require_compatible(new: ServedModel, old: ServedModel) -> None:
    """ModelRefused where a client that the old model understands would be refused by the new one."""
    before, after = old.release, new.release
    if (before.task, before.target, before.unit) != (
        after.task,
        after.target,
        after.unit,
    ):
        raise _incompatible(
            new,
            old,
            f"it answers {after.target} ({after.task}), not {before.target} ({before.task})",
        )
    fields = {one.name: one for one in after.fields}
    for one in before.fields:
        now = fields.pop(one.name, None)
        if now is None:
            raise _incompatible(new, old, f"it has no field {one.name!r}")
        if now.kind is not one.kind or (one.nullable and not now.nullable):
            raise _incompatible(
                new, old, f"its field {one.name!r} is {_said(now)}, not {_said(one)}"
            )
    if needed := [one.name for one in fields.values() if not one.nullable]:
        raise _incompatible(
            new, old, f"it needs {', '.join(needed)}, which clients do not send"
        )


def _said(one: Any) -> str:
    return f"{one.kind.name}{' or null' if one.nullable else ''}"


def _incompatible(new: ServedModel, old: ServedModel, why: str) -> RelevoError:
    return ModelRefused(
        f"version {new.version} of {new.release.case}: does not fit those who speak to version {old.version}: {why}; "
        "serve it as another use case, or start an API whose state_dir is empty"
    )
