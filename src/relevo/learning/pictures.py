"""What a model's answers look like, as PNG bytes, 800 pixels wide. No pyplot: nothing global is touched."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Frame
from relevo.domain.use_case import UseCase
from relevo.learning.folds import mixed
from relevo.learning.metrics import measure

INK, QUIET, BLUE, ORANGE, GRID = "#22303c", "#6b7a86", "#2f6f9f", "#d1662b", "#e3e8ec"
MOST_POINTS = 20_000
FEW_POINTS = 2_000  # up to here each is drawn; of more, how dense they lie
MOST_CLASSES = 20
MOST_FEATURES = 15
SALT = 501
Values = NDArray[np.float64]


def draw(
    case: UseCase, frame: Frame, answers: Values, importances: Mapping[str, float]
) -> dict[str, bytes]:
    """Pictures by file name, of rows that are best unseen ones; none of no rows."""
    pictures = (
        {"importances.png": _importances(case, importances)}
        if any(importances.values())
        else {}
    )
    if not len(frame):
        return pictures
    if frame.classes:
        return {
            **pictures,
            "confusion.png": _confusion(case, frame, answers),
            "calibration.png": _calibration(case, frame, answers),
        }
    target, answers = _sampled(frame, answers)
    return {
        **pictures,
        "predicted_actual.png": _predicted_actual(case, target, answers),
        "residuals.png": _residuals(case, target, answers),
    }


def _sampled(frame: Frame, answers: Values) -> tuple[Values, Values]:
    if len(frame) <= MOST_POINTS:
        return frame.target, answers
    kept = np.argsort(mixed(frame.identity, SALT), kind="stable")[:MOST_POINTS]
    return frame.target[kept], answers[kept]


def _predicted_actual(case: UseCase, target: Values, answers: Values) -> bytes:
    figure, axes = _axes(case, "Predicted against actual", height=6.4)
    logarithmic = case.log_target and target.min() > 0 and answers.min() > 0
    low, high = _span(np.concatenate([target, answers]), logarithmic)
    _points(
        figure,
        axes,
        target,
        answers,
        (low, high, low, high),
        (logarithmic, logarithmic),
    )
    axes.plot(
        [low, high], [low, high], color=ORANGE, linewidth=1.4, label="exactly right"
    )
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.set_xlabel(f"actual {_what(case)}")
    axes.set_ylabel(f"predicted {_what(case)}")
    found = measure("regression", target, answers)
    error = (
        f"MAPE {found['mape']:.1%}" if case.log_target else f"MAE {found['mae']:,.4g}"
    )
    _note(axes, f"{error}\nR² {found['r2']:.3f}\n{len(target):,} rows shown")
    axes.legend(loc="lower right", frameon=False, labelcolor=QUIET)
    return _png(figure)


def _residuals(case: UseCase, target: Values, answers: Values) -> bytes:
    logarithmic = case.log_target and target.min() > 0 and answers.min() > 0
    error = (answers / target - 1) * 100 if logarithmic else answers - target
    figure, axes = _axes(case, "Errors by predicted value")
    middle, reach = np.median(error), float(np.quantile(np.abs(error), 0.99)) or 1.0
    inside = np.abs(error) <= reach
    answers, error = answers[inside], error[inside]
    low, high = _span(answers, logarithmic)
    _points(
        figure, axes, answers, error, (low, high, -reach, reach), (logarithmic, False)
    )
    axes.axhline(0, color=ORANGE, linewidth=1.4)
    axes.set(xlim=(low, high), ylim=(-reach * 1.05, reach * 1.05))
    axes.set_xlabel(f"predicted {_what(case)}")
    axes.set_ylabel(
        "predicted above actual, %"
        if logarithmic
        else f"predicted minus actual {_what(case)}"
    )
    _note(
        axes,
        f"median error {middle:+.1f} %"
        if logarithmic
        else f"median error {middle:+,.4g}",
        right=True,
    )
    return _png(figure)


def _importances(case: UseCase, importances: Mapping[str, float]) -> bytes:
    shown = sorted(importances.items(), key=lambda pair: pair[1])[-MOST_FEATURES:]
    names, shares = [name for name, _ in shown], np.array([share for _, share in shown])
    shares = shares / (sum(importances.values()) or 1.0) * 100
    figure, axes = _axes(
        case, "What the answers rest on", height=1.4 + 0.34 * max(len(names), 3)
    )
    bars = axes.barh(names, shares, color=BLUE, height=0.62)
    axes.bar_label(
        bars,
        labels=[f"{share:.1f} %" for share in shares],
        padding=4,
        color=INK,
        fontsize=9,
    )
    axes.set_xlabel("share of importance, %")
    axes.set_xlim(0, max(shares.max(), 1e-9) * 1.15)
    axes.grid(visible=False, axis="y")
    return _png(figure)


def _confusion(case: UseCase, frame: Frame, chances: Values) -> bytes:
    """Shares of each true class; of many classes the commonest are shown."""
    classes = len(frame.classes)
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (frame.target.astype(np.intp), chances.argmax(axis=1)), 1)
    kept = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[:MOST_CLASSES])
    counts, names = (
        counts[np.ix_(kept, kept)],
        [frame.classes[code][:18] for code in kept],
    )
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = _axes(case, "True class against answer", height=6.4)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.grid(visible=False)
    for row, column in np.ndindex(counts.shape):
        if counts[row, column]:
            tone = "white" if shares[row, column] > 0.55 else INK
            text = f"{counts[row, column]:,}"
            axes.text(
                column,
                row,
                text,
                ha="center",
                va="center",
                color=tone,
                fontsize=11 if len(kept) < 8 else 7,
            )
    axes.set_xticks(range(len(kept)), names, rotation=0 if len(kept) < 8 else 60)
    axes.set_yticks(range(len(kept)), names)
    axes.set_xlabel(f"answered {case.contract.target}")
    axes.set_ylabel(f"true {case.contract.target}")
    return _png(figure)


def _calibration(case: UseCase, frame: Frame, chances: Values) -> bytes:
    """Of the answers given with some certainty, how many were right; a dot holds about as many rows as any other."""
    sure, right = (
        chances.max(axis=1),
        chances.argmax(axis=1) == frame.target.astype(np.intp),
    )
    order = np.argsort(sure, kind="stable")
    groups = [
        group
        for group in np.array_split(order, min(10, max(1, len(order) // 15)))
        if len(group)
    ]
    given, true = (
        np.array([values[group].mean() for group in groups]) * 100
        for values in (sure, right)
    )
    figure, axes = _axes(case, "Certainty against being right", height=5.6)
    axes.plot(
        [0, 100], [0, 100], color=ORANGE, linewidth=1.4, label="as sure as it is right"
    )
    axes.plot(given, true, color=BLUE, marker="o", linewidth=1.6, label="this model")
    low = max(0.0, min(given.min(), true.min()) - 5)
    axes.set(xlim=(low, 102), ylim=(low, 102))
    axes.set_xlabel("mean probability of the answer, %")
    axes.set_ylabel("answers that were right, %")
    axes.legend(loc="best", frameon=False, labelcolor=QUIET)
    return _png(figure)


def _axes(case: UseCase, title: str, height: float = 5.0) -> tuple[Any, Any]:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(
        figsize=(8, height),
        dpi=100,
        layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12),
        facecolor="white",
    )
    axes = figure.add_subplot()
    figure.suptitle(title, x=0.02, ha="left", color=INK, fontsize=14, fontweight="bold")
    axes.set_title(case.title or case.name, loc="left", color=QUIET, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)
    axes.tick_params(colors=QUIET, labelsize=9)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def _points(
    figure: Any,
    axes: Any,
    x: Values,
    y: Values,
    extent: tuple[float, ...],
    logarithmic: tuple[bool, bool],
) -> None:
    """Dots, or hexagons shaded by how many rows lie in them."""
    scales = ["log" if log else "linear" for log in logarithmic]
    if len(x) <= FEW_POINTS:
        axes.scatter(x, y, s=14, color=BLUE, alpha=0.55, linewidths=0)
        axes.set(xscale=scales[0], yscale=scales[1])
    else:
        bounds = [
            np.log10(bound) if logarithmic[place // 2] else bound
            for place, bound in enumerate(extent)
        ]
        look = {
            "gridsize": 55,
            "mincnt": 1,
            "bins": "log",
            "cmap": "Blues",
            "linewidths": 0,
            "vmin": 0.4,
        }
        cells = axes.hexbin(
            x, y, extent=bounds, xscale=scales[0], yscale=scales[1], **look
        )
        bar = figure.colorbar(cells, ax=axes, shrink=0.7, pad=0.02, format=_short)
        bar.set_label("rows", color=INK)
        bar.ax.tick_params(colors=QUIET, labelsize=9)
        bar.outline.set_visible(False)
    for axis, log in zip((axes.xaxis, axes.yaxis), logarithmic, strict=True):
        _ticks(axis, log)


def _ticks(axis: Any, logarithmic: bool) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    if logarithmic:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(_short))


def _span(values: Values, logarithmic: bool) -> tuple[float, float]:
    low, high = np.quantile(values, [0.001, 0.999])
    if logarithmic:
        return float(low / 1.15), float(high * 1.15)
    margin = float(high - low) * 0.04 or 1.0
    return float(low) - margin, float(high) + margin


def _what(case: UseCase) -> str:
    return f"{case.contract.target}, {case.unit}" if case.unit else case.contract.target


def _note(axes: Any, text: str, *, right: bool = False) -> None:
    place, side = (0.98, "right") if right else (0.02, "left")
    axes.text(
        place,
        0.98,
        text,
        ha=side,
        transform=axes.transAxes,
        va="top",
        color=INK,
        fontsize=10,
        linespacing=1.5,
    )


def _short(value: float, place: int = 0) -> str:  # noqa: ARG001
    """1,500,000 is 1.5M."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:.4g}"


def _png(figure: Any) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer, canvas = (
        io.BytesIO(),
        cast(Any, FigureCanvasAgg(figure)),
    )  # matplotlib leaves print_png without types
    canvas.print_png(
        buffer, pil_kwargs={"compress_level": 3}
    )  # print_figure would draw it twice
    return buffer.getvalue()
