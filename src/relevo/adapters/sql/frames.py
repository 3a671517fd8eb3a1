"""From streamed CLEAN rows to a Frame: a column at a time, at about four bytes a cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from relevo.domain.frame import MISSING, Categorical, Float64s, Frame
from relevo.domain.identity import canonical
from relevo.domain.use_case import UseCase

Scalar = TypeVar("Scalar", bound=np.generic)


class GrowingCategories:
    """A categorical column as it grows: codes by block, into categories in order of meeting them."""

    def __init__(self) -> None:
        self._blocks: list[NDArray[np.int32]] = []
        self._codes: dict[str, int] = {}

    def add(self, values: pa.DictionaryArray) -> None:
        codes = self._codes
        met = [
            codes.setdefault(category, len(codes))
            for category in values.dictionary.to_pylist()
        ]
        table = np.array([*met, MISSING], np.int32)  # the last one is where -1 points
        indices = values.indices.fill_null(MISSING).to_numpy(zero_copy_only=False)
        self._blocks.append(table[indices])

    def whole(self) -> Categorical:
        """With categories in order, so that the same rows make the same codes."""
        ordered = sorted(self._codes)
        positions = {category: code for code, category in enumerate(ordered)}
        new_codes = [positions[category] for category in self._codes]
        table = np.array([*new_codes, MISSING], np.int32)
        codes = _concatenated(self._blocks, np.int32)
        # into codes itself, as there may be many; wrap: -1 is the last of the table, MISSING
        np.take(table, codes, mode="wrap", out=codes)
        return Categorical(codes, tuple(ordered))


class GrowingNumbers:
    """A column of numbers as it grows."""

    def __init__(
        self, convert: Callable[[pa.Array], NDArray[Any]], kind: type[np.generic]
    ) -> None:
        self._convert = convert
        self._kind = kind
        self._blocks: list[NDArray[Any]] = []

    def add(self, values: pa.Array) -> None:
        self._blocks.append(self._convert(values))

    def whole(self) -> NDArray[Any]:
        return _concatenated(self._blocks, self._kind)


class FrameBuilder:
    def __init__(self, case: UseCase) -> None:
        contract = case.contract
        self._case = case
        self._batch: list[NDArray[np.int32]] = []
        self._identity: list[NDArray[np.int64]] = []
        self._columns: dict[str, GrowingCategories | GrowingNumbers] = {
            contract.target: GrowingNumbers(
                contract[contract.target].kind.numbers, np.float64
            )
        }
        for name in case.numbers:
            inputs = contract[name].kind.inputs
            self._columns[name] = GrowingNumbers(inputs, np.float32)
        for name in (contract.target, *case.features):
            if contract[name].is_categorical:
                self._columns[name] = GrowingCategories()

    @property
    def columns(self) -> list[str]:
        """Target and features, in the order in which add() takes them."""
        return list(self._columns)

    @property
    def schema(self) -> pa.Schema:
        """What add() takes: batch id, identity, and then `columns`."""
        types = [self._case.contract[name].kind.frame_type for name in self._columns]
        columns = [(f"column {i}", kind) for i, kind in enumerate(types)]
        return pa.schema([("batch_id", pa.int32()), ("identity", pa.int64()), *columns])

    def add(self, rows: pa.RecordBatch) -> None:
        batch, identity, *columns = rows.columns
        self._batch.append(batch.to_numpy())
        self._identity.append(identity.to_numpy())
        for column, values in zip(self._columns.values(), columns, strict=True):
            column.add(values)

    def build(self) -> Frame:
        whole: dict[str, Any] = {
            name: column.whole() for name, column in self._columns.items()
        }
        target, classes = self._target(whole[self._case.contract.target])
        return Frame(
            numbers={name: whole[name] for name in self._case.numbers},
            categories={name: whole[name] for name in self._case.categories},
            target=target,
            identity=_concatenated(self._identity, np.int64),
            batch=_concatenated(self._batch, np.int32),
            classes=classes,
        )

    def _target(
        self, target: Float64s | Categorical
    ) -> tuple[Float64s, tuple[str, ...]]:
        """The target; for classification the index of each row's class among the classes of these rows."""
        if isinstance(target, Categorical):
            return target.codes.astype(np.float64), target.categories
        if self._case.task == "regression":
            return target, ()
        values, codes = np.unique(target, return_inverse=True)
        return codes.astype(np.float64), tuple(map(canonical, values.tolist()))


def _concatenated(blocks: list[NDArray[Any]], kind: type[Scalar]) -> NDArray[Scalar]:
    """One array; the blocks are let go, as both together may not fit into memory."""
    whole: NDArray[Scalar] = np.concatenate(blocks or [np.empty(0, kind)])
    blocks.clear()
    return whole
