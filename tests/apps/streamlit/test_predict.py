"""Predict, as a person uses it."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import expect
from relevo_ui.reading.api import Api, ApiRefused

from tests.apps.streamlit.stage import CASE, KEY, Stage
from tests.apps.streamlit.visit import Visit

ASKING = {"X-API-Key": KEY}
HOUSE = {
    "bed": 2, "bath": 1.75, "acre_lot": 0.175, "city": "Seattle", "state": "Washington", "zip_code": "98103", "house_size": 1450,
}  # fmt: skip


def test_the_form_is_made_of_the_models_own_fields_and_begins_with_an_example(
    visit: Visit,
) -> None:
    visit.open(heading="House prices")
    for label in (
        "Bedrooms",
        "Bathrooms",
        "The lot, in acres",
        "City",
        "Zip code",
        "Living space, in square feet",
    ):
        expect(visit.page.get_by_label(label).first).to_be_visible()
    visit.sees("An example, with the usual value of each field")
    visit.charts(2)


def test_a_price_comes_with_its_range_its_factors_and_a_receipt_that_leads_to_the_commit(
    visit: Visit,
) -> None:
    visit.open(heading="House prices")
    page = visit.page
    for label, value in (
        ("Bedrooms", 2),
        ("Bathrooms", 1.75),
        ("Living space, in square feet", 1450),
    ):
        page.get_by_role("spinbutton", name=label).fill(str(value))
    page.get_by_role("button", name="Predict").click()
    visit.sees("Predicted price")
    answer = httpx.post(
        f"{visit.stage.url('prod')}/v1/{CASE}/predict",
        json=HOUSE,
        headers=ASKING,
        timeout=20,
    ).json()
    visit.sees(f"${answer['prediction']:,.0f}")
    visit.sees("Typically")
    visit.charts(2)
    visit.picture("ui-predict")
    receipt = page.get_by_test_id("stMain").locator("code.id").first.inner_text()
    assert re.fullmatch(r"[0-9a-f]{32}", receipt)
    page.get_by_role("link", name="Trace it to model, data and verdict").click()
    expect(page.get_by_role("heading", name="Live", level=1)).to_be_visible()
    visit.sees(receipt)
    visit.sees("3f2a9c41d07b")
    visit.sees("Champion because")
    assert f"receipt={receipt}" in page.url


def test_a_word_that_training_never_saw_is_answered_with_a_warning(
    visit: Visit,
) -> None:
    visit.open(heading="House prices")
    city = visit.page.get_by_role("combobox", name="City")
    city.click()
    city.fill("Gotham")
    city.press("Enter")
    visit.page.get_by_role("button", name="Predict").click()
    alert = visit.page.get_by_test_id("stAlert")
    expect(alert).to_contain_text("City")
    visit.sees("Predicted price")


def test_a_prediction_without_an_exact_explanation_is_shown_and_says_why(
    visit: Visit,
) -> None:
    visit.open("?case=Tree+prices", heading="Tree prices")
    visit.sees("There is no explanation: sklearn_estimator")
    visit.page.get_by_role("button", name="Predict").click()
    visit.sees("Predicted price")
    visit.sees("Typically")
    visit.sees("No explanation of this prediction: sklearn_estimator")
    expect(visit.page.locator("code.id").first).to_be_visible()


def test_dev_answers_with_the_challenger(visit: Visit) -> None:
    visit.open(heading="House prices")
    visit.sidebar.get_by_role("radio", name="dev").click()
    visit.sees("Version 4 answers, the challenger in dev.")


def test_an_api_that_wants_a_key_says_where_the_ui_gets_it(stage: Stage) -> None:
    with pytest.raises(ApiRefused, match="RELEVO_UI_API_KEY"):
        Api("prod", stage.url("prod"), 10).predict(CASE, HOUSE)
