"""What contributors read is true: decisions are dated and listed, links lead somewhere, pre-commit checks what CI does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "decisions"
PAGES = sorted(DECISIONS.glob("[0-9]*.md"))
STATUS = re.compile(r"(Accepted|Superseded by \d+), 20\d\d-\d\d-\d\d\.")
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)
PROSE = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "tests").rglob("*.md"),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_decision_has_status_and_date(page: Path) -> None:
    title, status = page.read_text().splitlines()[:2]
    assert title.startswith("# ")
    assert STATUS.fullmatch(status), f"{page.name}: {status!r}"


def test_every_decision_is_listed_in_order_by_its_title() -> None:
    listed = re.findall(
        r"^(\d+)\. \[(.+)\]\((.+)\)$",
        (DECISIONS / "README.md").read_text(),
        re.MULTILINE,
    )
    titles = [page.read_text().splitlines()[0].removeprefix("# ") for page in PAGES]
    assert listed == [
        (str(number), title, page.name)
        for number, (title, page) in enumerate(zip(titles, PAGES, strict=True), 1)
    ]


@pytest.mark.parametrize("page", PROSE, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_make_targets_exist(page: Path) -> None:
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in link:
            assert (page.parent / link).exists(), f"{page}: {link}"
    for targets in re.findall(r"`make ([a-z -]+)`", text):
        assert set(targets.split()) <= set(TARGETS), f"{page}: make {targets}"


def test_what_ci_checks_before_its_tests_is_checked_before_a_commit() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    entries = {hook["entry"] for repo in hooks["repos"] for hook in repo["hooks"]}
    prerequisites = re.search(r"^ci: (.+) ##", MAKEFILE, re.MULTILINE)
    assert prerequisites
    checks = set(prerequisites[1].split()) - {"setup", "coverage"}
    assert {f"make {check}" for check in checks} <= entries
    assert "shellcheck" in entries
