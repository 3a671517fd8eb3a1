"""Numbers as people read them, and what a chart is made of; no browser needed."""

from __future__ import annotations

import itertools
import math

import pytest
from relevo_ui import words
from relevo_ui.charts.answer import error_range, waterfall

from relevo.serving.responses import Contribution, Explanation


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (437_000.4, "USD", "$437,000"),
        (-1_200.0, "USD", "−$1,200"),
        (12.5, "kg", "12.5 kg"),
        (None, "USD", "–"),
    ],
)
def test_an_amount_stands_in_its_unit(
    value: float | None, unit: str, said: str
) -> None:
    assert words.in_unit(value, unit) == said


def test_a_share_of_the_truth_reaches_further_up_than_down() -> None:
    span = error_range(100.0, "mape", 0.2)
    assert span is not None
    assert (round(span.low, 2), round(span.high, 2)) == (83.33, 125.0)
    assert error_range(100.0, "mape", 1.5) is None  # the truth may be anything


def test_the_steps_of_a_log_model_multiply_from_the_average_to_the_answer() -> None:
    parts = [
        Contribution(f"f{place}", 1.0, 0.1 * (-1) ** place * place, None)
        for place in range(12, 0, -1)
    ]
    found = Explanation(
        prediction=math.exp(5 + sum(one.contribution for one in parts)),
        version="1",
        alias="champion",
        unit="USD",
        scale="log",
        base=5.0,
        base_value=None,
        floor=None,
        contributions=parts,
    )
    spec = waterfall(found, "price", {}).chart.to_dict()
    steps = max(spec["datasets"].values(), key=len)
    assert steps[0]["start"] == pytest.approx(math.exp(5))
    assert steps[-1]["end"] == pytest.approx(found.prediction)
    assert steps[-1]["feature"] == "all others"  # what is too much to read is one step
    assert all(
        one["end"] == pytest.approx(after["start"])
        for one, after in itertools.pairwise(steps)
    )
