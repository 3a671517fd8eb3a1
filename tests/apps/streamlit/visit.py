"""A person in front of the UI."""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.apps.streamlit.stage import Stage

AXIS_WIDTH, HEADER_HEIGHT, ROW_HEIGHT = 67, 35, 31


class Visit:
    def __init__(self, stage: Stage, page: Page, images: Path) -> None:
        self.stage, self.page, self._images = stage, page, images
        self.ui = "ui"

    def open(self, path: str = "", *, heading: str | None = None) -> None:
        self.page.goto(f"{self.stage.url(self.ui)}/{path}")
        if heading:
            expect(
                self.page.get_by_role("heading", name=heading, level=1)
            ).to_be_visible()
        self.settled()

    def settled(self) -> None:
        """Nothing is being worked out, and no page says less than what happened."""
        expect(self.page.get_by_test_id("stStatusWidget")).to_have_count(0)
        expect(self.page.get_by_test_id("stException")).to_have_count(0)
        expect(self.page.get_by_text("Traceback")).to_have_count(0)

    def sees(self, text: str, *, within: Locator | None = None) -> None:
        expect(
            (within or self.page.get_by_test_id("stMain"))
            .get_by_text(text)
            .locator("visible=true")
            .first
        ).to_be_visible()

    def charts(self, many: int) -> None:
        self.charts_drawn()
        expect(self.page.get_by_test_id("stVegaLiteChart")).to_have_count(many)

    def charts_drawn(self) -> None:
        expect(
            self.page.get_by_test_id("stVegaLiteChart").locator("canvas, svg").first
        ).to_be_visible()

    def tab(self, name: str) -> None:
        """Tabs of what was shown before stay, disabled, until the page has been worked out."""
        self.page.get_by_role("tab", name=name, disabled=False).click()

    def click_bar(self, place: int, of: int) -> None:
        """A bar of the first chart, whose plot begins to the right of its axis."""
        chart = self.page.get_by_test_id("stVegaLiteChart").first
        self.charts_drawn()
        box = chart.bounding_box()
        assert box is not None
        x = AXIS_WIDTH + (place + 0.5) / of * (box["width"] - AXIS_WIDTH)
        chart.click(position={"x": x, "y": box["height"] * 0.72})

    def click_row(self, place: int) -> None:
        """The box in front of a row of the list; the grid is drawn, so it has no elements to click."""
        grid = self.page.get_by_test_id("stDataFrame").first
        expect(grid.locator("canvas").first).to_be_visible()
        self.page.wait_for_timeout(400)
        grid.click(position={"x": 16, "y": HEADER_HEIGHT + (place + 0.5) * ROW_HEIGHT})

    @property
    def sidebar(self) -> Locator:
        return self.page.get_by_test_id("stSidebar")

    def picture(self, name: str) -> None:
        """Into images/ where RELEVO_PICTURES is set; a run of the tests leaves the tree as it was."""
        if not os.environ.get("RELEVO_PICTURES"):
            return
        self.page.mouse.move(1438, 898)
        self.page.wait_for_timeout(1200)
        shot = Image.open(io.BytesIO(self.page.screenshot()))
        self._images.mkdir(exist_ok=True)
        in_its_commonest_colours(shot.convert("RGB")).save(
            self._images / f"{name}.png", optimize=True
        )


def in_its_commonest_colours(shot: Image.Image) -> Image.Image:
    """A third of the size. Averaged palettes lose the grid, and the orange."""
    colours = sorted(shot.getcolors(1 << 24) or [], reverse=True)[:256]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, colour in colours for part in colour])
    return shot.quantize(palette=palette, dither=Image.Dither.NONE)
