"""The bodies of the data API: all rows come through, and what is no batch says so."""

import hashlib
import io
import json
import tracemalloc

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relevo.domain.arrival import BatchSummary
from relevo.domain.contract import Contract, category, code, number, text
from relevo.errors import SourceContradiction, SourceUnavailable
from relevo.formats import Reading, json_window, read_rows

HOUSES = Contract(
    (number("price"), code("zip", 5), category("city", nullable=True), text("note")),
    "price",
    ("zip",),
)
ROW = {"price": 1.0, "zip": 601.0, "city": "Ponce", "note": None}


@pytest.fixture
def small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_window, "WINDOW_BYTES", 64)


def body(rows: list[object], number: object = 3, indent: int | None = None) -> bytes:
    return json.dumps(
        {"group_number": 2, "batch_number": number, "data": rows}, indent=indent
    ).encode()


def read(
    content: bytes, number: int | None = None
) -> tuple[list[dict[str, object]], BatchSummary]:
    reading = read_rows(io.BytesIO(content), "json", HOUSES, number)
    rows = [row for chunk in reading for row in chunk.rows.to_pylist()]
    return rows, reading.facts()


def notes(content: bytes) -> list[object]:
    return [row["note"] for row in read(content)[0]]


def test_rows_come_typed_and_in_order() -> None:
    rows, facts = read(body([ROW, ROW | {"price": 2, "city": None}]))
    assert rows == [
        ROW | {"_rest": None},
        ROW | {"price": 2.0, "city": None, "_rest": None},
    ]
    assert (facts.number, facts.rows, facts.bad_rows) == (3, 2, 0)


def test_the_digest_covers_every_byte() -> None:
    content = body([ROW]) + b" \n"
    assert read(content)[1].sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "content",
    [
        b'{"data": [%s, %s], "batch_number": 3}',
        b'{"batch_number": 3, "more": {"data": [{"a": 1},{"b": 2}]}, "data": [%s, %s]}',
        b'\xef\xbb\xbf {"batch_number": 3,\n "data" :[ %s, %s\n] , "more": [{"a": "]}"}, {"b": 2}], "last": 1.5}\r\n',
        b'{"batch_number":3,"data":[%s, %s],"caf\xc3\xa9":"\xc3\xa9"}',
    ],
)
def test_the_envelopes_fields_may_come_in_any_order_with_others_beside(
    content: bytes, small_window: None
) -> None:
    row = json.dumps(ROW).encode()
    rows, facts = read(content % (row, row))
    assert (len(rows), facts.number) == (2, 3)
    assert facts.content_sha256 == read(body([ROW, ROW], number=4))[1].content_sha256


def test_a_batch_without_rows_is_a_batch() -> None:
    assert read(b'{"batch_number": 0, "data": [ ]}')[1].rows == 0


TRICKY = ["},{", '"},{"', "\\", '\\"},{', "]}", "[{", "é😀", "}, {", "\u2028", ""]


@pytest.mark.usefixtures("small_window")
@pytest.mark.parametrize("indent", [None, 2])
def test_a_cut_is_never_taken_inside_a_text_or_a_nested_list(
    indent: int | None,
) -> None:
    rows = [
        ROW | {"note": tricky, "extra": [{"a": tricky}, {"b": {}}, {"c": 1}]}
        for tricky in TRICKY * 3
    ]
    assert notes(body(rows, indent=indent)) == TRICKY * 3


@settings(max_examples=150, deadline=None)
@given(
    texts=st.lists(st.text(alphabet='{}[],:"\\ \né😀a', max_size=30), max_size=12),
    nested=st.recursive(
        st.none() | st.text(alphabet='{},"', max_size=5),
        lambda s: st.lists(s) | st.dictionaries(st.just("k"), s),
        max_leaves=6,
    ),
    indent=st.sampled_from([None, 0, 3]),
    block=st.integers(1, 200),
)
def test_any_rows_come_through_whole_wherever_blocks_end(
    texts: list[str], nested: object, indent: int | None, block: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_window, "WINDOW_BYTES", block)
        content = body(
            [ROW | {"note": note, "extra": nested} for note in texts], indent=indent
        )
        assert notes(content) == texts


