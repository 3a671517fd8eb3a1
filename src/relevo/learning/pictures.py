"""What a model's answers look like, as PNG bytes, 800 pixels wide. No pyplot: nothing global is touched."""

import io
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import Float64s, Frame
from relevo.domain.metrics import R2, headline
from relevo.domain.use_case import UseCase
from relevo.domain.wording import compact
from relevo.learning.folds import mixed
from relevo.learning.metrics import measure

INK, QUIET, BLUE, ORANGE, GRID = "#22303c", "#6b7a86", "#2f6f9f", "#d1662b", "#e3e8ec"
MOST_POINTS = 20_000
FEW_POINTS = 2_000  # up to here each is drawn; of more, how dense they lie
DRAWN_CLASSES = 20
UPRIGHT_CLASSES = 7  # up to here names fit beside each other
MOST_FEATURES = 15
SALT = 501


def draw(
    case: UseCase, frame: Frame, answers: Float64s, importances: Mapping[str, float]
) -> dict[str, bytes]:
    """Pictures by file name, of rows that are best unseen ones; none of no rows."""
    pictures = {}
    if any(importances.values()):
        pictures["importances.png"] = _importances(case, importances)
    if not len(frame):
        return pictures
    if frame.classes:
        pictures["confusion.png"] = _confusion(case, frame, answers)
        pictures["calibration.png"] = _calibration(case, frame, answers)
        return pictures
    if len(frame) > MOST_POINTS:
        # by hash, so that the same rows are drawn whatever order they come in
        lowest = np.argsort(mixed(frame.identity, SALT), kind="stable")[:MOST_POINTS]
        frame, answers = frame.take(lowest), answers[lowest]
    pictures["predicted_actual.png"] = _predicted_actual(case, frame.target, answers)
    pictures["residuals.png"] = _residuals(case, frame.target, answers)
    return pictures


def _predicted_actual(case: UseCase, target: Float64s, answers: Float64s) -> bytes:
    figure, axes = _axes(case, "Predicted against actual", height=6.4)
    scale = _scale(case, target, answers)
    span = _span(np.concatenate([target, answers]), scale)
    _points(axes, _Axis(target, span, scale), _Axis(answers, span, scale))
    axes.plot(span, span, color=ORANGE, linewidth=1.4, label="exactly right")
    axes.set(xlim=span, ylim=span, aspect="equal")
    axes.set(xlabel=f"actual {_what(case)}", ylabel=f"predicted {_what(case)}")
    metrics = measure(case.task, target, answers)
    lines = [f"{len(target):,} rows shown"]
    for metric in (R2, headline(case.task, case.log_target)):
        if (value := metric.of(metrics)) is not None:
            lines.insert(0, f"{metric.short} {metric.text(value)}")
    _note(axes, 0.02, "\n".join(lines), ha="left")
    axes.legend(loc="lower right", frameon=False, labelcolor=QUIET)
    return _png(figure)


def _residuals(case: UseCase, target: Float64s, answers: Float64s) -> bytes:
    figure, axes = _axes(case, "Errors by predicted value")
    scale = _scale(case, target, answers)
    error, title = answers - target, f"predicted minus actual {_what(case)}"
    note = f"median error {np.median(error):+,.4g}"
    if scale == "log":
        error, title = (answers / target - 1) * 100, "predicted above actual, %"
        note = f"median error {np.median(error):+.1f} %"
    # the worst hundredth would squeeze all others into a line
    reach = float(np.quantile(np.abs(error), 0.99)) or 1.0
    inside = np.abs(error) <= reach
    answers, error = answers[inside], error[inside]
    span = _span(answers, scale)
    _points(axes, _Axis(answers, span, scale), _Axis(error, (-reach, reach)))
    axes.axhline(0, color=ORANGE, linewidth=1.4)
    axes.set(xlim=span, ylim=(-reach * 1.05, reach * 1.05))
    axes.set(xlabel=f"predicted {_what(case)}", ylabel=title)
    _note(axes, 0.98, note, ha="right")
    return _png(figure)


def _importances(case: UseCase, importances: Mapping[str, float]) -> bytes:
    leading = sorted(importances, key=importances.__getitem__)[-MOST_FEATURES:]
    total = sum(importances.values()) or 1.0
    shares = [100 * importances[name] / total for name in leading]
    height = 1.4 + 0.34 * max(len(leading), 3)
    figure, axes = _axes(case, "What the answers rest on", height)
    bars = axes.barh(leading, shares, color=BLUE, height=0.62)
    labels = [f"{share:.1f} %" for share in shares]
    axes.bar_label(bars, labels=labels, padding=4, color=INK, fontsize=9)
    reach = max(*shares, 1e-9) * 1.15
    axes.set(xlabel="share of importance, %", xlim=(0, reach))
    axes.grid(visible=False, axis="y")
    return _png(figure)


