"""A class that a model does not know is answered wrong: it counts, by a loss that is finite and fair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relevo.domain.contract import Contract, category, number
from relevo.domain.frame import Frame, with_classes
from relevo.domain.identity import Split
from relevo.domain.metrics import ERROR_RATE
from relevo.learning.candidates import BoostedTrees, LinearBaseline
from relevo.learning.comparison import Contender
from relevo.learning.metrics import UNSEEN_CHANCE, measure, row_losses
from relevo.learning.onnx_model import OnnxModel
from relevo.loop.train import make_challenger
from tests.unit.learning.tables import iris, nothing_of
from tests.unit.loop.test_onnx_guard import case_of

SURE = np.array([[0.99, 0.01], [0.01, 0.99], [0.98, 0.02], [0.97, 0.03]])
TRUTH = np.array([0.0, 1.0, 0.0, -1.0])


def without_virginica() -> tuple[Frame, Frame]:
    """Flowers of two classes to learn, and of all three."""
    frame = iris()
    known = frame.take(frame.target < 2)
    return replace(known, classes=frame.classes[:2]), frame


def test_a_row_of_an_unseen_class_is_an_error() -> None:
    measured = measure("classification", TRUTH, SURE)
    before = measure("classification", TRUTH[:3], SURE[:3])
    assert ERROR_RATE.of(measured) == pytest.approx(0.25)
    assert measured["f1_macro"] < before["f1_macro"]
    assert measured["auc"] == before["auc"]
    losses = row_losses("classification", False, TRUTH, SURE)
    assert losses[3] == pytest.approx(-np.log(UNSEEN_CHANCE))
    assert losses[3] < 14  # a model that is certain and wrong loses 34.5


def test_a_frame_in_a_models_classes_keeps_rows_of_others() -> None:
    _, frame = without_virginica()
    coded = with_classes(frame, frame.classes[1::-1])
    assert len(coded) == len(frame)
    assert list(np.unique(coded.target)) == [-1, 0, 1]


@pytest.mark.parametrize("candidate", [LinearBaseline(), BoostedTrees(rounds=20)])
def test_a_champion_loses_on_a_class_it_never_saw_what_anyone_would(
    candidate: LinearBaseline | BoostedTrees,
) -> None:
    known, frame = without_virginica()
    model = candidate.fit(known, nothing_of(known), 1)
    champion = Contender(OnnxModel(model.to_onnx()), known.classes)
    answers = champion.answers(frame)
    losses = row_losses("classification", False, frame.target, answers)
    assert losses[frame.target == 2] == pytest.approx(-np.log(UNSEEN_CHANCE))
    assert measure("classification", frame.target, answers)["accuracy"] < 0.67


def test_a_challenger_is_measured_on_holdout_rows_of_a_class_it_could_not_learn() -> (
    None
):
    known, frame = without_virginica()
    part = np.arange(len(known)) % 5
    rest = with_classes(frame, known.classes)
    case = replace(
        case_of(known),
        contract=Contract(
            target="kind",
            identity=("row",),
            columns=(number("row"), category("kind"), *map(number, known.numbers)),
        ),
        features=tuple(known.numbers),
        candidates=(BoostedTrees(),),
    )
    challenger = make_challenger(
        case,
        {
            Split.TRAIN: known.take(part > 0),
            Split.VALIDATION: rest.take(np.arange(40, 110)),
            Split.TEST: rest.take(rest.target != 0),
        },
    )
    assert challenger.classes == known.classes
    assert 0.4 < challenger.metrics["test_accuracy"] <= 0.5
    assert challenger.metrics["test_log_loss"] < 8
    assert challenger.pictures["confusion.png"]


def test_rows_that_are_coded_twice_stay_unseen() -> None:
    frame = without_virginica()[1]
    once = with_classes(frame, frame.classes[:2])
    again = with_classes(once, (frame.classes[1],))
    assert list(np.unique(once.target)) == [-1, 0, 1]
    assert (again.target == np.where(once.target == 1, 0, -1)).all()
