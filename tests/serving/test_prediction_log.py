"""The prediction log: nothing that was appended is lost or doubled, and nothing waits for what is away."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from relevo.adapters.objects.folder_store import FolderStore
from relevo.adapters.sql.predictions import SqlPredictions
from relevo.errors import LogHeld, LogUnwritable
from relevo.serving.log.prediction_log import Limits, PredictionLog, Waiting
from tests.file_size_limit import file_size_limit
from tests.serving.lines import in_database, in_objects, line, make_tables, new_receipt

QUICK: dict[str, Any] = {"database_seconds": 0.01, "objects_seconds": 0.01}
LONG = 60.0  # for what ends by itself much earlier


class Place:
    """A folder for the log, a SQLite database and a folder of objects."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log_folder = path / "log" / "prod" / "flats"
        self.url = f"sqlite:///{path / 'warehouse.db'}"
        self.database = SqlPredictions(self.url)
        self.objects = FolderStore(path / "objects")

    def log(self, **limits: Any) -> PredictionLog:
        return PredictionLog(
            self.path / "log",
            "flats",
            "prod",
            self.database,
            self.objects,
            Limits(**(QUICK | limits)),
        )

    def segments(self) -> list[Path]:
        return sorted(self.log_folder.glob("*-*.jsonl"))

    def bring_database(self) -> None:
        make_tables(self.url)

    def take_objects_away(self) -> None:
        (self.path / "objects").write_text("in the way")

    def bring_objects_back(self) -> None:
        (self.path / "objects").unlink()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Its database has no tables yet, so it is as good as away."""
    place = Place(tmp_path)
    yield place
    place.database.close()


def append(log: PredictionLog, count: int) -> Counter[str]:
    receipts = [new_receipt() for _ in range(count)]
    for receipt in receipts:
        log.append(line(receipt))
    return Counter(receipts)


def append_until_refused(log: PredictionLog, receipts: Counter[str]) -> None:
    while True:
        log.append(line(receipt := new_receipt()))
        receipts[receipt] += 1


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_lines_arrive_once_in_both_places_and_leave_nothing(place: Place) -> None:
    place.bring_database()
    log = place.log()
    log.start()
    receipts = append(log, 500)
    more = [new_receipt() for _ in range(100)]
    log.append(b"".join(line(receipt) for receipt in more))
    log.close(LONG)
    assert (
        in_database(place.database)
        == in_objects(place.objects)
        == receipts + Counter(more)
    )
    assert place.segments() == []
    assert log.waiting() == Waiting(0, 0, 0.0)
    assert [shipper.shipped_rows for shipper in log.shippers] == [600, 600]


def test_each_flush_is_an_object_of_its_day(place: Place) -> None:
    place.bring_database()
    log = place.log(flush_bytes=1000)
    receipts = append(log, 50)
    begun = place.segments()[0].stem
    log.start()
    log.close(LONG)
    keys = place.objects.list("")
    assert len(keys) > 10
    day = f"{begun[:4]}-{begun[4:6]}-{begun[6:8]}"
    assert keys[0] == f"predictions/prod/flats/{day}/{begun}-0000000000.jsonl"
    assert in_objects(place.objects) == receipts


def test_a_prediction_that_was_not_shipped_is_found_here(place: Place) -> None:
    log = place.log()
    (receipt,) = append(log, 1)
    append(log, 1000)
    assert log.find(receipt) == json.loads(line(receipt)) | {
        "at": (log.find(receipt) or {})["at"]
    }
    for other in (new_receipt(), "", "no receipt", "f" * 32):
        assert log.find(other) is None
    log.close(0)
    place.bring_database()
    log = place.log()
    assert (log.find(receipt) or {})["receipt"] == receipt
    log.start()
    log.close(LONG)
    assert log.find(receipt) is None


def test_an_input_that_quotes_a_receipt_is_not_taken_for_it(place: Place) -> None:
    log = place.log()
    other = new_receipt()
    log.append(line(new_receipt(), input={"receipt": other}))
    assert log.find(other) is None
    log.append(line(other))
    found = log.find(other)
    assert found is not None
    assert found["receipt"] == other
    log.close(0)


def test_waiting_tells_rows_bytes_and_the_age_of_the_oldest(place: Place) -> None:
    log = place.log()
    assert log.waiting() == Waiting(0, 0, 0.0)
    lines = line(new_receipt(), at="2026-01-01T00:00:00.000000Z") + line(new_receipt())
    log.append(lines)
    waiting = log.waiting()
    assert (waiting.rows, waiting.bytes) == (2, len(lines))
    assert waiting.oldest_seconds > 24 * 3600
    log.close(0)
    log = place.log()
    log.start()
    until(lambda: log.waiting().rows == 2 and log.shippers[1].shipped_rows == 2)
    assert log.waiting().bytes == len(lines)
    log.close(0)


def test_a_database_that_is_away_holds_up_no_object(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    log = place.log()
    log.start()
    receipts = append(log, 100)
    until(
        lambda: in_objects(place.objects) == receipts and log.shippers[0].failures > 0
    )
    assert "no tables for predictions" in log.shippers[0].error
    assert log.shippers[1].error == ""
    place.bring_database()
    log.close(LONG)
    assert in_database(place.database) == receipts
    assert log.shippers[0].error == ""


def test_objects_that_are_away_hold_up_no_database(place: Place) -> None:
    place.bring_database()
    place.take_objects_away()
    log = place.log()
    log.start()
    receipts = append(log, 100)
    until(
        lambda: in_database(place.database) == receipts and log.shippers[1].failures > 0
    )
    place.bring_objects_back()
    log.close(LONG)
    assert in_objects(place.objects) == receipts


@pytest.mark.parametrize("process", ["the same", "the next"])
def test_a_flush_in_doubt_is_repeated_as_it_was(place: Place, process: str) -> None:
    """Its first try may have arrived, or may still be on its way: other lines under its key would be lost by it."""
    place.bring_database()
    place.take_objects_away()
    log = place.log()
    log.start()
    first, second = ([new_receipt() for _ in range(3)] for _ in range(2))
    log.append(b"".join(line(receipt) for receipt in first))
    until(lambda: log.shippers[1].failures > 0)
    log.append(b"".join(line(receipt) for receipt in second))
    if process == "the next":
        log.close(0)
        log = place.log()
        log.start()
    place.bring_objects_back()
    log.close(LONG)
    keys = place.objects.list("")
    sent = [
        [json.loads(each)["receipt"] for each in (place.path / "objects" / key).open()]
        for key in keys
    ]
    assert sent == [first, second]


def test_an_outage_is_told_once_however_often_it_is_tried(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    log = place.log()
    log.start()
    append(log, 1)
    until(lambda: log.shippers[0].failures >= 3)
    place.bring_database()
    log.close(LONG)
    told = [
        record.getMessage()
        for record in caplog.records
        if record.name == "relevo.serving.log.shipper"
    ]
    assert len(told) == 2
    assert "lines wait for the database" in told[0]
    assert "lines go to the database again" in told[1]


def test_closing_ships_to_the_objects_though_the_database_is_away(place: Place) -> None:
    log = place.log(objects_seconds=1000.0)
    log.start()
    until(lambda: log.shippers[0].is_alive() and log.shippers[1].is_alive())
    receipts = append(log, 100)
    log.close(2)
    assert in_objects(place.objects) == receipts
    place.bring_database()
    log = place.log()
    log.start()
    log.close(LONG)
    assert in_database(place.database) == in_objects(place.objects) == receipts
    assert place.segments() == []


def test_a_log_that_was_never_started_is_closed_and_taken_over(place: Place) -> None:
    place.bring_database()
    log = place.log()
    receipts = append(log, 10)
    log.close(LONG)
    with pytest.raises(LogUnwritable, match="closed"):
        log.append(line(new_receipt()))
    log = place.log()
    log.start()
    log.close(LONG)
    assert in_database(place.database) == receipts


def test_two_processes_cannot_share_a_folder(place: Place) -> None:
    log = place.log()
    with pytest.raises(
        LogHeld, match=r"log/prod/flats: another process.*a folder of its own"
    ):
        place.log()
    log.close(0)
    place.log().close(0)


@pytest.mark.parametrize(
    "torn",
    [b'{"receipt":"01', b"\0" * 5000, b'{"receipt":"01"}' + b"\0" * 9 + b"\n{}\n"],
)
def test_half_a_line_is_cut_off_loudly(
    place: Place, torn: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    place.bring_database()
    log = place.log()
    receipts = append(log, 10)
    log.close(0)
    with place.segments()[0].open("ab") as file:
        file.write(torn)
    log = place.log()
    assert f"{len(torn)} bytes are cut off" in caplog.text
    receipts += append(log, 10)
    log.start()
    log.close(LONG)
    assert in_database(place.database) == in_objects(place.objects) == receipts


def test_a_full_disk_is_named_and_leaves_no_half_line(place: Place) -> None:
    place.bring_database()
    log = place.log()
    receipts = append(log, 3)
    with file_size_limit(place.segments()[0].stat().st_size + 100):
        for _ in range(3):
            with pytest.raises(LogUnwritable, match=f"{place.log_folder}: .*"):
                log.append(line(new_receipt()))
    receipts += append(log, 3)
    log.start()
    log.close(LONG)
    assert in_database(place.database) == in_objects(place.objects) == receipts


def test_a_log_at_its_limit_says_so_and_goes_on_once_it_is_shipped(
    place: Place,
) -> None:
    log = place.log(segment_bytes=1000, most_bytes=5000)
    receipts = append(log, 10)
    with pytest.raises(
        LogUnwritable,
        match=r"5,000 bytes wait to be shipped, which is its limit; bring the database",
    ):
        append_until_refused(log, receipts)
    assert receipts.total() > 10
    log.start()
    place.bring_database()
    until(lambda: log.waiting().rows == 0 and len(place.segments()) <= 1)
    receipts += append(log, 10)
    log.close(LONG)
    assert in_database(place.database) == in_objects(place.objects) == receipts


def test_a_line_longer_than_a_flush_or_a_segment_is_shipped_whole(place: Place) -> None:
    place.bring_database()
    log = place.log(segment_bytes=1000, flush_bytes=100)
    receipt = new_receipt()
    log.append(line(receipt, input={"text": "x" * 3_000_000}))
    receipts = append(log, 10)
    assert log.find(receipt) is not None
    log.start()
    log.close(LONG)
    assert (
        in_database(place.database)
        == in_objects(place.objects)
        == receipts + Counter([receipt])
    )


def test_a_line_that_the_database_refuses_is_kept_aside(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.bring_database()
    log = place.log()
    receipts = append(log, 20)
    log.append(b'{"receipt":"broken",\n')
    receipts += append(log, 21)
    log.start()
    until(lambda: log.shippers[0].refused_rows == 1)
    log.close(LONG)
    assert in_database(place.database) == receipts
    (kept,) = (place.log_folder / "refused").iterdir()
    assert kept.read_bytes() == b'{"receipt":"broken",\n'
    assert f"the line is kept in {kept}" in caplog.text
    objects = b"".join(
        (place.path / "objects" / key).read_bytes() for key in place.objects.list("")
    )
    assert b'{"receipt":"broken",\n' in objects


def test_old_segments_give_way_to_new_ones(place: Place) -> None:
    place.bring_database()
    log = place.log(segment_age=timedelta(0))
    log.start()
    receipts = append(log, 1)
    until(lambda: place.segments() == [])
    receipts += append(log, 1)
    log.close(LONG)
    assert in_database(place.database) == in_objects(place.objects) == receipts


def test_names_go_on_though_the_clock_does_not(place: Place) -> None:
    place.bring_database()
    log = place.log()
    log.start()
    receipts = append(log, 1)
    log.close(LONG)
    for name in ("database", "object-store"):
        (place.log_folder / f"{name}.json").write_text(
            json.dumps(
                {"segment": "20990101T000000000000-ffffffff", "offset": 1, "claimed": 1}
            )
        )
    log = place.log()
    receipts += append(log, 1)
    assert place.segments()[0].name.startswith("20990101T000000000001-")
    log.start()
    log.close(LONG)
    assert in_database(place.database) == in_objects(place.objects) == receipts


def test_a_damaged_bookmark_is_named_with_what_to_do(place: Place) -> None:
    place.log().close(0)
    (place.log_folder / "database.json").write_text("{")
    with pytest.raises(
        LogUnwritable, match=r"database.json: .*restore it, or delete it"
    ):
        place.log()


def test_every_segment_that_a_power_cut_could_reach_is_mended(place: Place) -> None:
    log = place.log(segment_bytes=1000)
    receipts = append(log, 20)
    log.close(0)
    old, *young = place.segments()
    os.utime(old, (0, 0))
    for path in young:
        with path.open("ab") as file:
            file.write(b"half")
    place.bring_database()
    log = place.log()
    log.start()
    log.close(LONG)
    assert in_database(place.database) == in_objects(place.objects) == receipts


def test_a_folder_that_cannot_be_made_is_named(place: Place) -> None:
    (place.path / "log").write_text("in the way")
    with pytest.raises(LogUnwritable, match=r"log/prod/flats: .*check the folder"):
        place.log()


def test_threads_may_append_at_once(place: Place) -> None:
    place.bring_database()
    log = place.log(segment_bytes=5000)
    log.start()
    receipts: list[Counter[str]] = []
    threads = [
        threading.Thread(target=lambda: receipts.append(append(log, 300)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close(LONG)
    assert (
        in_database(place.database)
        == in_objects(place.objects)
        == sum(receipts, Counter())
    )


def test_characters_that_no_database_can_hold_stays_whole_in_the_objects(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.bring_database()
    log = place.log()
    receipt = new_receipt()
    log.append(line(receipt, input={"city": "a\0b"}))
    log.start()
    log.close(LONG)
    assert (place.database.find(receipt) or {})["input"] == {"city": "a\ufffdb"}
    (key,) = place.objects.list("")
    assert b"a\\u0000b" in (place.path / "objects" / key).read_bytes()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
