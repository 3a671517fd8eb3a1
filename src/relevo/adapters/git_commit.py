"""The commit that a use case is at, for the record of a training."""

import subprocess
from pathlib import Path

NO_COMMIT = "unknown"


def current_commit(folder: Path) -> str:
    """The checked-out commit, with `-dirty` where files differ from it; "unknown" outside Git."""
    # no tag is to stand for the commit: each is excluded
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        described = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return NO_COMMIT
    return described.stdout.strip()
