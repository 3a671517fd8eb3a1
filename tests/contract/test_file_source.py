"""A table in files: no row is lost, no answered batch changes, and what cannot be read says so."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relevo.adapters import file_source
from relevo.adapters.file_source import FileSource
from relevo.adapters.table_file import TableFile, open_table_file
from relevo.domain.periods import Period
from relevo.errors import SourceError

NOW = datetime(2020, 3, 15, 12, tzinfo=UTC)


def batches(source: FileSource) -> list[bytes]:
    found: list[bytes] = []
    while True:
        with source.next(len(found) - 1 if found else None) as answer:
            if answer is None:
                return found
            found.append(b"".join(answer.chunks))


def csv(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(("x,day", *lines, "")))
    return path


def test_by_rows_the_rest_waits_until_it_fills_a_batch_or_the_file_is_finished(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = csv(tmp_path / "t.csv", *(f"{i},2020-01-01" for i in range(5)))
    source = FileSource(path, rows=2)
    two = batches(source)
    assert len(two) == 2
    assert "1 rows wait" in caplog.text
    with path.open("a") as file:
        file.write("5,2020-01-01\n6,2020-01-01\n")
    three = batches(source)
    assert three[:2] == two
    assert three[2] == b"x,day\n4,2020-01-01\n5,2020-01-01\n"
    (tmp_path / "t.csv.finished").touch()
    assert batches(source) == [*three, b"x,day\n6,2020-01-01\n"]


@pytest.mark.parametrize(
    ("every", "over"),
    [("day", ["a", "b", "c", "d", "e", "f"]), ("week", ["a", "bc"]), ("month", ["a"])],
)
def test_a_period_is_answered_once_it_is_over(
    tmp_path: Path, every: Period, over: list[str]
) -> None:
    """It is noon of Sunday 15 March; its week began on Monday 9."""
    days = {
        "g": "2020-03-15",
        "b": "2020-03-02",
        "a": "2020-02-29",
        "f": "2020-03-14",
        "c": "2020-03-08T23:59:59",
    }
    days |= {"d": "2020-03-09", "e": "2020-03-13", "h": "2020-03-16"}
    path = csv(tmp_path / "t.csv", *(f"{name},{day}" for name, day in days.items()))
    source = FileSource(path, by="day", every=every, now=lambda: NOW)
    assert [
        "".join(line[:1] for line in batch.decode().splitlines()[1:])
        for batch in batches(source)
    ] == over
    (tmp_path / "t.csv.finished").touch()
    assert sum(len(batch.splitlines()) - 1 for batch in batches(source)) == len(days)


def test_a_row_without_a_date_goes_with_the_row_before_it_and_the_order_of_equal_dates_stays(
    tmp_path: Path,
) -> None:
    path = csv(
        tmp_path / "t.csv",
        "z,",
        "b,2020-02-01",
        "c,soon",
        "a,2020-01-01",
        "d,2020-01-01",
        "e,",
    )
    source = FileSource(path, by="day", every="month", now=lambda: NOW)
    assert batches(source) == [
        b"x,day\na,2020-01-01\nd,2020-01-01\ne,\n",
        b"x,day\nz,\nb,2020-02-01\nc,soon\n",
    ]


def test_a_file_without_cuts_is_one_batch(tmp_path: Path) -> None:
    path = csv(tmp_path / "t.csv", "1,2020-01-01", "2,2020-01-01")
    assert batches(FileSource(path)) == [path.read_bytes()]
    assert batches(FileSource(csv(tmp_path / "empty.csv"))) == []


def test_rows_are_handed_on_byte_for_byte_whatever_is_in_them(tmp_path: Path) -> None:
    rows = ['"a;\n""quoted""";é', "b;1", "\xa0;2\r", "last;3"]
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfx;day\n\n" + "\n".join(rows).encode())
    found = batches(FileSource(path, rows=1))
    assert found == [b"\xef\xbb\xbfx;day\n" + row.encode() + b"\n" for row in rows]


def test_a_file_is_read_once_for_all_its_batches_and_again_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []

    def counted(path: Path, column: str | None) -> TableFile:
        opened.append(path)
        return open_table_file(path, column)

    monkeypatch.setattr(file_source, "open_table_file", counted)
    path = csv(tmp_path / "t.csv", *(f"{i},2020-01-01" for i in range(50)))
    source = FileSource(path, rows=1)
    assert len(batches(source)) == 50
    assert len(opened) == 1
    csv(path, "1,2020-01-01")
    assert len(batches(source)) == 1
    assert len(opened) == 2


def test_instants_finer_than_a_microsecond_cut_a_parquet_file_too(
    tmp_path: Path,
) -> None:
    days = pa.array(
        [1_577_836_800_000_000_001, None, 1_580_515_200_000_000_000],
        pa.timestamp("ns", "UTC"),
    )
    pq.write_table(pa.table({"day": days}), tmp_path / "t.parquet")
    assert (
        len(
            batches(
                FileSource(
                    tmp_path / "t.parquet", by="day", every="month", now=lambda: NOW
                )
            )
        )
        == 2
    )


def test_a_files_batches_have_its_name_wherever_it_lies(tmp_path: Path) -> None:
    assert FileSource(tmp_path / "sales.csv").name == "files-sales.csv"
    assert FileSource("data/").name == "files-data"


@pytest.mark.parametrize(
    ("name", "content", "cut", "why"),
    [
        ("gone.csv", None, {}, "No such file.*check path"),
        ("t.xlsx", b"x", {}, "neither CSV nor Parquet"),
        (
            "t.csv",
            b"x\n1\n",
            {"by": "day", "every": "month"},
            "no column 'day'.*one of x",
        ),
        (
            "t.csv",
            b"x,day\n1,soon\n",
            {"by": "day", "every": "month"},
            "no row has a date",
        ),
        ("t.parquet", b"x,day\n1,soon\n", {}, "cannot be read.*Parquet"),
    ],
)
def test_what_cannot_be_read_is_named_with_what_to_do(
    tmp_path: Path, name: str, content: bytes | None, cut: dict[str, str], why: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=why) as refused:
        batches(FileSource(path, **cut))
    assert str(path) in str(refused.value)


def test_a_file_in_a_folder_that_may_be_a_batch_and_is_not_readable_is_an_error(
    tmp_path: Path,
) -> None:
    csv(tmp_path / "1.csv", "1,2")
    (tmp_path / "2.csv.gz").write_bytes(b"x")
    with pytest.raises(SourceError, match=r"2.csv.gz is neither"):
        batches(FileSource(tmp_path))


@pytest.mark.parametrize(
    "cut",
    [
        {"by": "day"},
        {"every": "day"},
        {"by": "day", "every": "day", "rows": 5},
        {"rows": 0},
    ],
)
def test_cuts_that_contradict_each_other_are_refused_at_once(
    cut: dict[str, object],
) -> None:
    with pytest.raises(SourceError, match=r"t\.csv"):
        FileSource("t.csv", **cut)


def test_a_folder_is_not_cut(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="a file is a batch"):
        batches(FileSource(tmp_path, rows=5))
