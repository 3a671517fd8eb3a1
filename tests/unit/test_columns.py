"""A column of a batch against its contract: what fits, what does not, and that both ways of looking agree."""

import io
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relevo.domain import contract
from relevo.domain.contract import Column
from relevo.domain.kinds import MISSING_WORDS
from relevo.formats import read_rows
from relevo.formats.columns import TypedColumn, type_column

COLUMNS = {
    "number": contract.number("x", nullable=True),
    "integer": contract.integer("x", nullable=True),
    "boolean": contract.boolean("x", nullable=True),
    "date": contract.date("x", nullable=True),
    "category": contract.category("x", nullable=True),
    "code": contract.code("x", 5, nullable=True),
    "text": contract.text("x"),
}
NOON = datetime(2020, 1, 2, 12)
DAY = datetime(2020, 1, 2)


def one(column: Column, value: object, *, spelled: bool = False) -> object:
    """The typed value; where there is a bad cell, its reason after an exclamation mark."""
    typed = type_column(column, [value], spelled=spelled)
    return f"!{typed.bad[0][2]}" if typed.bad else typed.array[0].as_py()


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("number", 3, 3.0),
        ("number", 2**60 + 1, float(2**60)),
        ("number", 10**400, "!is infinite"),
        ("number", float("inf"), "!is infinite"),
        ("number", float("nan"), None),
        ("number", None, None),
        ("number", "3", "!is text, not a number"),
        ("number", True, "!is true or false, not a number"),
        ("number", [1], "!is a list, not a number"),
        ("number", Decimal("1.5"), 1.5),
        ("integer", 3.0, 3),
        ("integer", 3.5, "!is not a whole number"),
        ("integer", 2**62 + 1, 2**62 + 1),
        ("integer", 2**63, "!is too large for a whole number"),
        ("integer", False, "!is true or false, not a number"),
        ("boolean", True, True),
        ("boolean", 0, False),
        ("boolean", 1.0, True),
        ("boolean", 2, "!is a number, not true or false"),
        ("boolean", "true", "!is text, not true or false"),
        ("date", "2020-01-02", DAY),
        ("date", "2020-01-02T12:00:00", NOON),
        ("date", "2020-01-02T12:00:00Z", NOON),
        ("date", "2020-01-02T07:00:00-05:00", NOON),
        ("date", date(2020, 1, 2), DAY),
        ("date", "2020-02-30", "!is not a date in ISO 8601"),
        ("date", "0000-01-01", "!is not a date in ISO 8601"),
        ("date", "0001-01-01T00:00:00+05:00", "!is not between the years 1 and 9999"),
        ("date", 20200102, "!is a number, not a date"),
        ("category", "Ponce", "Ponce"),
        ("category", "", None),
        ("category", 3.0, "3"),
        ("category", 2.5, "2.5"),
        ("category", True, "true"),
        ("category", {"a": 1}, "!is an object, not text"),
        ("category", "a\x00b", "!holds a NUL character"),
        ("code", 601.0, 601.0),
        ("code", 601, 601.0),
        ("code", "00601", 601.0),
        ("code", 12.5, "!is not a whole number"),
        ("code", "00601-1234", "!is text, not a number"),
        ("code", -1, "!is below 0"),
        ("code", 100_000, "!is above 99999"),
        ("code", True, "!is true or false, not a code"),
        ("text", "", ""),
        ("text", 7, "7"),
        ("text", "\ud800", "!is not valid Unicode"),
    ],
)
def test_a_value_becomes_the_columns_type_or_a_bad_cell_with_its_reason(
    kind: str, value: object, expected: object
) -> None:
    assert one(COLUMNS[kind], value) == expected


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("number", "1e3", 1000.0),
        ("number", " 1.5 ", 1.5),
        ("number", "1_000", "!is text, not a number"),
        ("number", "inf", "!is text, not a number"),
        ("number", "?", None),
        ("number", "-", None),
        ("date", "--", None),
        ("category", "?", "?"),
        ("integer", "3.0", 3),
        ("integer", "9007199254740993", 2**53 + 1),
        ("boolean", "Yes", True),
        ("boolean", "0", False),
        ("boolean", "maybe", "!is text, not true or false"),
        ("code", "601.0", 601.0),
        ("category", "00601", "00601"),
    ],
)
def test_text_of_csv_is_read_as_what_it_spells(
    kind: str, text: str, expected: object
) -> None:
    assert one(COLUMNS[kind], text, spelled=True) == expected


def test_a_misfit_is_null_in_its_column_and_its_original_is_kept() -> None:
    typed = type_column(COLUMNS["number"], [1.0, "two", None, 4], spelled=False)
    assert typed.array.to_pylist() == [1.0, None, None, 4.0]
    assert typed.misfits == {1: "two"}
    assert typed.bad == [(1, "two", "is text, not a number")]


