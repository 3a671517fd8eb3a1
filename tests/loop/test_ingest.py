"""What a source may do to us, and what a person then sees. The last answer lost is no end of data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina

from relevo.app import Loop, open_loop
from relevo.domain.batch import BatchState, Outcome
from relevo.errors import (
    BatchStopped,
    GapFound,
    SourceContradiction,
    SourceError,
    SourceUnavailable,
)
from relevo.loop.ingest import ingest
from tests.loop.flats import flats_settings
from tests.loop.foreign import Foreign, serving, small_batches


@pytest.fixture
def foreign() -> Iterator[Foreign]:
    with serving(Foreign(small_batches(4, 60))) as server:
        yield server


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Tries are counted as ever, and not waited for."""
    with stamina.set_testing(True, attempts=99, cap=True):
        yield


@pytest.fixture
def opened(tmp_path: Path, foreign: Foreign) -> Any:
    """Opens the loop as a setting allows: `can_repeat`, `may_restart`."""

    def open_with(**allowed: bool) -> Loop:
        foreign.can_repeat = allowed.get("can_repeat", False)
        named = {f"source_{name}": value for name, value in allowed.items()}
        return open_loop("flats", flats_settings(tmp_path, foreign.url, **named))

    return open_with


def take(loop: Loop, tries: int = 3) -> Any:
    """Ingest one batch without waiting between tries, and mark it worked off by skipping it."""
    batch = ingest(loop.case, loop.source, loop.warehouse, loop.landing, tries)
    if batch is not None:
        skip(loop, batch)
    return batch


def skip(loop: Loop, batch: Any) -> None:
    from relevo.domain.evidence import Action, Decision

    loop.warehouse.record.add_decision(
        Decision(
            case="flats",
            batch_id=batch.id,
            action=Action.SKIP,
            sentence="test",
            evidence=(),
            policy={},
            decided_at=loop.clock.now(),
        )
    )


def take_all(loop: Loop) -> list[int]:
    numbers = []
    while (batch := take(loop)) is not None:
        numbers.append(batch.number)
    return numbers


def raw(loop: Loop) -> dict[int, list[dict[str, Any]]]:
    """All RAW rows by batch number."""
    rows: dict[int, list[dict[str, Any]]] = {}
    for batch in loop.warehouse.batches.of("flats"):
        chunks = loop.warehouse.rows.good(loop.case, batch)
        rows[batch.number] = [
            {k: v for k, v in row.items() if k != "position"}
            for c in chunks
            for row in c.to_pylist()
        ]
    return rows


ALLOWED = [{"can_repeat": True}, {"may_restart": True}]


@pytest.mark.parametrize("allowed", ALLOWED, ids=["repeats", "starts over"])
@pytest.mark.parametrize("fault", ["drop", "hang", "half", "500", "html"])
@pytest.mark.parametrize("lost", [0, 1, 3], ids=["first", "middle", "last"])
def test_a_batch_whose_answer_is_lost_is_found_again(
    opened: Any, foreign: Foreign, allowed: dict[str, bool], fault: str, lost: int
) -> None:
    foreign.faults[lost] = fault
    loop = opened(**allowed)
    assert take_all(loop) == [0, 1, 2, 3]
    assert raw(loop) == dict(enumerate(foreign.batches))
    assert not loop.warehouse.attempts.of(
        "flats", loop.source.name, Outcome.UNANSWERED, Outcome.LANDED, Outcome.OPEN
    )


@pytest.mark.parametrize("lost", [1, 3], ids=["middle", "last"])
def test_where_nothing_is_allowed_a_lost_batch_is_a_gap_until_a_person_accepts_it(
    opened: Any, foreign: Foreign, lost: int
) -> None:
    foreign.faults[lost] = "drop"
    loop = opened()
    for number in range(lost):
        assert take(loop).number == number
    for _ in range(2):
        with pytest.raises(
            GapFound,
            match=f"batch {lost} of flats may be lost.*relevo accept flats {lost}",
        ):
            take(loop)
    loop.judge_batch(lost, BatchState.ACCEPTED, "the source is gone")
    assert take_all(loop) == list(range(lost + 1, 4))
    assert raw(loop) == {
        number: rows for number, rows in enumerate(foreign.batches) if number != lost
    }
    assert loop.warehouse.attempts.accepted_gaps("flats", loop.source.name) == {
        lost: "the source is gone"
    }


def test_a_request_that_never_reached_the_source_is_no_loss(
    opened: Any, foreign: Foreign
) -> None:
    loop = opened()
    there, loop.source._url = loop.source._url, loop.source._url.copy_with(port=9)
    with pytest.raises(SourceUnavailable, match="cannot be reached"):
        take(loop)
    loop.source._url = there
    assert take_all(loop) == [0, 1, 2, 3]


