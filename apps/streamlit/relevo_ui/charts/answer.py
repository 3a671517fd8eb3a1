"""A single prediction: the range of its typical error, and what each field adds."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from relevo.domain.metrics import CAPPED_MAPE, MAPE, METRICS, Unit
from relevo.serving.responses import Explanation
from relevo_ui import words
from relevo_ui.charts.look import (
    BLUE,
    FAINT,
    ORANGE,
    PALE_BLUE,
    Figure,
    framed,
    in_order,
    labelled_bars,
    shades,
)

MOST_STEPS, MOST_CLASSES_SHOWN = 9, 8
OTHER_FIELDS = "all others"
LOG = "log"
SENTENCES = {
    LOG: "An average of {base}, times each factor, gives {total}.",
    "target": "An average of {base}, plus each part, gives {total}.",
    "log odds": "Each step is added to the log odds of the predicted class.",
}
AXIS_TITLES = {
    LOG: "{target} (log scale)",
    "target": "{target}",
    "log odds": "log odds",
}
AXIS_TYPES: dict[str, Any] = {LOG: "log"}


@dataclass(frozen=True, slots=True)
class ErrorRange:
    """The model's typical error around a prediction, in the target's unit."""

    low: float
    value: float
    high: float


def error_range(value: float, metric_name: str, error: float) -> ErrorRange | None:
    """A MAPE is a share of the true value: the truth lies from value/(1+e) to value/(1-e)."""
    if METRICS[metric_name].unit is Unit.TARGET:
        return ErrorRange(value - error, value, value + error)
    if metric_name in (MAPE.name, CAPPED_MAPE.name) and error < 1:
        return ErrorRange(value / (1 + error), value, value / (1 - error))
    return None


def range_bar(span: ErrorRange, unit: str) -> Figure:
    amounts = [words.in_unit(span.low, unit), "", words.in_unit(span.high, unit)]
    table = pd.DataFrame({"at": [span.low, span.value, span.high], "amount": amounts})
    x = alt.X("at:Q").scale(zero=False, nice=False, padding=50).axis(None)
    base = alt.Chart(table).encode(x=x)
    bar = base.mark_line(color=PALE_BLUE, strokeWidth=12, strokeCap="round")
    dot = base.transform_filter("!datum.amount").mark_point(size=170, color=BLUE)
    labels = base.mark_text(dy=21, fontSize=13).encode(text="amount")
    return framed(bar + dot + labels, height=54)


def waterfall(explanation: Explanation, target: str, labels: dict[str, str]) -> Figure:
    """From the average to this prediction, one step per field; on a log scale each multiplies."""
    table = _steps(explanation, labels)
    x = _x_encoding(table, explanation, target)
    base = alt.Chart(table).encode(y=in_order("feature"))
    bars = base.mark_bar(height=16, cornerRadius=2).encode(
        x=x("start:Q"),
        x2="end",
        color=shades("way", {"increases it": ORANGE, "decreases it": BLUE}),
        tooltip=["feature", "effect", "up to here"],
    )
    links = alt.Chart(table[:-1]).mark_tick(color=FAINT, bandSize=26, yOffset=14)
    links = links.encode(x=x("end:Q"), y=in_order("feature"))
    effects = base.mark_text(align="left", dx=7).encode(x=x("right:Q"), text="effect")
    average = alt.Chart(table[:1]).mark_rule(color=FAINT, strokeDash=[4, 3])
    return framed(
        average.encode(x=x("start:Q")) + links + bars + effects,
        f"From the average to this {target}",
        SENTENCES[explanation.scale].format(
            base=words.in_unit(table["start"].iloc[0], explanation.unit),
            total=words.in_unit(table["end"].iloc[-1], explanation.unit),
        ),
        height=30 * len(table) + 80,
    )


def _x_encoding(
    table: pd.DataFrame, explanation: Explanation, target: str
) -> Callable[[str], Any]:
    """The same scale and axis for all layers, made of a column."""
    ends = table[["start", "end"]].to_numpy()
    low, high = float(ends.min()), float(ends.max())
    scale = alt.Scale(
        type=AXIS_TYPES.get(explanation.scale, "linear"),
        domain=[low, high],
        padding=50,  # pixels: room for the effect that is written beside a bar
    )
    title = AXIS_TITLES[explanation.scale].format(
        target=words.comma_list(target, explanation.unit)
    )
    # Vega labels only some ticks of a log axis, and none between powers of ten
    axis = alt.Axis(title=title, format="~s", values=_round_numbers(low, high))
    return partial(alt.X, scale=scale, axis=axis)


def _steps(explanation: Explanation, labels: dict[str, str]) -> pd.DataFrame:
    """Largest first; what is left beyond the most that can be read is one step."""
    largest = explanation.contributions[:MOST_STEPS]
    others = explanation.contributions[MOST_STEPS:]
    parts = {
        f"{labels.get(each.feature, each.feature)} = {words.cell(each.value)}": each.contribution
        for each in largest
    }
    if others:
        parts[OTHER_FIELDS] = sum(each.contribution for each in others)
    levels = np.cumsum([explanation.base, *parts.values()])
    if explanation.scale == LOG:
        levels = np.exp(levels)
    table = pd.DataFrame(
        {"feature": list(parts), "start": levels[:-1], "end": levels[1:]}
    )
    table["right"] = table[["start", "end"]].max(axis=1)
    table["way"] = np.where(
        table["end"] < table["start"], "decreases it", "increases it"
    )
    table["effect"] = [_effect(part, explanation) for part in parts.values()]
    table["up to here"] = [words.in_unit(end, explanation.unit) for end in table["end"]]
    return table


def _effect(contribution: float, explanation: Explanation) -> str:
    if explanation.scale == LOG:
        return f"× {math.exp(contribution):.2f}"
    if explanation.scale == "target":
        return words.signed_amount(contribution, explanation.unit)
    return f"{contribution:+.2f}"


def _round_numbers(low: float, high: float) -> list[float]:
    """At most six between the bounds, as far apart as one, two, or five, of a power of ten."""
    power = 10 ** math.floor(math.log10((high - low) or 1.0))
    steps = (factor * power for factor in (0.2, 0.5, 1, 2))
    step = next(step for step in steps if (high - low) / step <= 6)
    return [
        step * place
        for place in range(math.ceil(low / step), math.floor(high / step) + 1)
    ]


def class_probabilities(by_class: dict[str, float]) -> Figure:
    ordered = sorted(by_class.items(), key=lambda item: -item[1])[:MOST_CLASSES_SHOWN]
    table = pd.DataFrame(ordered, columns=["class", "probability"])
    x = alt.X("probability:Q", title=None).scale(domain=[0, 1]).axis(format=".0%")
    bars = labelled_bars(table, x, "class", ".1%", alt.value(BLUE))
    return framed(bars, "Probability of each class", height=30 * len(table) + 40)