def test_a_value_out_of_range_stays_and_is_named() -> None:
    typed = type_column(
        contract.number("bed", 0, 50), [3, -3, None, 51.0], spelled=False
    )
    assert typed.array.to_pylist() == [3.0, -3.0, None, 51.0]
    assert typed.misfits == {}
    assert sorted(typed.bad) == [
        (1, "-3", "is below 0"),
        (2, "", "is missing"),
        (3, "51", "is above 50"),
    ]


def test_a_value_outside_a_closed_category_stays_and_is_named_and_missing_is_only_missing() -> (
    None
):
    typed = type_column(
        contract.category("soil", ("a", "b")), ["a", "c", "", 1], spelled=False
    )
    assert typed.array.to_pylist() == ["a", "c", None, "1"]
    assert sorted(typed.bad) == [
        (1, "c", "is not one of a, b"),
        (2, "", "is missing"),
        (3, "1", "is not one of a, b"),
    ]


def test_a_long_value_is_shown_short() -> None:
    typed = type_column(COLUMNS["number"], ["x" * 10_000], spelled=False)
    assert len(typed.bad[0][1]) == 200


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_of_nothing_but_nulls_fits_every_kind(kind: str) -> None:
    column = COLUMNS[kind]
    for values in ([None, None], pa.nulls(2), pa.array([], pa.null()), []):
        typed = type_column(column, values, spelled=False)
        assert typed.array.null_count == len(values)
        assert typed.array.type == column.kind.raw_type
        assert not typed.bad


@pytest.mark.parametrize(
    ("kind", "array", "expected"),
    [
        ("number", pa.array([1, None], pa.uint8()), [1.0, None]),
        ("number", pa.array([Decimal("1.50")]), [1.5]),
        ("number", pa.array([float("nan"), 1.0]), [None, 1.0]),
        ("integer", pa.array([1.0, float("nan")]), [1, None]),
        ("integer", pa.array([2**63, 1], pa.uint64()), [None, 1]),
        ("boolean", pa.array([0, 1], pa.int8()), [False, True]),
        ("date", pa.array([date(2020, 1, 2)]), [DAY]),
        ("date", pa.array([NOON], pa.timestamp("s")), [NOON]),
        ("date", pa.array([NOON], pa.timestamp("ns", "America/Bogota")), [NOON]),
        (
            "date",
            pa.array([1_577_966_400_000_000_123, None], pa.timestamp("ns")),
            [NOON, None],
        ),
        (
            "date",
            pa.array([10**18, 0], pa.timestamp("us")),
            [None, datetime(1970, 1, 1)],
        ),
        ("category", pa.array(["a", "", None], pa.large_string()), ["a", None, None]),
        ("category", pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
        ("category", pa.array([1, 2]).dictionary_encode(), ["1", "2"]),
        ("text", pa.array([b"x"]), [None]),
    ],
)
def test_arrow_columns_of_other_types_become_the_columns(
    kind: str, array: pa.Array, expected: list[object]
) -> None:
    assert (
        type_column(COLUMNS[kind], array, spelled=False).array.to_pylist() == expected
    )


SPELLINGS = st.one_of(
    st.integers().map(str),
    st.floats().map(str),
    st.dates().map(str),
    st.datetimes().map(datetime.isoformat),
    st.sampled_from(
        [
            "yes",
            "No",
            "TRUE",
            "1",
            "0",
            "nan",
            "-inf",
            "1e5",
            ".5",
            "5.",
            " 7",
            "0x1",
            "1_0",
            "",
            "+3",
            "--1",
        ]
    ),
    st.text(max_size=6),
)
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    SPELLINGS,
    st.lists(st.integers(), max_size=2),
)


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("spelled", [True, False])
def test_whole_columns_and_single_cells_are_read_alike(
    kind: str, spelled: bool
) -> None:
    """A list beside the value forces the way cell by cell, on the same value."""

    @settings(max_examples=80, deadline=None)
    @given(
        value=SPELLINGS.filter(lambda text: text not in MISSING_WORDS)
        if spelled
        else PLAIN
    )
    def alike(value: object) -> None:
        whole = type_column(COLUMNS[kind], [value], spelled=spelled)
        single = type_column(COLUMNS[kind], [value, [0]], spelled=spelled)
        assert _first(whole) == _first(single)

    alike()


def _first(typed: TypedColumn) -> object:
    return typed.array[0].as_py(), [bad for bad in typed.bad if bad[0] == 0]


def test_a_whole_number_beyond_a_floats_reach_is_a_bad_cell_and_no_error() -> None:
    table = contract.Contract(
        (contract.integer("x", low=0, high=100), contract.category("y")), "y", ("x",)
    )
    body = b'{"batch_number": 0, "data": [{"x": 9007199254740993, "y": "a"}, {"x": -9007199254740993, "y": "a"}, {"x": 7, "y": "a"}]}'
    bad = [
        cell
        for chunk in read_rows(io.BytesIO(body), "json", table)
        for cell in chunk.bad
    ]
    assert [(cell.position, cell.reason) for cell in bad] == [
        (1, "is below 0"),
        (0, "is above 100"),
    ]
