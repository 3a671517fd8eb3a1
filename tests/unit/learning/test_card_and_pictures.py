from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from relevo.domain.contract import Contract, category, code, number
from relevo.domain.release import Release, signature_of
from relevo.domain.use_case import HttpBatches, UseCase
from relevo.learning.candidates import BoostedTrees, LinearBaseline
from relevo.learning.card import CardFacts, model_card
from relevo.learning.pictures import draw
from tests.unit.learning.tables import cancer, houses, iris, nothing_of

CASE = UseCase(
    name="houses",
    title="House prices",
    unit="USD",
    log_target=True,
    contract=Contract(
        (
            number("price", low=1),
            number("street"),
            number(
                "house_size",
                low=1,
                high=2_000_000,
                nullable=True,
                doc="living space | in square feet",
            ),
            category("city", nullable=True),
            code("zip_code", digits=5),
        ),
        target="price",
        identity=("street",),
    ),
    features=("house_size", "city", "zip_code"),
    candidates=(LinearBaseline(), BoostedTrees()),
    source=HttpBatches(1),
)
METRICS = {
    "train_mape": 0.11,
    "validation_mape": 0.12,
    "test_mape": 0.13,
    "test_rmse": 201_195.8,
    "onnx_gap": 1e-6,
}
RELEASE = Release(
    case="houses",
    task="regression",
    target="price",
    unit="USD",
    log_target=True,
    fields=signature_of(CASE),
    classes=(),
    estimator="boosted_trees",
    digest="d1" * 32,
    decision_id=4,
    data_sha256="da" * 32,
    commit="c0ffee",
    trained_at="2026-11-21T08:00:00+00:00",
    metrics=METRICS,
)
FACTS = CardFacts(
    case=CASE,
    release=RELEASE,
    reason="81 % of the rows are new",
    batches=(0, 1, 2, 5),
    rows={"train": 70_000, "validation": 10_000, "test": 20_000},
    scores={"boosted_trees": 0.15, "linear_baseline": 0.21},
    errors={"mine": "ValueError: no"},
    slices={"state = Washington": 0.14},
)


def test_a_card_says_what_a_stranger_must_know() -> None:
    card = model_card(FACTS)
    said = [
        "# Model card: House prices", "`price` in USD", "boosted_trees", "81 % of the rows are new", "c0ffee", "d1" * 32,
        "Batches 0 to 2, 5.", "70,000", "da" * 32, "1 to 2,000,000; may be missing", "living space \\| in square feet",
        "| `mape` | 0.11 | 0.12 | 0.13 |", "201,196", "`boosted_trees` (chosen) | 0.15", "failed: ValueError: no",
        "state = Washington | 0.14", "## Use and limits", "logarithm",
    ]  # fmt: skip
    assert [text for text in said if text not in card] == []
    assert card == model_card(FACTS)


def test_a_card_of_a_classification_names_its_classes() -> None:
    case = replace(CASE, task="classification", log_target=False, unit="")
    release = replace(
        RELEASE,
        task="classification",
        classes=("lives", "dies"),
        log_target=False,
        metrics={},
        unit="",
    )
    card = model_card(
        replace(
            FACTS,
            case=case,
            release=release,
            errors={},
            slices={},
            scores={"boosted_trees": 0.3},
        )
    )
    assert "one of: lives, dies" in card
    assert "the validation rows" in card
    assert "Slices" not in card


@pytest.mark.parametrize("rows", [1, 300, 4_000])
def test_pictures_of_prices_are_eight_hundred_pixels_wide(rows: int) -> None:
    frame = houses().take(np.arange(rows))
    answers = frame.target * np.random.default_rng(8).lognormal(0, 0.2, rows)
    pictures = draw(CASE, frame, answers, {"house_size": 0.7, "zip_code": 0.3})
    assert set(pictures) == {"predicted_actual.png", "residuals.png", "importances.png"}
    for data in pictures.values():
        picture = Image.open(io.BytesIO(data))
        assert picture.width == 800
        assert len(np.unique(np.asarray(picture.convert("L")))) > 20


@pytest.mark.parametrize("frame", [iris(), cancer()], ids=["iris", "cancer"])
def test_pictures_of_classes_show_confusion_and_calibration(frame) -> None:
    chances = np.random.default_rng(9).dirichlet(
        np.ones(len(frame.classes)), len(frame)
    )
    pictures = draw(replace(CASE, task="classification"), frame, chances, {})
    assert set(pictures) == {"confusion.png", "calibration.png"}


def test_no_rows_and_no_importances_make_no_pictures() -> None:
    assert draw(CASE, nothing_of(houses()), np.empty(0), {}) == {}


def test_negative_answers_are_drawn_on_plain_axes() -> None:
    frame = houses().take(np.arange(50))
    assert draw(CASE, frame, -frame.target, {})["residuals.png"].startswith(b"\x89PNG")


def test_drawing_leaves_no_global_figures() -> None:
    source = Path(draw.__code__.co_filename).read_text()
    assert "import pyplot" not in source
    assert "matplotlib.pyplot" not in source
