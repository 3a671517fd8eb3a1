"""What is read of a body: the fast path and the slow one hold the same truth, and nothing escapes as another error."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from relevo.domain.contract import boolean, category, code, date, integer, number
from relevo.serving.request import row_reader
from relevo.serving.request.row_reader import (
    REMEMBERED_CELLS,
    Problem,
    RowReader,
    RowsRefused,
)
from relevo.serving.request.row_reader import _once as once_each

COLUMNS = (
    number("size", low=0, high=1000, nullable=True),
    number("free", nullable=True),
    integer("rooms", low=0, high=50),
    boolean("garden", nullable=True),
    date("built", nullable=True),
    category("city", nullable=True),
    category("kind", ("flat", "house"), nullable=True),
    code("zip", digits=5, nullable=True),
)
STRICT, LENIENT = RowReader(COLUMNS, 5), RowReader(COLUMNS, 5, strict=False)
GOOD = {
    "size": 80,
    "rooms": 3,
    "garden": True,
    "built": "1990-05-01",
    "city": " Bern ",
    "kind": "flat",
    "zip": 601.0,
}

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.integers(-2, 60), st.floats(allow_nan=False),
    st.floats(-10, 1100), st.text(max_size=6), st.sampled_from(["flat", "601", "00601", " ", "", "2024-02-30", "a:b", "\x00"]),
)  # fmt: skip
names = st.sampled_from([column.name for column in COLUMNS])
rows = st.dictionaries(
    st.one_of(names, names, names, st.text(max_size=3)),
    st.one_of(scalars, st.lists(scalars, max_size=2)),
)
bodies = st.one_of(rows, st.lists(rows, max_size=7), scalars)


def slow(reader: RowReader, body: bytes) -> Any:
    return reader._explained(body)


def outcome(read: Any, body: bytes) -> Any:
    try:
        return read(body)
    except RowsRefused as error:
        return error.problems


@settings(max_examples=600, deadline=None)
@given(bodies, st.booleans())
@example(GOOD, True)
@example([GOOD, GOOD], True)
@example({**GOOD, "built": "2024-01-01T10:00:00"}, True)
def test_both_paths_make_the_same_of_every_body(value: Any, strict: bool) -> None:
    body = json.dumps(value).encode()
    reader = STRICT if strict else LENIENT
    assert outcome(reader.read, body) == outcome(lambda body: slow(reader, body), body)


@settings(max_examples=400, deadline=None)
@given(rows, st.booleans())
@example(GOOD, True)
def test_a_row_of_a_dialect_is_read_as_the_same_body_is(row: Any, strict: bool) -> None:
    reader = STRICT if strict else LENIENT
    body = json.dumps(row).encode()
    assume(b"Infinity" not in body)
    assert outcome(reader.read_mapping, row) == outcome(reader.read, body)


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.text(max_size=60).map(lambda t: t.encode("utf-8", "surrogatepass")),
    )
)
@example(b'{"rooms": NaN}')
@example(b'{"rooms": 1e400}')
@example(b'{"rooms": ' + b"9" * 5000 + b"}")
@example(b'{"rooms": 1, "rooms": 2}')
@example(b'{"rooms": 1, "city": "\\ud800"}')
@example(b'{"rooms": 1, "city": "\xed\xa0\x80"}')
@example(b'\xef\xbb\xbf{"rooms": 1}')
@example(b"[" * 100_000)
@example(b'{"city": ' + b"[" * 900 + b"]" * 900 + b"}")
@example(b'{"a":' * 100_000)
@example(b"")
def test_any_bytes_are_read_or_refused_with_a_reason(body: bytes) -> None:
    for reader in (STRICT, LENIENT):
        problems = outcome(reader.read, body)
        assert problems
        msgspec.json.encode(problems)


@pytest.mark.parametrize("given", [601, 601.0, "601", "00601", "601.0"])
def test_a_code_is_the_same_however_it_is_spelled(given: object) -> None:
    read = STRICT.read(json.dumps(GOOD | {"zip": given}).encode())
    assert read[-1] == "00601"


def test_cells_come_as_the_model_knows_them() -> None:
    read = STRICT.read(json.dumps(GOOD).encode())
    assert read[0] == 80
    assert read[1] is None
    assert read[5:] == ("Bern", "flat", "00601")


def test_what_is_right_needs_no_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    def unwanted(_: RowReader, body: bytes) -> None:
        raise AssertionError(f"{body!r} took the slow path")

    monkeypatch.setattr(RowReader, "_explained", unwanted)
    for row in (GOOD, GOOD | {"zip": None}, {"rooms": 3}):
        STRICT.read(json.dumps(row).encode())
        STRICT.read(json.dumps([row, row]).encode())


def test_what_is_allowed_is_said_of_every_field_that_is_wrong() -> None:
    bad = {"size": -1, "rooms": None, "kind": "castle", "zip": "12x", "sise": 4}
    with pytest.raises(RowsRefused) as refused:
        STRICT.read(json.dumps(bad).encode())
    found = {problem.field: problem for problem in refused.value.problems}
    assert set(found) == {"size", "rooms", "kind", "zip", "sise"}
    assert (found["size"].value, found["size"].message) == ("-1", "is below 0")
    assert found["size"].allowed == "a number from 0 to 1000, or null"
    assert found["rooms"].message == "is missing"
    assert found["kind"].allowed == "one of flat, house, or null"
    assert "size, free, rooms" in found["sise"].allowed


def test_a_list_says_in_which_row() -> None:
    with pytest.raises(RowsRefused) as refused:
        STRICT.read(json.dumps([GOOD, GOOD | {"size": 2000}]).encode())
    assert [(p.row, p.field) for p in refused.value.problems] == [(1, "size")]


def test_a_list_is_limited() -> None:
    assert len(STRICT.read(json.dumps([GOOD] * 5).encode())) == 5
    with pytest.raises(RowsRefused, match="at most 5 rows"):
        STRICT.read(json.dumps([GOOD] * 6).encode())


def test_names_that_are_no_field_are_passed_over_only_where_that_is_wanted() -> None:
    body = json.dumps(GOOD | {"broker": 7}).encode()
    assert LENIENT.read(body) == STRICT.read(json.dumps(GOOD).encode())
    with pytest.raises(RowsRefused, match="broker"):
        STRICT.read(body)


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(RowsRefused, match="twice"):
        LENIENT.read(b'{"rooms": 1, "size": 1, "size": 2}')


def test_a_contract_with_odd_names_is_read() -> None:
    reader = RowReader((number("a b"), number("class")), 2)
    assert reader.read(b'{"a b": 1, "class": 2}') == (1.0, 2.0)


def test_no_number_is_too_large_for_a_model() -> None:
    read = STRICT.read(b'{"rooms": 1, "free": 1e300}')
    assert math.isfinite(read[1])  # type: ignore[arg-type]
    assert read[1] < 3.5e38  # type: ignore[operator]


def test_a_reader_remembers_neither_without_end_nor_what_is_long() -> None:
    reader = RowReader((category("city", nullable=True),), REMEMBERED_CELLS + 10)
    bodies = [
        [{"city": f" {place}"} for place in range(REMEMBERED_CELLS + 10)],
        [{"city": " " + "x" * 1_000_000}],
    ]
    assert [row[0] for row in reader.read(json.dumps(bodies[0]).encode())] == [
        str(place) for place in range(REMEMBERED_CELLS + 10)
    ]
    assert reader.read(json.dumps(bodies[1]).encode()) == [("x" * 1_000_000,)]
    ((_, remembered),) = reader._finish
    kept = remembered.__self__  # type: ignore[attr-defined]
    assert len(kept) == REMEMBERED_CELLS
    assert max(len(word or "") for word in kept) < 100


def test_a_list_with_gaps_is_read_as_its_rows_are() -> None:
    rows = [
        GOOD,
        {"rooms": 1},
        {**GOOD, "city": None, "zip": "601", "built": None},
        {**GOOD, "free": 1},
    ]
    assert STRICT.read(json.dumps(rows).encode()) == [
        STRICT.read(json.dumps(row).encode()) for row in rows
    ]


class CountedName(str):
    """A name that counts what it is compared with."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        CountedName.compared += 1
        return str.__eq__(self, other)


