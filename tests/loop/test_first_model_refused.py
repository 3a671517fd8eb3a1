"""A first model that may not serve is loud wherever the loop runs, and the next run goes on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from relevo.app import open_loop
from relevo.cli.app import main
from relevo.domain.evidence import Ruling
from relevo.errors import FirstModelRefused
from relevo.settings import Settings
from tests.extending import own_source
from tests.loop.test_own_source import OWN, settings_with, write_batch

# no two forms differ by less than nothing
REFUSING = own_source() + OWN.replace("Policy(", "Policy(onnx_tolerance=-1.0, ")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    settings = settings_with(tmp_path, REFUSING)
    for number in range(2):
        write_batch(settings.use_cases / "flats" / "exports", number)
    monkeypatch.setenv("RELEVO_HOME", str(settings.home))
    monkeypatch.setenv("RELEVO_USE_CASES", str(settings.use_cases))
    return settings


def relevo(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["relevo", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_a_run_fails_with_subject_value_and_remedy_and_the_next_one_goes_on(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for version in ("1", "2"):
        assert relevo(monkeypatch, "run", "flats") == 1
        error = capsys.readouterr().err
        assert f"flats has no champion: version {version}: first model refused" in error
        assert "(limit -1)" in error
        assert f"relevo promote flats {version} --reason …" in error
    assert relevo(monkeypatch, "retrain", "flats", "--reason", "again") == 1
    assert relevo(monkeypatch, "promote", "flats", "3", "--reason", "looked at it") == 0
    assert relevo(monkeypatch, "retrain", "flats", "--reason", "again") == 0


def test_a_retry_would_not_mend_it_and_its_verdict_is_on_record(
    settings: Settings,
) -> None:
    loop = open_loop("flats", settings)
    with loop.working("test"):
        with pytest.raises(FirstModelRefused):
            loop.run_batch(lambda _: None)
        (verdict,) = loop.warehouse.record.verdicts("flats")
        # the task that publishes, run again
        with pytest.raises(FirstModelRefused):
            loop.publish(verdict.decision_id)
    assert verdict.ruling is Ruling.KEEP
    assert not FirstModelRefused.retryable
    tags = loop.registry.version("flats", verdict.challenger).tags
    assert tags["relevo.verdict"] == "keep"


def test_a_replay_goes_on_after_a_first_model_that_its_policy_refuses(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for _ in range(2):
        assert relevo(monkeypatch, "run", "flats") == 1
    (tmp_path / "again.toml").write_text("onnx_tolerance = -1.0\n")
    loop = open_loop("flats", settings)
    replayed = list(loop.replay_trained(tmp_path / "again.toml", lambda _: None))
    assert [result for result, _ in replayed] == [None, None]
    assert {decision.why for _, decision in replayed} == {
        "no champion yet; the first model is refused"
    }
