"""`begin` clears the place for a new backup; `end` makes it the latest, by its time, and drops the oldest; `check`
fails where there is none to restore.
"""

from __future__ import annotations

import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path("/backups")


def begin(root: Path) -> None:
    shutil.rmtree(root / "incoming", ignore_errors=True)
    (root / "incoming").mkdir()


def end(root: Path, keep: int, now: datetime) -> Path:
    """The link moves last and at once: `latest` is a whole backup at any instant."""
    kept = root / now.strftime("%Y-%m-%dT%H-%M-%SZ")
    (root / "incoming").rename(kept)
    following = root / "latest.next"
    following.unlink(missing_ok=True)
    following.symlink_to(kept.name)
    following.replace(root / "latest")
    for old in sorted(root.glob("????-??-??T*Z"))[:-keep]:
        shutil.rmtree(old)
    return kept


def check(root: Path) -> Path:
    latest = root / "latest"
    if not latest.exists():
        raise SystemExit(f"{root} holds no backup; make one: k8s/run-now.sh backup")
    return latest.resolve()


if __name__ == "__main__":
    if sys.argv[1] == "begin":
        begin(ROOT)
    elif sys.argv[1] == "check":
        print(f"restoring {check(ROOT)}")
    else:
        print(
            f"{end(ROOT, int(os.environ['KEEP']), datetime.now(UTC))} is the latest backup"
        )