def test_a_name_given_twice_is_found_by_looking_at_each_name_once() -> None:
    names = [CountedName(f"name {index}") for index in range(2000)]
    pairs = [(name, 1) for name in [*names, CountedName("name 1999")]]
    CountedName.compared = 0
    with pytest.raises(RowsRefused, match="name 1999 = 1 is given twice"):
        once_each(pairs)
    assert CountedName.compared < 10 * len(pairs)


def test_a_body_of_many_names_one_of_them_twice_is_refused() -> None:
    names = [*(f'"{index}":1' for index in range(200_000)), '"199999":1']
    with pytest.raises(RowsRefused, match="199999 = 1 is given twice"):
        STRICT.read(f"{{{','.join(names)}}}".encode())


@pytest.mark.parametrize(
    "rows",
    [
        [{f"name {index}": 1 for index in range(5000)}],
        [{"rooms": -1}] * 5000,
        [1] * 5000,
    ],
)
def test_only_the_problems_that_are_shown_are_made(
    rows: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def counted(*values: Any) -> Problem:
        made.append(values)
        return Problem(*values)

    monkeypatch.setattr(row_reader, "Problem", counted)
    with pytest.raises(RowsRefused) as refused:
        RowReader(COLUMNS, 5000).read(json.dumps(rows).encode())
    assert len(refused.value.problems) == len(made) == row_reader.SHOWN_PROBLEMS