def test_a_source_that_stays_broken_is_given_up_with_its_own_words(
    opened: Any, foreign: Foreign
) -> None:
    foreign.faults = dict.fromkeys(range(10), "500")
    loop = opened(may_restart=True)
    with pytest.raises(SourceUnavailable, match="500"):
        take(loop, tries=3)
    assert foreign.gets == 3


def test_a_known_number_with_other_content_stops_the_loop(
    opened: Any, foreign: Foreign
) -> None:
    loop = opened(may_restart=True)
    assert take(loop).number == 0
    foreign.batches[0][3]["rent"] += 1
    foreign.cursor = 0
    with pytest.raises(SourceContradiction, match="batch 0 of flats"):
        take(loop)
    assert len(loop.warehouse.batches.of("flats")) == 1


def test_a_source_started_over_that_answers_otherwise_stops_the_loop(
    opened: Any, foreign: Foreign
) -> None:
    loop = opened(may_restart=True)
    assert [take(loop).number for _ in range(2)] == [0, 1]
    foreign.batches[1][0]["size"] += 1
    foreign.faults[2] = "drop"
    with pytest.raises(SourceContradiction, match="batch 1 of flats"):
        take_all(loop)


def test_a_cursor_that_someone_put_back_doubles_nothing(
    opened: Any, foreign: Foreign
) -> None:
    loop = opened()
    assert [take(loop).number for _ in range(2)] == [0, 1]
    foreign.restart()
    assert take_all(loop) == [2, 3]
    assert raw(loop) == dict(enumerate(foreign.batches))


def test_a_source_that_answers_one_batch_for_ever_is_an_error(
    opened: Any, foreign: Foreign
) -> None:
    loop = opened()
    assert take(loop).number == 0
    foreign.batches = foreign.batches[:1]
    original = Foreign.answer

    def stuck(
        self: Foreign, query: dict[str, list[str]]
    ) -> tuple[int, bytes, str | None]:
        self.cursor = 0
        return original(self, query)

    foreign.answer = stuck.__get__(foreign)  # type: ignore[method-assign]
    with pytest.raises(SourceUnavailable, match="again and again"):
        take(loop)


def test_the_same_rows_under_a_new_number_are_loaded_and_reported(
    opened: Any, foreign: Foreign
) -> None:
    foreign.batches[2] = foreign.batches[0]
    loop = opened()
    assert take_all(loop) == [0, 1, 2, 3]
    batches = loop.warehouse.batches.of("flats")
    assert batches[2].content_sha256 == batches[0].content_sha256
    assert batches[2].sha256 != batches[0].sha256


def test_an_empty_batch_is_a_batch(opened: Any, foreign: Foreign) -> None:
    foreign.batches[1] = []
    loop = opened()
    assert take_all(loop) == [0, 1, 2, 3]
    assert loop.warehouse.batches.of("flats")[1].rows == 0


def test_an_unknown_group_is_an_error_and_not_the_end(
    opened: Any, foreign: Foreign
) -> None:
    foreign.answer = lambda _: (400, b'{"detail": "grupo 99 no existe"}', None)  # type: ignore[method-assign]
    with pytest.raises(SourceError, match="grupo 99"):
        take(opened())


def spoil(foreign: Foreign, number: int, rows: int) -> None:
    for row in foreign.batches[number][:rows]:
        row["rent"] = "a lot"


def test_a_few_bad_rows_land_in_quarantine_with_column_value_and_reason(
    opened: Any, foreign: Foreign
) -> None:
    spoil(foreign, 0, 6)
    foreign.batches[0][10]["size"] = -3
    loop = opened()
    batch = take(loop)
    assert (batch.rows, batch.bad_rows, batch.state) == (60, 7, BatchState.LOADED)
    cells = loop.warehouse.batches.bad_cells(batch)
    assert (cells[0].column, cells[0].value, cells[0].reason) == (
        "rent",
        "a lot",
        "is text, not a number",
    )
    assert [(c.position, c.column) for c in cells if c.column == "size"] == [
        (10, "size")
    ]
    assert len(raw(loop)[0]) == 53


@pytest.mark.parametrize(
    ("state", "clean"), [(BatchState.ACCEPTED, 20), (BatchState.REJECTED, 0)]
)
def test_a_mostly_bad_batch_stops_the_loop_until_a_person_decides(
    opened: Any, foreign: Foreign, state: BatchState, clean: int
) -> None:
    spoil(foreign, 1, 40)
    loop = opened()
    take(loop)
    for _ in range(2):
        with pytest.raises(
            BatchStopped,
            match=r"batch 1 of flats: 40 of 60 rows.*'rent' is text.*relevo accept flats 1",
        ):
            take(loop)
    loop.judge_batch(1, state, "looked at it")
    batch = loop.ingest()
    assert batch is not None
    assert (batch.number, batch.state, batch.reason) == (1, state, "looked at it")
    assert loop.prepare(batch.id) == clean
    skip(loop, batch)
    assert take_all(loop) == [2, 3]
