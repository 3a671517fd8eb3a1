"""Small real tables, as frames: houses of King County, iris, breast cancer; and odd ones."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from benchmarks.accuracy import king_county
from relevo.domain.frame import Categorical, Frame
from relevo.domain.identity import identities


@cache
def houses(rows: int = 4_000) -> Frame:
    """Sales with some numbers and words missing; target in USD."""
    frame = king_county().take(np.arange(0, 21_000, 21_000 // rows)[:rows])
    random = np.random.default_rng(1)
    size, city = frame.numbers["house_size"].copy(), frame.categories["city"]
    size[random.random(len(frame)) < 0.1] = np.nan
    codes = city.codes.copy()
    codes[random.random(len(frame)) < 0.05] = -1
    numbers = {**frame.numbers, "house_size": size}
    return replace(
        frame,
        numbers=numbers,
        categories={**frame.categories, "city": Categorical(codes, city.categories)},
    )


def unseen(frame: Frame) -> Frame:
    """The frame with words that no training saw, every third row; and its words in another order."""
    categories = {}
    for name, column in frame.categories.items():
        codes = (len(column.categories) - 1 - column.codes).astype(np.int32)
        codes[column.codes < 0] = -1
        codes[::3] = len(column.categories)
        categories[name] = Categorical(
            codes, (*reversed(column.categories), "Atlantis")
        )
    return replace(frame, categories=categories)


def halves(frame: Frame) -> tuple[Frame, Frame]:
    odd = np.arange(len(frame)) % 2 == 1
    return frame.take(~odd), frame.take(odd)


def nothing_of(frame: Frame) -> Frame:
    return frame.take(np.arange(0))


@cache
def iris() -> Frame:
    from sklearn.datasets import load_iris

    return _classes(load_iris())


@cache
def cancer() -> Frame:
    """Two classes; with a made-up ward of 40 words, some missing."""
    from sklearn.datasets import load_breast_cancer

    frame = _classes(load_breast_cancer())
    ward = np.random.default_rng(2).integers(-1, 40, len(frame)).astype(np.int32)
    numbers = dict(list(frame.numbers.items())[:6])
    return replace(
        frame,
        numbers=numbers,
        categories={"ward": Categorical(ward, tuple(f"w{i}" for i in range(40)))},
    )


def table(
    rows: int = 100,
    numbers: dict[str, object] | None = None,
    categories: dict[str, list[str | None]] | None = None,
    target: object = None,
    classes: tuple[str, ...] = (),
) -> Frame:
    """A frame of what is given; the target is 1, 2, 3 … where none is."""
    wanted = np.arange(1, rows + 1) if target is None else target
    return Frame(
        {
            name: np.broadcast_to(np.asarray(v, np.float32), rows).copy()
            for name, v in (numbers or {}).items()
        },
        {name: Categorical.of(words) for name, words in (categories or {}).items()},
        np.broadcast_to(np.asarray(wanted, np.float64), rows).copy(),
        identities("table", [list(range(rows))]),
        np.zeros(rows, np.int32),
        classes,
    )


def _classes(bunch: object) -> Frame:
    names = [str(name).split(" (")[0].replace(" ", "_") for name in bunch.feature_names]  # type: ignore[attr-defined]
    data = bunch.data.astype(np.float32)  # type: ignore[attr-defined]
    return Frame(
        {name: data[:, place].copy() for place, name in enumerate(names)},
        {},
        bunch.target.astype(np.float64),  # type: ignore[attr-defined]
        identities("classes", [list(range(len(data)))]),
        np.zeros(len(data), np.int32),
        tuple(str(name) for name in bunch.target_names),  # type: ignore[attr-defined]
    )
