"""A candidate that raises: the others go on, and everyone who looks is told why it is not there."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from typer.testing import CliRunner

from relevo.app import open_loop
from relevo.cli.app import app
from relevo.errors import StoreUnavailable
from relevo.loop.train import FAILED_TAG
from relevo.settings import Settings
from tests.extending import own_source
from tests.loop.flats import USE_CASE
from tests.loop.test_own_source import settings_with, write_batch

BROKEN = """
class Broken:
    name = "broken"

    def fit(self, train, validation, seed, *, log_target=False):
        raise ZeroDivisionError("by zero")
"""
CASE = (
    own_source()
    + BROKEN
    + USE_CASE.replace("HttpBatches(group=1)", "DailyExports").replace(
        "(LinearBaseline(),)", "(Broken(), LinearBaseline())"
    )
)
REASON = "ZeroDivisionError: by zero"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = settings_with(tmp_path, CASE)
    write_batch(settings.use_cases / "flats" / "exports", 0)
    return settings


def test_a_candidate_that_raises_is_told_of_wherever_people_look(
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = open_loop("flats", settings)
    with caplog.at_level(logging.WARNING, "relevo"), loop.working("test"):
        result = loop.run_batch(lambda _: None)
    assert result is not None
    assert result.training is not None
    assert result.training.estimator == "linear_baseline"
    assert f"flats: candidate broken failed: {REASON}" in caplog.messages

    version = loop.registry.version("flats", result.training.version)
    assert version.tags[FAILED_TAG] == f"broken: {REASON}"
    folder = loop.registry.fetch("flats", version.number)
    assert f"| `broken` | failed: {REASON} |" in (folder / "card.md").read_text()
    training = json.loads((folder / "training.json").read_text())
    assert training["failed_candidates"] == {"broken": REASON}

    assert loop.failures(version.number) == [f"broken failed: {REASON}"]
    monkeypatch.setenv("RELEVO_HOME", str(settings.home))
    monkeypatch.setenv("RELEVO_USE_CASES", str(settings.use_cases))
    explained = CliRunner().invoke(app, ["explain", "flats", "0"])
    assert explained.exit_code == 0
    assert f"broken failed: {REASON}" in explained.output


def test_a_store_that_is_unavailable_leaves_the_rest_of_the_record_to_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = open_loop("flats", settings)

    def unavailable(key: str) -> bool:
        raise StoreUnavailable("no answer")

    monkeypatch.setattr(loop.artifacts, "exists", unavailable)
    assert loop.failures("1") == ["whether a candidate failed is not known: no answer"]