def _confusion(case: UseCase, frame: Frame, chances: Float64s) -> bytes:
    """Shares of each true class; of many classes the commonest are shown."""
    counts, names = _confusion_counts(frame, chances)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = _axes(case, "True class against answer", height=6.4)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.grid(visible=False)
    rotation, size = 0, 11
    if len(names) > UPRIGHT_CLASSES:
        rotation, size = 60, 7
    style = {"ha": "center", "va": "center", "fontsize": size}
    for row, column in np.argwhere(counts):
        tone = INK
        # ink on the darker half of the blues could not be read
        if shares[row, column] > 0.55:
            tone = "white"
        axes.text(column, row, f"{counts[row, column]:,}", color=tone, **style)
    axes.set_xticks(range(len(names)), names, rotation=rotation)
    axes.set_yticks(range(len(names)), names)
    target = case.contract.target
    axes.set(xlabel=f"answered {target}", ylabel=f"true {target}")
    return _png(figure)


def _confusion_counts(
    frame: Frame, chances: Float64s
) -> tuple[NDArray[np.int64], list[str]]:
    seen = frame.target >= 0
    frame, chances = frame.take(seen), chances[seen]
    classes = len(frame.classes)
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (frame.target.astype(np.intp), chances.argmax(axis=1)), 1)
    kept = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[:DRAWN_CLASSES])
    return counts[np.ix_(kept, kept)], [frame.classes[code][:18] for code in kept]


def _calibration(case: UseCase, frame: Frame, chances: Float64s) -> bytes:
    """Of the answers given with some certainty, how many were right; a dot holds about as many rows as any other."""
    sure = chances.max(axis=1)
    right = chances.argmax(axis=1) == frame.target
    order = np.argsort(sure, kind="stable")
    dots = np.array_split(order, min(10, max(1, len(order) // 15)))
    certainty = [100 * sure[rows].mean() for rows in dots]
    correct = [100 * right[rows].mean() for rows in dots]
    figure, axes = _axes(case, "Certainty against being right", height=5.6)
    whole, label = (0, 100), "as sure as it is right"
    axes.plot(whole, whole, color=ORANGE, linewidth=1.4, label=label)
    style = {"color": BLUE, "marker": "o", "linewidth": 1.6}
    axes.plot(certainty, correct, label="this model", **style)
    low = max(0.0, min(*certainty, *correct) - 5)
    axes.set(xlim=(low, 102), ylim=(low, 102))
    axes.set_xlabel("mean probability of the answer, %")
    axes.set_ylabel("answers that were right, %")
    axes.legend(loc="best", frameon=False, labelcolor=QUIET)
    return _png(figure)


def _axes(case: UseCase, title: str, height: float = 5.0) -> tuple[Any, Any]:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
    figure = Figure(figsize=(8, height), dpi=100, layout=layout, facecolor="white")
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


class _Axis(NamedTuple):
    values: Float64s
    span: tuple[float, float]
    scale: str = "linear"

    @property
    def bounds(self) -> tuple[float, float] | Float64s:
        """As hexbin wants them: of the logarithm where the axis has one."""
        if self.scale == "log":
            return np.log10(self.span)
        return self.span


def _points(axes: Any, x: _Axis, y: _Axis) -> None:
    """Dots, or hexagons shaded by how many rows lie in them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    numbers = FuncFormatter(lambda value, _: compact(value))
    if len(x.values) <= FEW_POINTS:
        axes.scatter(x.values, y.values, s=14, color=BLUE, alpha=0.55, linewidths=0)
        axes.set(xscale=x.scale, yscale=y.scale)
    else:
        cells = _hexagons(axes, x, y)
        bar = axes.figure.colorbar(cells, ax=axes, shrink=0.7, pad=0.02, format=numbers)
        bar.set_label("rows", color=INK)
        bar.ax.tick_params(colors=QUIET, labelsize=9)
        bar.outline.set_visible(False)
    for axis, values in ((axes.xaxis, x), (axes.yaxis, y)):
        if values.scale == "log":
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(numbers)


def _hexagons(axes: Any, x: _Axis, y: _Axis) -> Any:
    return axes.hexbin(
        x.values,
        y.values,
        extent=(*x.bounds, *y.bounds),
        xscale=x.scale,
        yscale=y.scale,
        gridsize=55,
        mincnt=1,
        bins="log",
        cmap="Blues",
        linewidths=0,
        vmin=0.4,  # a lone row would else be white on white
    )


def _scale(case: UseCase, target: Float64s, answers: Float64s) -> str:
    if case.log_target and target.min() > 0 and answers.min() > 0:
        return "log"
    return "linear"


def _span(values: Float64s, scale: str) -> tuple[float, float]:
    low, high = np.quantile(values, [0.001, 0.999]).tolist()
    if scale == "log":
        return low / 1.15, high * 1.15
    margin = (high - low) * 0.04 or 1.0
    return low - margin, high + margin


def _what(case: UseCase) -> str:
    if not case.unit:
        return case.contract.target
    return f"{case.contract.target}, {case.unit}"


def _note(axes: Any, x: float, text: str, ha: str) -> None:
    style = {"color": INK, "fontsize": 10, "linespacing": 1.5, "va": "top"}
    axes.text(x, 0.98, text, ha=ha, transform=axes.transAxes, **style)


def _png(figure: Any) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    canvas: Any = FigureCanvasAgg(figure)  # matplotlib leaves print_png without types
    # print_figure would draw it twice
    canvas.print_png(buffer, pil_kwargs={"compress_level": 3})
    return buffer.getvalue()
