"""A disk that is really full: a clear error, and nothing lost once there is room again."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from relevo.app import Loop, open_loop
from relevo.domain.batch import Outcome
from relevo.errors import StoreUnavailable
from relevo.loop.run_batch import run_batch
from tests.loop.flats import flats_settings
from tests.loop.foreign import Foreign, serving, small_batches
from tests.servers import absent

BATCHES, ROWS = 3, 3_000
MOUNT = () if os.geteuid() == 0 else ("sudo", "-n")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = [
        *MOUNT,
        "mount",
        "-t",
        "tmpfs",
        "-o",
        f"size=48m,uid={os.geteuid()}",
        "tmpfs",
        str(folder),
    ]
    if (
        shutil.which(command[0]) is None
        or subprocess.run(command, capture_output=True).returncode
    ):
        absent(
            "A small disk",
            "run the tests as root, or as one who may `sudo mount` without a password",
        )
    yield folder
    subprocess.run([*MOUNT, "umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, left: int) -> Path:
    """A file that leaves `left` bytes free."""
    filler = disk / "filler"
    room = os.statvfs(disk)
    with filler.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, room.f_bavail * room.f_frsize - left)
    return filler


def work_on(loop: Loop) -> None:
    while run_batch(loop, lambda _: None):
        pass


@pytest.mark.parametrize(
    "left", [0, 100_000, 400_000, 700_000]
)  # full for the attempt, for what arrives, for its rows, for all that follows
def test_a_full_disk_is_said_and_nothing_is_lost_once_there_is_room(
    small_disk: Path, left: int
) -> None:
    with serving(Foreign(small_batches(BATCHES, ROWS), can_repeat=True)) as foreign:
        settings = flats_settings(small_disk, foreign.url, source_can_repeat=True)
        with open_loop("flats", settings).working("before") as loop:
            assert run_batch(loop, lambda _: None)
        filler = fill(small_disk, left)
        full = pytest.raises(StoreUnavailable, match=r"full|No space left")
        with full, open_loop("flats", settings).working("on a full disk") as loop:
            work_on(loop)
        filler.unlink()
        with open_loop("flats", settings).working("after") as loop:
            work_on(loop)
        batches = loop.warehouse.batches.of("flats")
    assert [(batch.number, batch.rows) for batch in batches] == [
        (number, ROWS) for number in range(BATCHES)
    ]
    assert not loop.warehouse.attempts.of(
        "flats", loop.source.name, Outcome.OPEN, Outcome.UNANSWERED, Outcome.LANDED
    )
