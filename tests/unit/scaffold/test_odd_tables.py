"""Every odd table becomes a use case that loads, and whose batches hold no bad row that is not truly bad."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relevo.domain.kinds import Kind
from tests.unit.scaffold.tables import columns, day, make, noise, some, write

NAMES = [
    "floor area", "größe", "it's", 'a"b', "a.b", "hours[week]", "class", "1st", "x" * 70, "Price", "price ", "a=b",
    "a,b", "%s", "{brace}", "back\\slash", "Position", "日本語の列名", "ΑΒΓ", "🏠", "None", "_line", "<x>",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_column_may_have_any_name(tmp_path: Path, name: str) -> None:
    table = write(
        tmp_path / "t.csv",
        [name, "other", "y"],
        columns(80, some(1, 2, 3), noise, noise),
    )
    made = make(tmp_path, table, "y")
    assert name.strip() in made.case.features
    assert not made.bad


@pytest.mark.parametrize("name", NAMES)
def test_a_target_may_have_any_name(tmp_path: Path, name: str) -> None:
    made = make(
        tmp_path,
        write(
            tmp_path / "t.csv",
            ["a", "b", name],
            columns(80, noise, some(*"xyz"), noise),
        ),
        name,
    )
    assert made.case.contract.target == name.strip()
    assert not made.bad


@pytest.mark.parametrize("name", ["batch_id", "position", "identity", "side", "_rest"])
def test_names_that_relevo_uses_itself_are_left_out_and_said(
    tmp_path: Path, name: str
) -> None:
    made = make(
        tmp_path,
        write(tmp_path / "t.csv", [name, "b", "y"], columns(80, noise, noise, noise)),
        "y",
    )
    assert [column.name for column in made.case.contract] == ["b", "y"]
    assert f"{name}: left out of the contract" in made.report


def test_names_that_differ_by_capitals_alone_are_both_kept(tmp_path: Path) -> None:
    made = make(
        tmp_path,
        write(tmp_path / "t.csv", ["ID", "Id", "y"], columns(80, noise, noise, noise)),
        "y",
    )
    assert made.case.features == ("ID", "Id")


def test_a_column_without_a_name_is_left_out(tmp_path: Path) -> None:
    rows = columns(80, lambda _, i: i, noise, noise)
    made = make(tmp_path, write(tmp_path / "t.csv", ["", "b", "y"], rows), "y")
    assert made.case.features == ("b",)
    assert "without a name" in made.report


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_any_delimiter_and_a_byte_order_mark_are_read(
    tmp_path: Path, delimiter: str, encoding: str
) -> None:
    rows = columns(100, noise, some("à", "b;,|"), noise)
    made = make(
        tmp_path,
        write(tmp_path / "t.csv", ["größe", "b", "y"], rows, delimiter, encoding),
        "y",
    )
    assert made.case.features == ("größe", "b")
    assert sum(made.batches) == 100
    assert not made.bad


@pytest.mark.parametrize(
    "gap", ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "<NA>"]
)
def test_gaps_are_gaps_in_every_kind(tmp_path: Path, gap: str) -> None:
    makers = [
        some(1.5, 2.25, gap),
        some(1, 2, 3, gap),
        some("true", "false", gap),
        some("2024-01-02", "2023-05-06", gap),
    ]
    rows = columns(
        300, *makers, some("a", "b", gap), some("00601", "10002", gap), noise
    )
    made = make(tmp_path, write(tmp_path / "t.csv", [*"nibdct", "y"], rows), "y")
    kinds = [made.case.contract[name].kind for name in "nibdct"]
    assert kinds == [
        Kind.NUMBER,
        Kind.INTEGER,
        Kind.BOOLEAN,
        Kind.DATE,
        Kind.CATEGORY,
        Kind.CODE,
    ]
    assert all(made.case.contract[name].nullable for name in "nibdct")
    assert not made.bad


@pytest.mark.parametrize("mark", ["?", "-", "--", ".", "?!"])
def test_punctuation_alone_is_a_gap_in_numbers_and_dates_and_a_word_among_words(
    tmp_path: Path, mark: str
) -> None:
    makers = [
        some(1.5, 2.25, mark),
        some("2024-01-02", "2023-05-06", mark),
        some("a", "b", mark),
        noise,
    ]
    made = make(
        tmp_path,
        write(tmp_path / "t.csv", [*"ndc", "y"], columns(300, *makers), ";"),
        "y",
    )
    assert [made.case.contract[name].kind for name in "ndc"] == [
        Kind.NUMBER,
        Kind.DATE,
        Kind.CATEGORY,
    ]
    assert not made.bad


@pytest.mark.parametrize("mark", ["None", "missing"])
def test_a_mark_for_a_gap_that_ingest_does_not_know_is_said(
    tmp_path: Path, mark: str
) -> None:
    often = columns(
        200,
        lambda dice, _: mark if dice.random() < 0.3 else round(dice.random(), 3),
        noise,
        noise,
    )
    made = make(tmp_path, write(tmp_path / "t.csv", ["x", "b", "y"], often, ";"), "y")
    assert not made.bad
    assert f"with {mark!r} for a gap" in made.report


def test_rare_odd_cells_are_quarantined_and_the_column_stays_a_number(
    tmp_path: Path,
) -> None:
    rows = columns(
        400, lambda dice, i: "oops" if i == 77 else round(dice.random(), 3), noise
    )
    made = make(tmp_path, write(tmp_path / "t.csv", ["x", "y"], rows), "y")
    assert made.case.contract["x"].kind is Kind.NUMBER
    assert [cell.value for cell in made.bad] == ["oops"]
    assert "'oops'" in made.report
    assert "1 of 400 rows" in made.report


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        (["yes", "no"], Kind.BOOLEAN),
        (["True", "FALSE"], Kind.BOOLEAN),
        (["0", "1"], Kind.BOOLEAN),
        (["Y", "N"], Kind.CATEGORY),
        (["t", "f"], Kind.CATEGORY),
        (["00601", "10027"], Kind.CODE),
        (["007", "0045"], Kind.CATEGORY),
        (["1", "2", "3a"], Kind.CATEGORY),
        (["1e3", "-2.5", ".5"], Kind.NUMBER),
        ([" 12", "13 ", "+14"], Kind.INTEGER),
        (["2024-01-31", "2023-12-01"], Kind.DATE),
        (["2024-01-31 10:00:00", "2023-12-01T09:00:00Z"], Kind.DATE),
        (["20240131", "20231201T000000"], Kind.DATE),
        (["$1,200", "$900"], Kind.CATEGORY),
        (["12 %", "30 %"], Kind.CATEGORY),
        (["1.200,50", "900,10"], Kind.CATEGORY),
        (["99999999999999999999", "99999999999999999998"], Kind.NUMBER),
        (["115292150460684697", "3"], Kind.INTEGER),
        (["0001-01-01", "9999-12-31", "2024-01-01"], Kind.DATE),
        (["0x1f", "0x2f"], Kind.CATEGORY),
        (["inf", "1.5"], Kind.CATEGORY),
    ],
)
def test_cells_are_read_as_the_kind_that_ingest_accepts(
    tmp_path: Path, written: list[str], kind: Kind
) -> None:
    made = make(
        tmp_path,
        write(
            tmp_path / "t.csv",
            ["x", "b", "y"],
            columns(300, some(*written), noise, noise),
        ),
        "y",
    )
    assert made.case.contract["x"].kind is kind
    assert not made.bad


@pytest.mark.parametrize(
    ("pattern", "order"),
    [
        ("%d/%m/%Y", "day first"),
        ("%m/%d/%Y", "month first"),
        ("%d.%m.%y", "day first"),
        ("%Y/%m/%d", "year first"),
    ],
)
def test_dates_that_are_not_iso_are_kept_as_text_with_the_order_said(
    tmp_path: Path, pattern: str, order: str
) -> None:
    rows = columns(200, lambda _, i: day(i).strftime(pattern), noise, noise)
    made = make(tmp_path, write(tmp_path / "t.csv", ["when", "b", "y"], rows), "y")
    assert made.case.contract["when"].kind is Kind.TEXT
    assert order in made.report
    assert made.case.features == ("b",)


def test_dates_that_no_row_tells_apart_are_said_to_be_so(tmp_path: Path) -> None:
    rows = columns(90, some("01/02/2024", "03/04/2024"), noise, noise)
    assert (
        "which no row tells"
        in make(tmp_path, write(tmp_path / "t.csv", ["d", "b", "y"], rows), "y").report
    )


def test_a_kind_that_fails_outside_the_sample_is_put_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relevo.scaffold.sample.MOST_ROWS", 60)
    monkeypatch.setattr("relevo.scaffold.sample.LEAST_ROWS", 60)
    rows = columns(
        1000,
        lambda _, i: 2.5 if i == 501 else i % 7,
        lambda _, i: "A1" if i == 777 else "00601",
        noise,
    )
    made = make(tmp_path, write(tmp_path / "t.csv", ["x", "z", "y"], rows), "y")
    assert made.case.contract["x"].kind is Kind.NUMBER
    assert made.case.contract["z"].kind is Kind.CATEGORY
    assert not made.bad


def test_parquet_of_every_type_is_read(tmp_path: Path) -> None:
    dice, count = random.Random(3), 300
    arrays = {
        "int": pa.array([dice.randint(0, 50) for _ in range(count)], pa.int16()),
        "float": pa.array(
            [None if i % 9 == 0 else dice.random() for i in range(count)]
        ),
        "nan": pa.array(
            [float("nan") if i % 9 == 0 else dice.random() for i in range(count)],
            pa.float32(),
        ),
        "bool": pa.array([dice.random() < 0.5 for _ in range(count)]),
        "date": pa.array([day(i) for i in range(count)], pa.date32()),
        "time": pa.array([day(dice.randint(0, 999)) for _ in range(count)]).cast(
            pa.timestamp("ns", "UTC")
        ),
        "word": pa.array(
            [dice.choice("abc") for _ in range(count)]
        ).dictionary_encode(),
        "zip_code": pa.array([dice.randint(601, 99999) * 1.0 for _ in range(count)]),
        "numbers": pa.array(
            [str(dice.randint(1, 9)) for _ in range(count)], pa.large_string()
        ),
        "money": pa.array(
            [Decimal(dice.randint(1, 9999)) / 100 for _ in range(count)],
            pa.decimal128(20, 4),
        ),
        "list": pa.array([[1, 2]] * count),
        "bytes": pa.array([b"x"] * count),
        "none": pa.nulls(count),
        "position": pa.array(range(count)),
        "y": pa.array([dice.gauss(0, 1) for _ in range(count)]),
    }
    pq.write_table(pa.table(arrays), tmp_path / "t.parquet")
    made = make(tmp_path, tmp_path / "t.parquet", "y")
    assert not made.bad
    kinds = {column.name: column.kind for column in made.case.contract}
    assert kinds == {
        "int": Kind.INTEGER, "float": Kind.NUMBER, "nan": Kind.NUMBER, "bool": Kind.BOOLEAN, "date": Kind.DATE,
        "time": Kind.DATE, "word": Kind.CATEGORY, "zip_code": Kind.CODE, "numbers": Kind.CATEGORY,
        "money": Kind.NUMBER, "none": Kind.TEXT, "y": Kind.NUMBER,
    }  # fmt: skip
    assert len(made.batches) >= 3


def test_two_rows_are_enough_to_begin(tmp_path: Path) -> None:
    made = make(
        tmp_path, write(tmp_path / "t.csv", ["a", "y"], [[1, 1.5], [2, 3.5]]), "y"
    )
    assert made.batches == [2]
    assert "few" in made.report


def test_a_few_ragged_rows_are_quarantined_and_named(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", ["a", "y"], columns(300, noise, noise))
    with table.open("a") as file:
        file.write("1,2,3\n")
    made = make(tmp_path, table, "y")
    assert len({cell.position for cell in made.bad}) <= 1
    assert "row 301 has 3 fields, the header 2" in made.report
