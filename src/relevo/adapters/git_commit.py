"""The commit that a use case is at, for the record of a training."""

import subprocess
from pathlib import Path

UNKNOWN = "unknown"


def current_commit(folder: Path) -> str:
    """The checked-out commit, with `-dirty` where files differ from it; "unknown" outside Git."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],  # noqa: S607
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN
    return described.stdout.strip()