def test_the_same_rows_under_another_number_or_block_have_the_same_content(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows: list[object] = [ROW | {"price": price} for price in range(50)]
    contents = {read(body(rows, number=k))[1].content_sha256 for k in (3, 4444)}
    monkeypatch.setattr(json_window, "WINDOW_BYTES", 100)
    contents |= {read(body(rows, number=k))[1].content_sha256 for k in (3, 4444)}
    assert len(contents) == 1
    assert read(body(rows[1:]))[1].content_sha256 not in contents


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "ends"),
        (b"<html><body>Bad Gateway</body></html>", "<html>"),
        (b"null", "'n'"),
        (b"[]", r"'\['"),
        (b"{}", "not JSON"),
        (b'{"batch_number": 3}', "no 'data'"),
        (b'{"data": []}', "no 'batch_number'"),
        (b'{"batch_number": 3, "data": {}}', "should have \\["),
        (b'{"batch_number": "3", "data": []}', "batch_number '3'"),
        (b'{"batch_number": 3.5, "data": []}', "batch_number 3.5"),
        (b'{"batch_number": true, "data": []}', "batch_number True"),
        (b'{"batch_number": -1, "data": []}', "batch_number -1"),
        (b'{"batch_number": null, "data": []}', "batch_number None"),
        (b'{"batch_number": 3, "data": [], "data": []}', "'data'"),
        (b'{"batch_number": 3, "data": []} []', "after its end"),
        (b'{"batch_number": 3, "data": [{"price": NaN}]}', "NaN"),
        (b'{"batch_number": 3, "data": [{"price": 1},]}', "not JSON"),
        (b'{"batch_number": 3, "data": [{"price": 1} {"price": 2}]}', "not JSON"),
        (b'{"batch_number": 3, "data": [{"price": 01}]}', "not JSON"),
        (b'{"batch_number": 3, "data": [[1, 2]]}', "a list, not an object"),
        (
            b'{"batch_number": 3, "data": [{"price": 1}, 5, {"price": 2}]}',
            "a number, not an object",
        ),
        (b'{"batch_number": 3, "data": [{"note": "\xff\xfe"}]}', "UTF-8"),
        (b'{"batch_number": 3, "data": ' + b"[" * 100_000, "is not JSON|recursion"),
    ],
)
def test_what_is_no_batch_is_refused_and_shown(content: bytes, why: str) -> None:
    with pytest.raises(SourceUnavailable, match=why) as refused:
        read(content)
    assert refused.value.maybe_answered
    assert len(str(refused.value)) < 400


@pytest.mark.usefixtures("small_window")
def test_half_a_body_is_refused_wherever_it_breaks_off() -> None:
    whole = body([ROW | {"note": "},{é"}] * 4)
    for length in range(len(whole)):
        with pytest.raises(SourceUnavailable):
            read(whole[:length])


def test_another_number_than_was_asked_for_is_a_contradiction() -> None:
    assert read(body([ROW]), number=3)[1].number == 3
    with pytest.raises(SourceContradiction, match=r"batch 4.*batch 3"):
        read(body([ROW], number=4), number=3)


def test_a_body_of_a_hundred_thousand_rows_takes_a_few_blocks_of_memory() -> None:
    row = msgspec.json.encode(ROW | {"note": "n" * 150})
    content = b'{"batch_number":1,"data":[' + b",".join([row] * 100_000) + b"]}"
    tracemalloc.start()
    try:
        assert (
            sum(
                len(chunk.rows)
                for chunk in read_rows(io.BytesIO(content), "json", HOUSES, None)
            )
            == 100_000
        )
        assert tracemalloc.get_traced_memory()[1] < 30_000_000 < len(content) * 1.5
    finally:
        tracemalloc.stop()


def test_facts_are_refused_before_the_end() -> None:
    reading = read_rows(io.BytesIO(body([ROW])), "json", HOUSES, None)
    assert isinstance(reading, Reading)
    with pytest.raises(RuntimeError, match="once all chunks"):
        reading.facts()


def test_what_has_no_column_is_kept_beside_the_row() -> None:
    rows, facts = read(body([ROW | {"pool": True, "rooms": [1, 2], "none": None}, ROW]))
    assert json.loads(str(rows[0]["_rest"])) == {"pool": True, "rooms": [1, 2]}
    assert rows[1]["_rest"] is None
    assert facts.bad_rows == 0


def test_numbers_that_no_float_holds_and_lone_surrogates_are_bad_cells_of_a_good_batch() -> (
    None
):
    content = b'{"batch_number":1,"data":[{"price":1e999,"zip":1,"note":"\\ud800"},{"price":2,"zip":2}]}'
    rows, facts = read(content)
    assert [row["price"] for row in rows] == [None, 2.0]
    assert json.loads(str(rows[0]["_rest"])) == {"price": "inf", "note": "\ud800"}
    assert facts.bad_rows == 1
