"""Settings from the environment; a wrong one stops the start, by name."""

import os
import subprocess
import sys

import pytest
from pydantic import ValidationError
from relevo_data_api import groups
from relevo_data_api.errors import SourceUnusable
from relevo_data_api.settings import DataApiSettings


@pytest.fixture(autouse=True)
def no_settings_in_the_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("RELEVO_DATA_API_")]:
        monkeypatch.delenv(name)


def test_by_default_group_2_serves_the_campaign_and_the_others_king_county():
    settings = DataApiSettings()
    assert settings.groups[2] == "campaign"
    assert {n: s for n, s in settings.groups.items() if n != 2} == dict.fromkeys(
        [1, *range(3, 11)], "king-county"
    )
    assert (settings.host, settings.port, str(settings.state_dir)) == (
        "127.0.0.1",
        8000,
        ".relevo/data-api",
    )


def test_groups_and_sizes_are_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("RELEVO_DATA_API_GROUPS", " 1=campaign, 7=king-county ")
    monkeypatch.setenv("RELEVO_DATA_API_BATCH_ROWS", "500")
    monkeypatch.setenv("RELEVO_DATA_API_CAMPAIGN_SCALE", "0.5")
    settings = DataApiSettings()
    assert settings.groups == {1: "campaign", 7: "king-county"}
    assert (settings.batch_rows, settings.campaign_scale) == (500, 0.5)


def test_an_empty_variable_means_the_default(monkeypatch):
    monkeypatch.setenv("RELEVO_DATA_API_BATCH_ROWS", "")
    assert DataApiSettings().batch_rows is None


@pytest.mark.parametrize(
    "value",
    ["1", "1=mars", "one=campaign", "1=campaign,1=king-county", ",", "=campaign"],
)
def test_groups_that_make_no_sense_are_refused(monkeypatch, value):
    monkeypatch.setenv("RELEVO_DATA_API_GROUPS", value)
    with pytest.raises(ValidationError, match="groups"):
        DataApiSettings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BATCH_ROWS", "0"),
        ("CAMPAIGN_SCALE", "0"),
        ("CAMPAIGN_SCALE", "1.5"),
        ("PORT", "tcp://x"),
    ],
)
def test_a_value_out_of_range_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(f"RELEVO_DATA_API_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        DataApiSettings()


def test_a_wrong_setting_stops_the_start_and_is_named():
    environment = os.environ | {
        "RELEVO_DATA_API_PORT": "tcp://10.0.0.1:8000",
        "RELEVO_DATA_API_GROUPS": "1=mars",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "relevo_data_api"],
        env=environment,
        capture_output=True,
        timeout=20,
    )
    assert ended.returncode == 1
    assert b"RELEVO_DATA_API_PORT: " in ended.stderr
    assert b"RELEVO_DATA_API_GROUPS: " in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_a_state_directory_that_cannot_be_made_stops_the_start(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SourceUnusable, match="state_dir"):
        groups.open_groups(DataApiSettings(state_dir=tmp_path / "file" / "state"))
