"""Draws images/dag.png from the DAG as Airflow reads it."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from tests.apps.airflow import flats_of_three_batches

PICTURE = Path(__file__).parents[3] / "images" / "dag.png"
WIDTH, HEIGHT, STEP = 1.62, 0.72, 2.02
INK, FAINT = "#333333", "#666666"
FILLS = {
    "train_decision": "#fff2cc",
    "skip_training": "#eeeeee",
    "trigger_dag_rerun": "#d0e3f5",
}
SAYS = {
    "evaluate_run_and_load_raw_data": "the next batch,\nexactly once, into RAW",
    "preprocess_and_split": "good rows into CLEAN,\neach on its side",
    "train_decision": "train or skip,\non evidence",
    "train_model": "the best candidate\nbecomes challenger",
    "judge_challenger": "both predict the\nsame holdout rows",
    "publish_champion": "files, pointer, alias:\nin this order",
    "skip_training": "the champion stays",
    "trigger_dag_rerun": "the run for\nthe next batch",
}


def test_the_picture_of_the_dag_shows_all_its_tasks(
    read_dags: Any, tmp_path: Path
) -> None:
    flats_of_three_batches.write(tmp_path)
    tasks = read_dags(tmp_path)["dags"]["continuous_training_flats"]["tasks"]
    assert {task["id"] for task in tasks} == set(SAYS)
    PICTURE.parent.mkdir(exist_ok=True)
    drawn(tasks).savefig(PICTURE, dpi=130, metadata={"Software": None})
    assert PICTURE.read_bytes().startswith(b"\x89PNG")


def drawn(tasks: list[dict[str, Any]]) -> Figure:
    places = placed(tasks)
    figure = Figure(figsize=(13.5, 3.0), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-0.9, 6 * STEP + 0.9), ylim=(-1.3, 1.55))
    axes.axis("off")
    for name, place in places.items():
        box(axes, name, place)
    for task in tasks:
        for after in task["then"]:
            arrow(axes, places[task["id"]], places[after])
            words = {"train_model": "train", "skip_training": "skip"}.get(after)
            if words:
                x, y = places[task["id"]]
                at = (
                    (x + 0.08, y + 0.6)
                    if after == "skip_training"
                    else (x + WIDTH / 2 + 0.04, y + 0.06)
                )
                axes.text(*at, words, fontsize=9, color=FAINT)
    loop(axes, places["trigger_dag_rerun"], places["evaluate_run_and_load_raw_data"])
    return figure


def placed(tasks: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Each task as far to the right as its longest way from the start; the branch that does little above the other."""
    depth = dict.fromkeys(SAYS, 0)
    for task in tasks:  # in order: all before a task have their place
        for after in task["then"]:
            depth[after] = max(depth[after], depth[task["id"]] + 1)
    return {
        name: (
            STEP * (4 if name == "skip_training" else at),
            1.05 if name == "skip_training" else 0.0,
        )
        for name, at in depth.items()
    }


def box(axes: Axes, name: str, place: tuple[float, float]) -> None:
    x, y = place
    shape = FancyBboxPatch(
        (x - WIDTH / 2 + 0.08, y - HEIGHT / 2 + 0.08),
        WIDTH - 0.16,
        HEIGHT - 0.16,
        boxstyle="round,pad=0.08",
        facecolor=FILLS.get(name, "#d9ead3"),
        edgecolor=FAINT,
        linewidth=1,
    )
    axes.add_patch(shape)
    title = name.replace("_and_load", "\n_and_load")
    high = 0.16 if "\n" in title else 0.13
    axes.text(
        x,
        y + high,
        title,
        ha="center",
        va="center",
        fontsize=8.6,
        weight="bold",
        color=INK,
        linespacing=1.0,
    )
    axes.text(
        x,
        y - 0.17,
        SAYS[name],
        ha="center",
        va="center",
        fontsize=8,
        color=FAINT,
        linespacing=1.1,
    )


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Straight to the right; up or down by a corner."""
    tail, head = [start[0] + WIDTH / 2, start[1]], [end[0] - WIDTH / 2, end[1]]
    if end[1] > start[1]:
        axes.plot(
            [start[0], start[0], head[0]],
            [start[1] + HEIGHT / 2, end[1], end[1]],
            color=FAINT,
            lw=1.1,
        )
        tail = [head[0] - 0.1, end[1]]
    elif end[1] < start[1]:
        axes.plot(
            [tail[0], end[0], end[0]],
            [start[1], start[1], end[1] + HEIGHT / 2 + 0.1],
            color=FAINT,
            lw=1.1,
        )
        tail, head = [end[0], end[1] + HEIGHT / 2 + 0.15], [end[0], end[1] + HEIGHT / 2]
    style = {"arrowstyle": "-|>", "color": FAINT, "shrinkA": 0, "shrinkB": 0, "lw": 1.1}
    axes.annotate("", head, tail, arrowprops=style)


def loop(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    low, under = -0.95, -HEIGHT / 2
    axes.plot(
        [start[0], start[0], end[0], end[0]],
        [under, low, low, under - 0.12],
        "--",
        color=FAINT,
        lw=1.1,
    )
    axes.annotate(
        "",
        (end[0], under),
        (end[0], under - 0.15),
        arrowprops={"arrowstyle": "-|>", "color": FAINT, "shrinkB": 0},
    )
    words = "while there is data; when there is no more, all tasks of the last run are skipped and it is green"
    axes.text(
        (start[0] + end[0]) / 2,
        low - 0.08,
        words,
        ha="center",
        va="top",
        fontsize=9,
        color=FAINT,
    )
