"""Data and Live."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.apps.streamlit.visit import Visit


def test_data_shows_rows_quarantine_with_reasons_and_drift_by_column(
    visit: Visit,
) -> None:
    visit.open("data", heading="Data")
    visit.sees("21,613 rows in 13 batches, 84 rows in quarantine.")
    visit.sees("18 rows rejected: bath is text, not a number (18).")
    visit.charts(3)
    visit.picture("ui-data")
    visit.page.get_by_role("radio", name="Bath").click()
    visit.settled()
    visit.charts(3)


def test_live_shows_volume_latency_and_the_error_of_what_is_labelled(
    visit: Visit,
) -> None:
    visit.open("live", heading="Live")
    visit.sees("Error, 60 labels")
    visit.charts(3)
    visit.picture("ui-live")


def test_a_click_on_a_prediction_traces_it_to_data_and_verdict(visit: Visit) -> None:
    visit.open("live", heading="Live")
    visit.click_row(4)
    field = visit.page.get_by_role("textbox", name="Trace a receipt")
    expect(field).to_have_value(re.compile("^[0-9a-f]{32}$"))
    visit.sees(field.input_value())
    visit.sees("Trained on")
    visit.sees("Trained because")


def test_an_unknown_receipt_is_named(visit: Visit) -> None:
    visit.open(f"live?receipt={'0' * 32}", heading="Live")
    visit.sees("Unknown receipt")


def test_dev_has_no_predictions_yet_and_says_how_to_get_some(visit: Visit) -> None:
    visit.open("live?env=dev", heading="Live")
    visit.sees("No predictions in the last hour")
