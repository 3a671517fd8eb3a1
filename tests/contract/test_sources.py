"""What every source of batches promises, asked of the data API and of files."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relevo.adapters.file_source import FileSource
from relevo.adapters.http_source import HttpSource
from relevo.domain.arrival import SourceResponse
from relevo.domain.contract import Contract, date, number
from relevo.domain.use_case import SourceOptions
from relevo.errors import SourceError
from relevo.formats import read_rows
from relevo.ports.source import BatchSource
from tests.contract.data_servers import RightAnswers, answering
from tests.extending import own_source

SALES = Contract((number("price"), date("sold")), "price", ("sold",))
ROWS = [
    (1.0, "2020-01-05"),
    (2.0, "2020-01-20"),
    (3.0, "2020-02-01"),
    (4.0, "2020-02-29"),
    (5.0, "2020-03-01"),
    (6.0, "2020-03-31"),
]
BATCHES = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
LATER = datetime(2020, 4, 1, tzinfo=UTC)


def write_csv(path: Path, rows: list[tuple[float, str]] = ROWS) -> Path:
    path.write_text(
        "price,sold\n" + "".join(f"{price},{sold}\n" for price, sold in rows)
    )
    return path


def write_parquet(path: Path, rows: list[tuple[float, str]] = ROWS) -> Path:
    prices, dates = zip(*rows, strict=True)
    pq.write_table(
        pa.table({"price": prices, "sold": pa.array(dates).cast(pa.date32())}), path
    )
    return path


def http(tmp_path: Path) -> Iterator[BatchSource]:
    bodies = [
        "["
        + ",".join(f'{{"price":{p},"sold":"{d}"}}' for p, d in ROWS[i : i + 2])
        + "]"
        for i in (0, 2, 4)
    ]
    with answering(RightAnswers([body.encode() for body in bodies])) as url:
        yield HttpSource(url, 2, can_repeat=True, may_restart=True, timeout=5)


def csv_folder(tmp_path: Path) -> Iterator[BatchSource]:
    for start, name in ((4, "2020-03.csv"), (0, "2020-01.csv"), (2, "2020-02.csv")):
        write_csv(tmp_path / name, ROWS[start : start + 2])
    for ignored in (
        ".hidden.csv",
        "_draft.csv",
        "2020-00.csv.tmp",
        "2020-04.csv.part",
        "README.md",
    ):
        (tmp_path / ignored).write_text("not a batch")
    yield FileSource(tmp_path)


def mixed_folder(tmp_path: Path) -> Iterator[BatchSource]:
    write_parquet(tmp_path / "b1.parquet", ROWS[:2])
    write_csv(tmp_path / "b2.csv", ROWS[2:4])
    write_parquet(tmp_path / "b3.parquet", ROWS[4:])
    yield FileSource(tmp_path)


def csv_by_rows(tmp_path: Path) -> Iterator[BatchSource]:
    yield FileSource(write_csv(tmp_path / "sales.csv"), rows=2)


def csv_by_month(tmp_path: Path) -> Iterator[BatchSource]:
    rows = [ROWS[i] for i in (4, 0, 2, 5, 1, 3)]
    yield FileSource(
        write_csv(tmp_path / "sales.csv", rows),
        by="sold",
        every="month",
        now=lambda: LATER,
    )


def parquet_by_rows(tmp_path: Path) -> Iterator[BatchSource]:
    yield FileSource(write_parquet(tmp_path / "sales.parquet"), rows=2)


def parquet_by_month(tmp_path: Path) -> Iterator[BatchSource]:
    rows = [ROWS[i] for i in (4, 0, 2, 5, 1, 3)]
    yield FileSource(
        write_parquet(tmp_path / "sales.parquet", rows),
        by="sold",
        every="month",
        now=lambda: LATER,
    )


def brought_by_a_use_case(tmp_path: Path) -> Iterator[BatchSource]:
    (tmp_path / "exports").mkdir()
    for index in range(3):
        rows = ROWS[2 * index : 2 * index + 2]
        write_csv(tmp_path / "exports" / f"{index}.csv", rows)
    names: dict[str, Any] = {}
    exec(own_source(), names)
    options = SourceOptions(folder=tmp_path, url="", timeout=5)
    yield names["DailyExports"](options)


ALL = [
    http,
    csv_folder,
    mixed_folder,
    csv_by_rows,
    csv_by_month,
    parquet_by_rows,
    parquet_by_month,
    brought_by_a_use_case,
]


@pytest.fixture(params=ALL, ids=lambda make: make.__name__)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BatchSource]:
    make: Callable[[Path], Iterator[BatchSource]] = request.param
    yield from make(tmp_path)


def read(answer: SourceResponse | None) -> tuple[int, bytes, list[float]]:
    assert answer is not None
    content = b"".join(answer.chunks)
    reading = read_rows(io.BytesIO(content), answer.format, SALES, answer.number)
    prices = [price for chunk in reading for price in chunk.rows["price"].to_pylist()]
    assert reading.facts().bad_rows == 0
    return reading.facts().number, content, prices


def next_batch(
    source: BatchSource, after: int | None
) -> tuple[int, bytes, list[float]]:
    with source.next(after) as answer:
        return read(answer)


def test_batches_come_in_order_and_then_the_end(source: BatchSource) -> None:
    for due, expected in enumerate(BATCHES):
        batch_number, _, prices = next_batch(source, due - 1 if due else None)
        assert (batch_number, prices) == (due, expected)
    for _ in range(2):
        with source.next(2) as answer:
            assert answer is None


def test_a_batch_is_repeated_byte_for_byte_and_moves_nothing(
    source: BatchSource,
) -> None:
    assert source.can_repeat
    first = next_batch(source, None)
    for _ in range(2):
        with source.repeat(0) as answer:
            assert read(answer) == first
    assert next_batch(source, 0)[2] == BATCHES[1]


def test_a_batch_that_was_never_answered_is_not_repeated(source: BatchSource) -> None:
    with source.repeat(3) as answer:
        assert answer is None


def test_an_answer_nobody_read_is_no_hindrance(source: BatchSource) -> None:
    with source.next(None) as answer:
        assert answer is not None
    with source.repeat(0) as answer:
        assert read(answer)[2] == BATCHES[0]


def test_a_source_that_may_start_over_does_and_another_refuses(
    source: BatchSource,
) -> None:
    first = next_batch(source, None)
    if source.can_restart:
        source.restart()
        assert next_batch(source, None) == first
    else:
        with pytest.raises(SourceError, match="cursor"):
            source.restart()


def test_a_name_holds_no_secret_and_no_machines_path(source: BatchSource) -> None:
    assert "/" not in source.name
    assert (
        source.name == HttpSource("http://user:secret@host/?token=secret", 2).name
        or "files-" in source.name
    )
