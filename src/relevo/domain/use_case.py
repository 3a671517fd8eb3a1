"""A use case: everything Relevo must know about one table."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from relevo.domain.contract import Contract
from relevo.domain.dialect import Dialect
from relevo.domain.frame import Frame
from relevo.domain.kinds import Kind
from relevo.domain.periods import Period
from relevo.domain.policy import Policy
from relevo.errors import UseCaseBroken

Task = Literal["regression", "classification"]


@dataclass(frozen=True, slots=True)
class HttpBatches:
    """Batches from a server that speaks the data API. An empty `url` means the setting RELEVO_SOURCE_URL.

    `can_repeat`: the server answers `batch_number=K` again without moving its cursor (Relevo's own does).
    `may_restart`: the loop may put the server's cursor back to 0 to find a lost batch.
    """

    group: int
    url: str = ""
    can_repeat: bool = False
    may_restart: bool = False

    def __str__(self) -> str:
        return f"data API, group {self.group}"


@dataclass(frozen=True, slots=True)
class FileBatches:
    """Batches from CSV or Parquet: a folder (a file a batch, in order of name) or one file, cut.

    A file is cut by `every` ("month", "week", "day") of the column `by`, or into `rows` rows a batch.
    """

    path: str
    by: str | None = None
    every: Period | None = None
    rows: int | None = None

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """What a source of your own is made from: its use case's folder, and two settings.

    `url` is RELEVO_SOURCE_URL, `timeout` (seconds) is RELEVO_SOURCE_TIMEOUT.
    """

    folder: Path
    url: str
    timeout: float


class SourceFactory(Protocol):
    """Makes a source of your own, such as a class whose constructor takes the options."""

    def __call__(self, options: SourceOptions, /) -> object:
        """A `relevo.ports.source.BatchSource`; whether it is one is checked when it is made."""


class Fitted(Protocol):
    """A trained model. Its ONNX form takes one [n, 1] input a feature, named as the feature."""

    @property
    def name(self) -> str: ...

    def predict(self, frame: Frame) -> np.ndarray: ...

    def to_onnx(self) -> bytes: ...

    def native_files(self) -> dict[str, bytes]: ...

    def importances(self) -> dict[str, float]: ...

    def parameters(self) -> dict[str, float | int | str]: ...


class Candidate(Protocol):
    """A way to make a model; the best by cross-validation becomes the challenger."""

    @property
    def name(self) -> str: ...

    def fit(
        self, train: Frame, validation: Frame, seed: int, *, log_target: bool = False
    ) -> Fitted: ...


@dataclass(frozen=True, slots=True)
class UseCase:
    """`features` are contract columns; `slices` are features whose groups a challenger must not harm."""

    name: str
    contract: Contract
    features: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    source: HttpBatches | FileBatches | SourceFactory
    task: Task = "regression"
    policy: Policy = field(default_factory=Policy)
    slices: tuple[str, ...] = ()
    log_target: bool = False
    unit: str = ""
    title: str = ""
    experiment: str = ""  # its MLflow experiment; empty: the name
    dialect: Dialect | None = None  # of clients that are there already

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", self.name):
            raise UseCaseBroken(
                f"use case {self.name!r}: a name is lower case letters, digits and _, starts with a letter, at most 40 long"
            )
        for name in (*self.features, *self.slices):
            if self.contract[name].kind is Kind.TEXT:
                raise UseCaseBroken(
                    f"use case {self.name}: {name!r} is free text and cannot be a feature; make it a category"
                )
        if unfed := [name for name in self.slices if name not in self.features]:
            raise UseCaseBroken(
                f"use case {self.name}: slice {unfed[0]!r} is no feature; add it to features, or take it out of slices"
            )
        if self.contract.target in self.features:
            raise UseCaseBroken(
                f"use case {self.name}: the target {self.contract.target!r} is also a feature"
            )
        if not self.features or not self.candidates:
            raise UseCaseBroken(
                f"use case {self.name}: name at least one feature and one candidate"
            )

    @property
    def source_label(self) -> str:
        """Where batches come from, for a person."""
        return str(getattr(self.source, "__name__", self.source))

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(
            name for name in self.features if not self.contract[name].is_categorical
        )

    @property
    def categories(self) -> tuple[str, ...]:
        return tuple(
            name for name in self.features if self.contract[name].is_categorical
        )
