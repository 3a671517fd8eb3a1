"""Sound models of any target pass the ONNX guard; a graph that is another model does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

from relevo.domain.contest import Fitness, first_model
from relevo.domain.contract import Contract, category, number
from relevo.domain.evidence import Ruling
from relevo.domain.frame import Frame
from relevo.domain.identity import Split
from relevo.domain.use_case import FileBatches, UseCase
from relevo.learning.boosting import FittedTrees
from relevo.learning.candidates import BoostedTrees, LinearBaseline
from relevo.loop.train import ONNX_GAP, Challenger, make_challenger, onnx_gap
from tests.unit.learning.tables import table

ROWS = 1_500
PART = np.arange(ROWS) % 10
DICE = np.random.default_rng(11)
X = DICE.normal(size=ROWS).astype(np.float32)
PLACE = DICE.integers(0, 30, ROWS)
NOISE = DICE.normal(size=ROWS)
SIGNAL = X + np.sin(3 * X) + PLACE / 30 + 0.3 * NOISE
TARGETS = {
    "around 0": SIGNAL - SIGNAL.mean(),
    "temperatures": np.round(6 * SIGNAL + 2, 1),
    "tiny spread": 5 + 1e-6 * SIGNAL,
    "tiny": 1e-12 * SIGNAL,
    "huge offset": 1.7e9 + 50 * SIGNAL,
    "offset": 1e6 + 50 * SIGNAL,
    "negative": -1e6 + 1e5 * SIGNAL,
    "always 0": np.zeros(ROWS),
    "constant": np.full(ROWS, 5.3),
    "heavy tail": SIGNAL + np.random.default_rng(3).standard_cauchy(ROWS) * 50,
    "one giant": np.where(np.arange(ROWS) == 77, 1e9, SIGNAL),
    "mostly zero": np.where(np.quantile(SIGNAL, 0.97) < SIGNAL, np.exp(SIGNAL), 0.0),
    "integer counts": DICE.poisson(np.exp(SIGNAL / 2)).astype(float),
    "pure noise": NOISE,
}
LOGS = {
    "log target": np.exp(12 + SIGNAL),
    "log target around 1": np.exp(SIGNAL / 100),
    "log of a giant range": np.exp(12 * SIGNAL),
    "log of a constant": np.full(ROWS, 250_000.0),
}
CLASSES = {
    "rare class": np.quantile(SIGNAL, 0.99) < SIGNAL,
    "one row of a class": np.arange(ROWS) == 77,
    "sure class": X > 0,
    "three classes": np.digitize(SIGNAL, [-0.5, 1.5]),
    "a rare third class": np.digitize(SIGNAL, [0.5, np.quantile(SIGNAL, 0.99)]),
}


def case_of(frame: Frame, log_target: bool = False) -> UseCase:
    kind = "classification" if frame.classes else "regression"
    return UseCase(
        name="synthetic",
        contract=Contract(
            target="y",
            identity=("x",),
            columns=(number("x"), category("place"), number("y")),
        ),
        features=("x", "place"),
        candidates=(LinearBaseline(), BoostedTrees()),
        source=FileBatches("rows.csv"),
        task=kind,  # type: ignore[arg-type]
        log_target=log_target,
    )


def frame_of(target: object, classes: tuple[str, ...] = ()) -> Frame:
    places = [f"place {code}" for code in PLACE]
    return table(ROWS, {"x": X}, {"place": places}, target, classes)


def trained(case: UseCase, frame: Frame) -> Challenger:
    splits = {
        Split.TRAIN: frame.take(PART < 7),
        Split.VALIDATION: frame.take(PART == 7),
        Split.TEST: frame.take(PART > 7),
    }
    return make_challenger(case, splits)


def ruling(challenger: Challenger, case: UseCase) -> Ruling:
    fitness = Fitness(onnx_gap=challenger.metrics[ONNX_GAP], size_mb=1.0)
    return first_model(fitness, case.policy).ruling


@pytest.mark.parametrize("name", [*TARGETS, *LOGS, *CLASSES])
def test_a_sound_model_of_any_target_is_promoted(name: str) -> None:
    if name in CLASSES:
        frame = frame_of(CLASSES[name], ("a", "b", "c")[: 1 + int(max(CLASSES[name]))])
    else:
        frame = frame_of((TARGETS | LOGS)[name])
    case = case_of(frame, log_target=name in LOGS)
    for candidate in case.candidates:
        alone = replace(case, candidates=(candidate,))
        challenger = trained(alone, frame)
        assert ruling(challenger, case) is Ruling.PROMOTE, challenger.metrics[ONNX_GAP]


def moved(model: bytes) -> bytes:
    """One threshold of one tree, moved past the next training value."""
    graph = onnx.load_from_string(model)
    node = next(each for each in graph.graph.node if "TreeEnsemble" in each.op_type)
    values = {each.name: each for each in node.attribute}
    modes = [mode.decode() for mode in values["nodes_modes"].strings]
    features = values["nodes_featureids"].ints
    # all rows pass the root of a tree
    roots = [
        index for index, node in enumerate(values["nodes_nodeids"].ints) if not node
    ]
    splits_x = [root for root in roots if modes[root] != "LEAF" and features[root] == 0]
    place = splits_x[len(splits_x) // 2]
    threshold = values["nodes_values"].floats[place]
    above = np.sort(X[threshold <= X])
    values["nodes_values"].floats[place] = float(
        np.nextafter(above[0], np.inf, dtype=np.float32)
    )
    return graph.SerializeToString()


@pytest.mark.parametrize(
    "name", ["around 0", "offset", "log target", "negative", "integer counts"]
)
def test_one_threshold_moved_past_one_training_value_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = frame_of((TARGETS | LOGS)[name])
    case = replace(
        case_of(frame, log_target=name in LOGS), candidates=(BoostedTrees(),)
    )
    whole = FittedTrees.to_onnx
    monkeypatch.setattr(FittedTrees, "to_onnx", lambda model: moved(whole(model)))
    challenger = trained(case, frame)
    assert ruling(challenger, case) is Ruling.KEEP


def test_one_giant_answer_hides_no_fault_in_the_others() -> None:
    native = np.append(10 * NOISE[:999], 1e9)
    case = case_of(frame_of(SIGNAL))
    limit = case.policy.onnx_tolerance
    rounded = (native - native.mean()).astype(np.float32) + np.float32(native.mean())
    assert onnx_gap(case, native, rounded.astype(np.float64)) <= limit
    assert onnx_gap(case, native, native + np.append(np.full(999, 50.0), 0.0)) > limit
