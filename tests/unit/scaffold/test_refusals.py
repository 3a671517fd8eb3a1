"""What cannot become a use case is refused with the subject, the value and the remedy; nothing is left behind."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from relevo.cli.app import app
from relevo.errors import RelevoError
from relevo.scaffold import new_case
from tests.unit.scaffold.tables import columns, make, noise, settings_in, some, write

GOOD = "a,y\n" + "\n".join(f"{i % 7},{i * 1.5}" for i in range(60)) + "\n"


def refused(
    folder: Path,
    text: str | bytes,
    target: str = "y",
    name: str = "case",
    file: str = "t.csv",
) -> str:
    table = folder / file
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RelevoError) as error:
        new_case(name, table, target, folder / "use_cases")
    assert not (folder / "use_cases" / name).exists()
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "target", "said"),
    [
        ("", "y", "is empty"),
        ("a,y\n", "y", "has 0 rows"),
        ("a,y\n1,2\n", "y", "has 1 rows"),
        ("\na,y\n1,2\n", "y", "begins with a blank line"),
        ("y\n1\n2\n3\n", "y", "nothing to predict it from"),
        ("a,y,a\n1,2,3\n4,5,6\n", "y", "2 columns named 'a' (the 1, 3. of its header)"),
        ("Prise,area\n1,2\n4,5\n", "price", "did you mean 'Prise'?"),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", "species", "give the file a header line"),
        ("a,y\n1,\n2,\n3,NA\n", "y", "target 'y' is empty"),
        ("a,y\n1,7\n2,7\n3,7\n", "y", "target 'y' is '7' in every row"),
        (
            "a,y\n1,x\n1,z\n1,x\n",
            "y",
            "no column to learn from: 'a' is the same in all rows",
        ),
        ("a,side\n1,x\n1,z\n1,x\n", "side", "rename it in the file"),
        (
            "a,y\n1,2\n3,4,5\n6,7\n8,9,9\n",
            "y",
            "line 3 has 3 fields, the header 2; so have 2 of 4 rows",
        ),
        ('a,"b\nc",y\n1,2,3\n', "y", "a column's name goes over two lines: 'a,\"b'"),
        ('a,y\n1,2\n"open,3\n', "y", "is not CSV"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(
    tmp_path: Path, text: str, target: str, said: str
) -> None:
    assert said in refused(tmp_path, text, target)


def test_windows_1252_names_the_line_and_the_command(tmp_path: Path) -> None:
    message = refused(tmp_path, "a,y\n1,2\nMontréal,3\n".encode("cp1252"))
    assert (
        "line 3 is not UTF-8 (byte 0xe9, as Windows-1252 it reads 'Montréal,3')"
        in message
    )
    assert "iconv -f WINDOWS-1252 -t UTF-8" in message


def test_utf_16_names_the_command(tmp_path: Path) -> None:
    assert "iconv -f UTF-16 -t UTF-8" in refused(tmp_path, GOOD.encode("utf-16"))


def test_a_character_cut_off_at_the_end_is_not_utf_8(tmp_path: Path) -> None:
    assert "is not UTF-8" in refused(tmp_path, GOOD.encode() + b"\xc3")


@pytest.mark.parametrize("file", ["t.xlsx", "t.csv.gz", "t.json", "t"])
def test_other_formats_are_refused(tmp_path: Path, file: str) -> None:
    assert "save it as CSV" in refused(tmp_path, GOOD, file=file)


def test_parquet_that_is_none_is_refused(tmp_path: Path) -> None:
    assert "is not Parquet" in refused(tmp_path, GOOD, file="t.parquet")


def test_parquet_with_two_columns_of_a_name_is_refused(tmp_path: Path) -> None:
    pq.write_table(
        pa.table(
            [pa.array([1, 2]), pa.array([1, 2]), pa.array([1, 2])], ["a", "a", "y"]
        ),
        tmp_path / "a.parquet",
    )
    with pytest.raises(RelevoError, match="2 columns named 'a'"):
        new_case("case", tmp_path / "a.parquet", "y", tmp_path / "use_cases")


def test_a_file_that_is_not_there_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "houses.csv").write_text(GOOD)
    with pytest.raises(RelevoError, match=r"did you mean houses\.csv"):
        new_case("case", tmp_path / "house.csv", "y", tmp_path / "use_cases")


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("House Prices", "house_prices"),
        ("1st", "case_1st"),
        ("Größe!", "grosse"),
        ("", "case"),
        ("x" * 50, "x" * 40),
    ],
)
def test_a_bad_name_comes_with_a_better_one(
    tmp_path: Path, name: str, better: str
) -> None:
    (tmp_path / "t.csv").write_text(GOOD)
    with pytest.raises(
        RelevoError, match=f"try '{better}'".replace("grosse", "gro(ss)?e")
    ):
        new_case(name, tmp_path / "t.csv", "y", tmp_path / "use_cases")


def test_a_name_that_is_taken_is_refused_unless_forced(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", ["a", "y"], columns(60, noise, noise))
    path = new_case("case", table, "y", tmp_path / "use_cases").path
    path.write_text("mine")
    with pytest.raises(
        RelevoError,
        match=r"'case' is already there.*choose another name, or write over it with --force",
    ):
        new_case("case", table, "y", tmp_path / "use_cases")
    assert path.read_text() == "mine"
    order = [
        "new",
        "case",
        "--from",
        str(table),
        "--target",
        "y",
        "--task",
        "regression",
        "--force",
    ]
    CliRunner().invoke(
        app,
        order,
        env={"RELEVO_USE_CASES": str(tmp_path / "use_cases")},
        catch_exceptions=False,
    )
    assert "CASE" in path.read_text()


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (
            lambda dice, _: f"${dice.randint(1000, 99999):,}",
            "write 1200.5 to have them used as numbers",
        ),
        (lambda _, i: f"name {i}", "name another target, or group its values"),
        (
            lambda dice, _: "none" if dice.random() < 0.3 else round(dice.random(), 4),
            "leave those cells empty",
        ),
        (lambda _, i: f"2024-01-{1 + i % 28:02d}", "is a date"),
    ],
)
def test_a_target_that_is_neither_number_nor_class_says_what_to_do(
    tmp_path: Path, cell: object, said: str
) -> None:
    table = write(tmp_path / "t.csv", ["a", "y"], columns(300, noise, cell))  # type: ignore[arg-type]
    with pytest.raises(RelevoError, match=said):
        new_case("case", table, "y", tmp_path / "use_cases")


def test_regression_on_classes_is_refused(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", ["a", "y"], columns(80, noise, some("x", "z")))
    with pytest.raises(RelevoError, match="holds category, not numbers"):
        new_case("case", table, "y", tmp_path / "use_cases", task="regression")


def test_what_does_not_load_is_taken_away_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RelevoError("does not load")

    monkeypatch.setattr("relevo.scaffold.begin.load_use_case", fail)
    assert refused(tmp_path, GOOD) == "does not load"


def test_a_relative_path_survives_a_move_of_the_project(tmp_path: Path) -> None:
    project = tmp_path / "here"
    (project / "data").mkdir(parents=True)
    made = make(
        project,
        write(project / "data" / "t.csv", ["a", "y"], columns(60, noise, noise)),
        "y",
    )
    assert made.case.source.path == "../../data/t.csv"  # type: ignore[union-attr]
    other = write(tmp_path / "elsewhere.csv", ["a", "y"], columns(60, noise, noise))
    path = new_case("far", other, "y", settings_in(project).use_cases).path
    assert str(other.resolve()) in path.read_text()
