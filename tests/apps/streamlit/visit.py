"""A person in front of the UI."""

from __future__ import annotations

import io
import os
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.apps.streamlit.stage import Stage


class Visit:
    def __init__(self, stage: Stage, page: Page, images: Path) -> None:
        self.stage, self.page, self._images = stage, page, images

    def open(self, path: str = "", *, heading: str | None = None) -> None:
        self.page.goto(f"{self.stage.url('ui')}/{path}")
        if heading:
            expect(self.page.get_by_role("heading", name=heading, level=1)).to_be_visible()
        self.settled()

    def settled(self) -> None:
        """Nothing is being worked out, and no page says less than what happened."""
        expect(self.page.get_by_test_id("stStatusWidget")).to_have_count(0)
        expect(self.page.get_by_test_id("stException")).to_have_count(0)
        expect(self.page.get_by_text("Traceback")).to_have_count(0)

    def sees(self, text: str, *, within: Locator | None = None) -> None:
        expect((within or self.page.get_by_test_id("stMain")).get_by_text(text).first).to_be_visible()

    def charts(self, many: int) -> None:
        expect(self.page.get_by_test_id("stVegaLiteChart").locator("canvas, svg").first).to_be_visible()
        expect(self.page.get_by_test_id("stVegaLiteChart")).to_have_count(many)

    @property
    def sidebar(self) -> Locator:
        return self.page.get_by_test_id("stSidebar")

    def picture(self, name: str) -> None:
        """Into images/ where RELEVO_PICTURES is set; a run of the tests leaves the tree as it was."""
        if not os.environ.get("RELEVO_PICTURES"):
            return
        from PIL import Image

        self.page.mouse.move(1438, 898)
        self.page.wait_for_timeout(1200)
        shot = Image.open(io.BytesIO(self.page.screenshot()))
        self._images.mkdir(exist_ok=True)
        shot.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(self._images / f"{name}.png", optimize=True)
