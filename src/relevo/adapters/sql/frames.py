"""From streamed CLEAN rows to a Frame: a column at a time, at about four bytes a cell."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from relevo.domain.frame import MISSING, Categorical, Floats, Frame
from relevo.domain.identity import canonical
from relevo.domain.kinds import Kind
from relevo.domain.use_case import UseCase

Scalar = TypeVar("Scalar", bound=np.generic)


class Words:
    """A categorical column as it grows: codes by block, into words in order of meeting them."""

    def __init__(self) -> None:
        self._codes: list[NDArray[np.int32]] = []
        self._words: dict[str, int] = {}

    def add(self, values: pa.DictionaryArray) -> None:
        words = self._words
        here = [
            words.setdefault(word, len(words)) for word in values.dictionary.to_pylist()
        ]
        table = np.array([*here, MISSING], np.int32)  # the last one is where -1 points
        self._codes.append(
            table[values.indices.fill_null(MISSING).to_numpy(zero_copy_only=False)]
        )

    def joined(self) -> Categorical:
        """With words in order, so that the same rows make the same codes."""
        ordered = sorted(self._words)
        place = {word: code for code, word in enumerate(ordered)}
        table = np.array([*(place[word] for word in self._words), MISSING], np.int32)
        codes = joined(self._codes, np.int32)
        return Categorical(
            np.take(table, codes, mode="wrap", out=codes), tuple(ordered)
        )


class FrameBuilder:
    def __init__(self, case: UseCase) -> None:
        self._case = case
        self._numbers: dict[str, list[Floats]] = {name: [] for name in case.numbers}
        self._categories: dict[str, Words] = {name: Words() for name in case.categories}
        self._batch: list[NDArray[np.int32]] = []
        self._identity: list[NDArray[np.int64]] = []
        self._target: list[NDArray[np.float64]] = []
        self._answers = Words()

    @property
    def schema(self) -> pa.Schema:
        """The columns that add() takes: batch id, identity, target, features."""
        contract = self._case.contract
        own = [
            ("batch_id", pa.int32()),
            ("identity", pa.int64()),
            ("target", contract[contract.target].kind.frame_type),
        ]
        return pa.schema(
            [
                *own,
                *(
                    (f"f{i}", contract[n].kind.frame_type)
                    for i, n in enumerate(self._case.features)
                ),
            ]
        )

    def add(self, rows: pa.RecordBatch) -> None:
        batch, identity, target, *features = rows.columns
        self._batch.append(batch.to_numpy())
        self._identity.append(identity.to_numpy())
        if pa.types.is_dictionary(target.type):
            self._answers.add(target)
        else:
            self._target.append(self._kind(self._case.contract.target).numbers(target))
        for name, values in zip(self._case.features, features, strict=True):
            if name in self._categories:
                self._categories[name].add(values)
            else:
                self._numbers[name].append(self._kind(name).inputs(values))

    def _kind(self, name: str) -> Kind:
        return self._case.contract[name].kind

    def build(self) -> Frame:
        target, classes = self._targets()
        return Frame(
            {
                name: joined(self._numbers.pop(name), np.float32)
                for name in self._case.numbers
            },
            {
                name: self._categories.pop(name).joined()
                for name in self._case.categories
            },
            target,
            joined(self._identity, np.int64),
            joined(self._batch, np.int32),
            classes,
        )

    def _targets(self) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        """The target, or for classification the place of each row's class among the classes of these rows."""
        contract = self._case.contract
        if contract[contract.target].is_categorical:
            answers = self._answers.joined()
            return answers.codes.astype(np.float64), answers.categories
        target = joined(self._target, np.float64)
        if self._case.task == "regression":
            return target, ()
        values, codes = np.unique(target, return_inverse=True)
        return codes.astype(np.float64), tuple(
            canonical(value) for value in values.tolist()
        )


def joined(blocks: list[NDArray[Scalar]], kind: type[Scalar]) -> NDArray[Scalar]:
    """One array; the blocks are let go."""
    whole = np.concatenate(blocks) if blocks else np.empty(0, kind)
    blocks.clear()
    return whole
