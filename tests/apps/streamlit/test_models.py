"""Models: compared, promoted, rolled back."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import expect

from tests.apps.streamlit.stage import CASE, TOKEN
from tests.apps.streamlit.visit import Visit


def champion(visit: Visit) -> str:
    return str(
        httpx.get(f"{visit.stage.url('prod')}/v1/{CASE}/model", timeout=20).json()[
            "version"
        ]
    )


def order(visit: Visit, name: str, button: str, reason: str, token: str) -> None:
    visit.page.get_by_role("button", name=name).click()
    popover = visit.page.get_by_test_id("stPopoverBody")
    popover.get_by_role("textbox", name="Reason").fill(reason)
    popover.locator("input[type=password]").fill(token)
    popover.get_by_role("button", name=button, exact=True).click()


def test_two_versions_stand_beside_each_other_on_the_same_rows(visit: Visit) -> None:
    visit.open("models", heading="Models")
    visit.sees("holdout rows, which neither was trained on")
    visit.sees("Median absolute error")
    visit.charts(1)
    visit.picture("ui-models")
    visit.tab("Importances and errors")
    expect(visit.page.get_by_test_id("stImage")).to_have_count(6)
    visit.tab("Cards")
    visit.sees("Use and limits")


def test_a_candidate_that_failed_stands_beside_the_version(visit: Visit) -> None:
    visit.open("models?case=Tree+prices", heading="Models")
    visit.sees("broken failed: ValueError: no such estimator")


@pytest.mark.parametrize(
    ("reason", "token", "said"),
    [
        ("it looks better", "guessed", "token"),
        ("it looks better", "", "token"),
        ("", TOKEN, "Enter a reason"),
    ],
    ids=["a wrong token", "no token", "no reason"],
)
def test_an_order_is_refused_with(
    visit: Visit, reason: str, token: str, said: str
) -> None:
    visit.open("models", heading="Models")
    order(visit, "Promote a version", "Promote", reason, token)
    expect(
        visit.page.get_by_test_id("stPopoverBody").get_by_test_id("stAlert")
    ).to_contain_text(said)
    assert champion(visit) == "3"


def test_a_person_promotes_a_version_and_rolls_back_and_the_api_follows(
    visit: Visit,
) -> None:
    visit.open("models", heading="Models")
    order(visit, "Promote a version", "Promote", "its newest batch is better", TOKEN)
    visit.sees("Version 4 is champion now (before: 3): its newest batch is better.")
    expect(visit.sidebar).to_contain_text("answers with version 4")
    assert champion(visit) == "4"
    order(visit, "Roll back", "Roll back", "it was a try", TOKEN)
    visit.sees("Version 3 is champion now (before: 4): it was a try.")
    expect(visit.sidebar).to_contain_text("answers with version 3")
    assert champion(visit) == "3"
