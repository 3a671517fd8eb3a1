"""Commands as docs/kubernetes.md gives them to people: what it says is what is tested."""

from __future__ import annotations

import re
import subprocess

from tests.cluster.repository import ROOT

DOCUMENT = ROOT / "docs" / "kubernetes.md"


def run_documented(subject: str) -> str:
    """The block of commands that follows the bold subject, as a person would paste it, and what it prints."""
    found = re.search(
        rf"\*\*{re.escape(subject)}\*\*.*?```\n(.*?)```", DOCUMENT.read_text(), re.S
    )
    assert found, f"{DOCUMENT.name} gives no commands for {subject}"
    done = subprocess.run(
        ["bash", "-euc", found[1]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{found[1]}{done.stdout}{done.stderr}"
    return done.stdout
