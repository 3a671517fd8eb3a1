"""Two models asked about the same holdout rows, which neither has learnt from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from relevo.domain.frame import Float64s, Frame
from relevo.domain.slices import Mask, slices_of
from relevo.domain.use_case import UseCase
from relevo.learning.metrics import UNSEEN_CHANCE, measure
from relevo.learning.onnx_model import OnnxModel

ALL_ROWS = slice(None)


@dataclass(frozen=True, slots=True)
class Contender:
    """A model as it serves, and the classes it knows, in its own order."""

    model: OnnxModel
    classes: Sequence[str]

    def answers(self, rows: Frame) -> Float64s:
        """Probabilities are in the order of the rows' classes; `UNSEEN_CHANCE` for one that the model never saw."""
        answers = self.model.predict(rows)
        if not rows.classes:
            return answers
        in_order = np.full((len(rows), len(rows.classes)), UNSEEN_CHANCE)
        for column, name in enumerate(rows.classes):
            if name in self.classes:
                in_order[:, column] = answers[:, self.classes.index(name)]
        return in_order


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answers of both, and the groups of rows that are looked at by themselves."""

    case: UseCase
    rows: Frame
    answers: tuple[Float64s, Float64s]
    slices: dict[str, Mask]

    def metrics(self, rows: Mask | slice = ALL_ROWS) -> list[dict[str, float]]:
        """Of both models."""
        target = self.rows.target[rows]
        return [measure(self.case.task, target, each[rows]) for each in self.answers]


def compare(
    case: UseCase,
    rows: Frame,
    first: Contender,
    second: Contender,
    newest_batch_id: int,
) -> Comparison:
    answers = (first.answers(rows), second.answers(rows))
    # rows picked by their target would favour a model that has only seen such targets
    expected = None
    if case.task == "regression":
        expected = (answers[0] + answers[1]) / 2
    slices = slices_of(
        rows,
        case.slices,
        newest_batch_id,
        target_name=case.contract.target,
        expected=expected,
    )
    return Comparison(case, rows, answers, slices)
