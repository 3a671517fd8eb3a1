"""One prepared state for all tests here, seen through a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.apps.streamlit.stage import Stage
from tests.apps.streamlit.visit import Visit
from tests.servers import absent

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-sync",
    "--no-first-run",
)

PATIENCE = 20_000  # milliseconds, on a machine that has much else to do


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = (
        os.environ.get("RELEVO_TEST_CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("chromium-browser")
    )
    if program is None:
        absent(
            "Chromium",
            "apt-get install chromium, or set RELEVO_TEST_CHROMIUM to a Chromium or Chrome",
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=list(ARGUMENTS)
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def stage(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """Needs the browser only so that nothing is prepared where there is none."""
    stage = Stage(tmp_path_factory.mktemp("stage"))
    try:
        stage.prepare()
        yield stage
    finally:
        stage.stop_all()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    yield page
    page.close()


@pytest.fixture
def visit(stage: Stage, page: Page) -> Visit:
    return Visit(stage, page, Path(__file__).parents[3] / "images")
