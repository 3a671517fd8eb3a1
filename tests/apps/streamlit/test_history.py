"""History: who won, and why."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.apps.streamlit.visit import Visit


def test_every_batch_is_a_bar_and_a_row_with_its_decision_and_reason(
    visit: Visit,
) -> None:
    visit.open("history", heading="History")
    visit.sees("13 batches with 21,613 rows: 4 trainings, 3 promotions.")
    visit.charts(2)
    visit.sees("Batch 12")


def test_a_click_on_a_bar_shows_all_evidence_of_its_batch(visit: Visit) -> None:
    visit.open("history", heading="History")
    visit.click_bar(8, of=13)
    visit.sees("Batch 8")
    visit.sees("version 3 promoted")
    for tab, said in (
        ("Training", "Mean absolute error"),
        ("Rows", "SHA-256"),
        ("Contest", "for the newest batch"),
        ("Decision", "calls for training"),
    ):
        visit.tab(tab)
        visit.sees(said, within=visit.page.get_by_role("tabpanel", name=tab))
    visit.tab("Contest")
    visit.picture("ui-history")


def test_a_candidate_that_failed_in_training_is_named(visit: Visit) -> None:
    visit.open("history?case=Tree+prices", heading="History")
    visit.tab("Training")
    visit.sees("broken failed: ValueError: no such estimator")


def test_a_click_on_a_row_shows_what_is_in_quarantine(visit: Visit) -> None:
    visit.open("history", heading="History")
    visit.click_row(3)  # the newest is first: 12, 11, 10, 9
    visit.sees("Batch 9")
    visit.tab("Rows")
    visit.sees("Reason of the quarantine")
    link = visit.page.get_by_role("link", name="Its columns beside those of training")
    expect(link).to_have_attribute("href", re.compile(r"batch=9\b"))
    link.click()
    expect(
        visit.page.get_by_role("heading", name="Quarantine of batch 9")
    ).to_be_visible()
