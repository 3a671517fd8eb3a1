"""States with nothing to show, or something unavailable: each says what to do, none shows a stack trace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.apps.streamlit.stage import Stage
from tests.apps.streamlit.visit import Visit


@pytest.mark.parametrize(
    ("path", "said", "remedy"),
    [
        ("", "No champion yet", "relevo run house_rents"),
        ("history", "No batches yet", "relevo run house_rents"),
        ("models", "No model yet", "relevo run house_rents"),
        ("data", "No batches yet", "relevo run house_rents"),
        ("live", "No predictions in the last hour", "Ask for one under Predict"),
    ],
)
def test_a_use_case_without_rows_says_how_to_begin(
    visit: Visit, path: str, said: str, remedy: str
) -> None:
    visit.open(f"{path}?case=House+rents")
    visit.sees(said)
    visit.sees(remedy)
    visit.settled()


@pytest.fixture
def api_away(stage: Stage) -> Iterator[None]:
    stage.stop("prod")
    yield
    stage.start("prod")
    stage.wait("prod")


def test_with_the_api_away_predict_says_so_and_the_record_is_still_there(
    visit: Visit, api_away: None
) -> None:
    visit.open()
    visit.sees("The API of prod is unavailable")
    visit.sees("relevo-inference-api")
    visit.open("history", heading="History")
    visit.sees("Batch 12")


@pytest.fixture
def warehouse_away(stage: Stage) -> Iterator[None]:
    stage.start("blind ui")
    stage.wait("blind ui")
    yield
    stage.stop("blind ui")


def test_with_the_warehouse_away_predict_still_answers_and_the_others_say_what_to_do(
    visit: Visit, warehouse_away: None
) -> None:
    visit.ui = "blind ui"
    visit.open(heading="House prices")
    visit.sees("An example")
    for path in ("history", "models", "data"):
        visit.open(path)
        visit.sees("This cannot be shown now")
        visit.sees("RELEVO_WAREHOUSE_URL")
    visit.open("live")
    visit.sees("The prediction log is unavailable")
