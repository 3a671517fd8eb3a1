"""A single answer: where it lies within the model's typical error, and what made it so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import altair as alt
import pandas as pd

from relevo.domain.metrics import MAPE, METRICS, Unit
from relevo_ui import words
from relevo_ui.charts.look import BLUE, FAINT, GRID, INK, ORANGE, PALE_BLUE, titled
from relevo_ui.reading.api import Explanation

MOST_STEPS = 9
REST = "all others"


@dataclass(frozen=True, slots=True)
class Around:
    """The model's typical error around an answer, in the target's unit."""

    low: float
    value: float
    high: float


def around(value: float, metric_name: str, error: float) -> Around | None:
    """A MAPE is a share of the true value, so the truth lies between value/(1+e) and value/(1-e)."""
    if metric_name == MAPE.name and error < 1:
        return Around(value / (1 + error), value, value / (1 - error))
    if METRICS[metric_name].unit is Unit.TARGET:
        return Around(value - error, value, value + error)
    return None


def range_bar(span: Around, unit: str) -> Any:
    reach = (span.high - span.low) * 0.22
    scale = alt.Scale(
        domain=[span.low - reach, span.high + reach], zero=False, nice=False
    )
    ends = pd.DataFrame({"low": [span.low], "high": [span.high], "value": [span.value]})
    marks = pd.DataFrame(
        {
            "at": [span.low, span.value, span.high],
            "text": [
                words.amount(one, unit) for one in (span.low, span.value, span.high)
            ],
            "weight": ["end", "answer", "end"],
        }
    )
    bar = alt.Chart(ends).mark_bar(height=12, color=PALE_BLUE, cornerRadius=6)
    bar = bar.encode(x=alt.X("low:Q", scale=scale, axis=None), x2="high:Q")
    dot = (
        alt.Chart(ends)
        .mark_point(size=170, filled=True, color=BLUE, opacity=1)
        .encode(x="value:Q")
    )
    text = alt.Chart(marks[marks["weight"] == "end"]).mark_text(
        dy=21, color=INK, fontSize=13
    )
    return titled(bar + dot + text.encode(x="at:Q", text="text:N"), "", height=54)


def waterfall(found: Explanation, target: str, names: dict[str, str]) -> Any:
    """From the average to this answer, a step a feature; on a log scale each step multiplies."""
    table, log = _steps(found, names), found.scale == "log"
    order = list(table["feature"])
    low, high = _room(table, log)
    scale = alt.Scale(
        type="log" if log else "linear",
        domain=[low, high],
        zero=alt.Undefined if log else False,
        nice=False,
    )
    what = words.title(target).lower()
    axis = alt.Axis(
        title=_axis_title(found, what),
        format="~s",
        tickCount=5,
        gridColor=GRID,
        values=_ticks(low, high, log),
    )
    rows = alt.Y(
        "feature:N",
        sort=order,
        title=None,
        axis=alt.Axis(ticks=False, domain=False, labelPadding=10, labelColor=INK),
    )
    base = alt.Chart(table)
    tooltip = [
        alt.Tooltip("feature:N", title="feature"),
        alt.Tooltip("says:N", title="effect"),
        alt.Tooltip("reached:N", title="up to here"),
    ]
    colour = alt.Color(
        "way:N",
        scale=alt.Scale(domain=["raises it", "lowers it"], range=[ORANGE, BLUE]),
        legend=alt.Legend(title=None, orient="top", direction="horizontal"),
    )
    bars = base.mark_bar(height=16, cornerRadius=2).encode(
        x=alt.X("start:Q", scale=scale, axis=axis),
        x2="end:Q",
        y=rows,
        color=colour,
        tooltip=tooltip,
    )
    links = base.transform_filter("isValid(datum.next)").mark_tick(
        color=FAINT, thickness=1, bandSize=26, yOffset=14
    )
    links = links.encode(x=alt.X("end:Q", scale=scale), y=rows)
    labels = base.mark_text(align="left", dx=7, color=INK, fontSize=12).encode(
        x=alt.X("right:Q", scale=scale), y=rows, text="says:N"
    )
    average = (
        alt.Chart(table.head(1))
        .mark_rule(color=FAINT, strokeDash=[4, 3])
        .encode(x=alt.X("start:Q", scale=scale))
    )
    return titled(
        average + links + bars + labels,
        f"From the average to this {what}",
        _sentence(found),
        height=30 * len(table) + 125,
    )


def _room(table: pd.DataFrame, log: bool) -> tuple[float, float]:
    """The lowest and highest step, with room for what is said beside them."""
    ends = pd.concat([table["start"], table["end"]])
    if log:
        spread = max(float(ends.max() / ends.min()), 1.1) ** 0.16
        return float(ends.min()) / spread, float(ends.max()) * spread
    reach = float(ends.max() - ends.min()) or 1.0
    return float(ends.min()) - reach * 0.1, float(ends.max()) + reach * 0.18


def _steps(found: Explanation, called: dict[str, str]) -> pd.DataFrame:
    """Largest first; what is left beyond the most that can be read is one step."""
    shown = list(found.contributions[:MOST_STEPS])
    names = [
        f"{called.get(one.feature, one.feature)} = {_value(one.value)}" for one in shown
    ]
    amounts = [one.contribution for one in shown]
    if rest := [one.contribution for one in found.contributions[MOST_STEPS:]]:
        names.append(REST)
        amounts.append(sum(rest))
    levels = list(accumulate(amounts, initial=found.base))
    placed = [math.exp(one) for one in levels] if found.scale == "log" else levels
    table = pd.DataFrame({"feature": names, "start": placed[:-1], "end": placed[1:]})
    table["way"] = ["raises it" if one >= 0 else "lowers it" for one in amounts]
    table["right"] = table[["start", "end"]].max(axis=1)
    table["says"] = [_effect(one, found) for one in amounts]
    table["reached"] = [words.amount(one, found.unit) for one in placed[1:]]
    table["next"] = [*table["start"].iloc[1:], None]
    return table


def _effect(contribution: float, found: Explanation) -> str:
    if found.scale == "log":
        factor = math.exp(contribution)
        return (
            f"× {factor:.2f}"
            if abs(factor - 1) >= 0.005 or factor == 1
            else f"× {factor:.3f}"
        )
    sign = "+" if contribution >= 0 else "−"
    if found.scale == "target":
        return f"{sign}{words.amount(abs(contribution), found.unit)}"
    return f"{sign}{abs(contribution):.2f}"


def _sentence(found: Explanation) -> str:
    if found.scale == "log":
        factors = [one.contribution for one in found.contributions]
        product = math.exp(found.base + sum(factors))
        return f"An average {words.amount(math.exp(found.base), found.unit)}, times each factor, is {words.amount(product, found.unit)}."
    if found.scale == "target":
        total = found.base + sum(one.contribution for one in found.contributions)
        return f"An average {words.amount(found.base, found.unit)}, plus each part, is {words.amount(total, found.unit)}."
    return "Each step is added to the log odds of the answer."


def _axis_title(found: Explanation, what: str) -> str:
    if found.scale == "log odds":
        return "log odds"
    return f"{what}{f', {found.unit}' if found.unit else ''}{' (log scale)' if found.scale == 'log' else ''}"


def _ticks(low: float, high: float, log: bool) -> Any:
    """Round numbers inside the bounds of a log axis; elsewhere Vega finds its own."""
    if not log:
        return alt.Undefined
    step = 10 ** math.floor(math.log10((high - low) or 1.0))
    for size in (step / 5, step / 4, step / 2, step, 2 * step, 5 * step):
        ticks = [
            size * place
            for place in range(math.ceil(low / size), math.floor(high / size) + 1)
        ]
        if len(ticks) <= 6:
            return ticks
    return alt.Undefined


def _value(value: Any) -> str:
    if value is None:
        return "unknown"
    return (
        words.number(value, 4).replace(",", "")
        if isinstance(value, float)
        else str(value)
    )


def probabilities(chances: dict[str, float]) -> Any:
    table = pd.DataFrame(
        {"answer": list(chances), "probability": list(chances.values())}
    ).nlargest(8, "probability")
    bars = (
        alt.Chart(table)
        .mark_bar(height=16, color=BLUE, cornerRadius=2)
        .encode(
            x=alt.X(
                "probability:Q",
                title=None,
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format=".0%", tickCount=5),
            ),
            y=alt.Y("answer:N", sort="-x", title=None),
        )
    )
    text = bars.mark_text(align="left", dx=6, color=INK).encode(
        text=alt.Text("probability:Q", format=".1%")
    )
    return titled(
        bars + text, "How sure the model is of each answer", height=30 * len(table) + 70
    )
