"""CSV and Parquet: all rows come through, and what is no batch says so."""

import gzip
import hashlib
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relevo.domain.arrival import BatchSummary, Format
from relevo.domain.contract import Contract, category, code, number, text
from relevo.errors import SourceUnavailable
from relevo.formats import read_rows

HOUSES = Contract(
    (number("price"), code("zip", 5), category("city", nullable=True), text("note")),
    "price",
    ("zip",),
)


def read(
    content: bytes, format: Format, number: int
) -> tuple[list[dict[str, object]], BatchSummary]:
    reading = read_rows(io.BytesIO(content), format, HOUSES, number)
    rows = [row for chunk in reading for row in chunk.rows.to_pylist()]
    return rows, reading.facts()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_csv_is_read_whatever_its_delimiter(delimiter: str, bom: bytes) -> None:
    lines = [
        "note,zip,price,city",
        '"two\nlines, and ""more""",00601,1.5,NA',
        "",
        ",601.0,2,Ponce\r",
    ]
    content = (
        bom
        + "\n".join(lines)
        .replace(",", delimiter)
        .replace(f"lines{delimiter}", "lines,")
        .encode()
    )
    rows, facts = read(content, "csv", 7)
    assert rows == [
        {
            "price": 1.5,
            "zip": 601.0,
            "city": None,
            "note": 'two\nlines, and "more"',
            "_rest": None,
        },
        {"price": 2.0, "zip": 601.0, "city": "Ponce", "note": None, "_rest": None},
    ]
    assert facts == BatchSummary(
        7,
        2,
        0,
        hashlib.sha256(content).hexdigest(),
        hashlib.sha256(content).hexdigest(),
    )


def test_a_csv_row_of_another_length_is_a_bad_row_in_its_place() -> None:
    content = b"price,zip,pool\n1,1,yes\n2,2\n3,3,no,more\n4,4,\n"
    reading = read_rows(io.BytesIO(content), "csv", HOUSES, 0)
    chunk = next(iter(reading))
    assert chunk.rows["price"].to_pylist() == [1.0, None, None, 4.0]
    assert [
        json.loads(rest) if rest else None for rest in chunk.rows["_rest"].to_pylist()
    ] == [
        {"pool": "yes"},
        {"_line": ["2", "2"]},
        {"_line": ["3", "3", "no", "more"]},
        None,
    ]
    assert [(bad.position, bad.column, bad.reason) for bad in chunk.bad] == [
        (1, "_rest", "has 2 fields, the header 3"),
        (2, "_rest", "has 4 fields, the header 3"),
    ]


def test_csv_that_is_not_utf8_costs_cells_and_not_the_batch() -> None:
    rows, facts = read(b"price,zip,city\n1,1,Bayam\xf3n\n2,2,Ponce\n", "csv", 0)
    assert [row["city"] for row in rows] == [None, "Ponce"]
    assert facts.bad_rows == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html></html>",
        b"a,b\n1,2\n",
        b'price,zip\n1,"2\n',
        b"price,zip,price\n1,2,3\n",
        gzip.compress(b"price\n1", mtime=0),
    ],
)
def test_what_is_no_csv_of_the_contract_is_refused(content: bytes) -> None:
    with pytest.raises(SourceUnavailable):
        read(content, "csv", 0)


def parquet(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def test_parquet_of_other_types_becomes_the_contracts() -> None:
    table = pa.table(
        {
            "price": pa.array([1, 2], pa.int16()),
            "zip": pa.array(["00601", "602"]),
            "city": pa.array(["Ponce", None]).dictionary_encode(),
            "pool": [True, None],
        }
    )
    rows, facts = read(parquet(table), "parquet", 5)
    assert rows == [
        {
            "price": 1.0,
            "zip": 601.0,
            "city": "Ponce",
            "note": None,
            "_rest": '{"pool":true}',
        },
        {"price": 2.0, "zip": 602.0, "city": None, "note": None, "_rest": None},
    ]
    assert (facts.number, facts.rows, facts.sha256) == (5, 2, facts.content_sha256)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PAR1",
        parquet(pa.table({"price": [1.0]}))[:-9],
        parquet(pa.table({"a": [1]})),
    ],
)
def test_what_is_no_parquet_of_the_contract_is_refused(content: bytes) -> None:
    with pytest.raises(SourceUnavailable):
        read(content, "parquet", 0)


def test_positions_go_on_from_chunk_to_chunk() -> None:
    content = "price,zip\n" + "".join(f"{i},1\n" for i in range(25))
    chunks = list(
        read_rows(io.BytesIO(content.encode()), "csv", HOUSES, 0, rows_per_chunk=10)
    )
    assert [(chunk.first_position, len(chunk.rows)) for chunk in chunks] == [
        (0, 10),
        (10, 10),
        (20, 5),
    ]
