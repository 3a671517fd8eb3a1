"""A setting that makes no sense stops the start, and is named as people set it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from relevo.errors import InvalidSetting
from relevo.settings import Settings

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RELEVO_SOURCE_TRIES", "many"),
        ("RELEVO_SOURCE_TIMEOUT", "0"),
        ("RELEVO_RELOAD_URLS", "http://127.0.0.1:8989"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSetting, match=f"^{name}: "):
        Settings()


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEVO_SOURCE_TRIES", "0")
    monkeypatch.setenv("RELEVO_API_PORT", "none")
    with pytest.raises(InvalidSetting) as error:
        Settings()
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == [
        "RELEVO_SOURCE_TRIES",
        "RELEVO_API_PORT",
    ]


@pytest.mark.parametrize(
    "program", [("relevo", "cases"), ("relevo-inference-api",), ("relevo-ui",)]
)
def test_a_program_says_it_without_a_trace(
    program: tuple[str, ...], tmp_path: Path
) -> None:
    env = os.environ | {"RELEVO_SOURCE_TRIES": "many", "RELEVO_HOME": str(tmp_path)}
    ended = subprocess.run(
        [BIN / program[0], *program[1:]],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert "RELEVO_SOURCE_TRIES: " in ended.stderr
    assert "Traceback" not in ended.stderr
