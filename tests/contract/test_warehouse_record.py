"""The record: what is written once stays, and is answered again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from relevo.adapters.sql.warehouse import SqlWarehouse
from relevo.domain.evidence import (
    Action,
    Decision,
    Evidence,
    Move,
    MoveKind,
    Ruling,
    Training,
    Verdict,
)
from relevo.errors import NotFound

NOW = datetime(2026, 11, 21, 8, 30, 15, 123456, tzinfo=UTC)
EVIDENCE = (
    Evidence(
        name="rows",
        value=0.61,
        threshold=0.6,
        passed=True,
        sentence="61 % of all rows are new",
    ),
    Evidence(
        name="drift", threshold=0.25, sentence="no champion: drift ist nicht messbar"
    ),
    Evidence(
        name="error",
        value=float("inf"),
        threshold=0.1,
        passed=False,
        sentence="it is as it is",
    ),
)
DECISION = Decision(
    case="flats",
    batch_id=1,
    action=Action.TRAIN,
    sentence="train, as rows are new",
    evidence=EVIDENCE,
    policy={"a": 0.6, "b": ["x"]},
    decided_at=NOW,
)


def training_of(decision: Decision) -> Training:
    return Training(
        case="flats",
        decision_id=decision.id,
        version="3",
        run_id="run",
        estimator="ridge",
        batches=(1, 2),
        rows={"train": 80, "test": 20},
        data_sha256="sha",
        metrics={"rmse": 0.1 + 0.2},
        seconds=1.5,
        trained_at=NOW,
    )


def verdict_of(decision: Decision) -> Verdict:
    return Verdict(
        case="flats",
        decision_id=decision.id,
        ruling=Ruling.PROMOTE,
        challenger="3",
        champion=None,
        contest_number=1,
        sentence="it won",
        evidence=EVIDENCE,
        ruled_at=NOW,
    )


def move_of(verdict: Verdict | None) -> Move:
    kind = MoveKind.FIRST if verdict else MoveKind.PERSON
    return Move(
        case="flats",
        kind=kind,
        version="3",
        previous=None,
        reason="it won",
        verdict_id=verdict.id if verdict else None,
        requested_at=NOW,
    )


def test_a_decision_is_kept_whole_and_made_once(warehouse: SqlWarehouse) -> None:
    stored = warehouse.record.add_decision(DECISION)
    assert stored == replace(DECISION, id=stored.id)
    again = warehouse.record.add_decision(
        replace(DECISION, action=Action.SKIP, sentence="now I think otherwise")
    )
    assert again == stored == warehouse.record.decision(stored.id)
    assert (
        warehouse.record.decisions("flats")
        == warehouse.record.decisions("flats", 1)
        == [stored]
    )
    assert (
        warehouse.record.decisions("flats", 2)
        == warehouse.record.decisions("other")
        == []
    )
    with pytest.raises(NotFound, match="no decision 99"):
        warehouse.record.decision(99)


def test_moments_come_back_in_utc(warehouse: SqlWarehouse) -> None:
    bogota = NOW.astimezone(timezone(timedelta(hours=-5)))
    stored = warehouse.record.add_decision(replace(DECISION, decided_at=bogota))
    assert (stored.decided_at, stored.decided_at.tzinfo) == (NOW, UTC)


def test_a_request_is_open_until_a_decision_answers_it(warehouse: SqlWarehouse) -> None:
    first, second = (
        warehouse.record.add_request("flats", "prices fell"),
        warehouse.record.add_request("flats", "and rose"),
    )
    assert warehouse.record.open_requests("flats") == [first, second]
    plain = warehouse.record.add_decision(DECISION)
    asked = warehouse.record.add_decision(replace(DECISION, request_id=first.id))
    assert asked.id != plain.id
    assert (
        warehouse.record.add_decision(replace(DECISION, request_id=first.id)) == asked
    )
    assert warehouse.record.open_requests("flats") == [second]
    assert warehouse.record.open_requests("other") == []


def test_a_training_and_a_verdict_are_recorded_once_for_a_decision(
    warehouse: SqlWarehouse,
) -> None:
    decision = warehouse.record.add_decision(DECISION)
    training = warehouse.record.add_training(training_of(decision))
    assert training == replace(training_of(decision), id=training.id)
    assert (
        warehouse.record.add_training(replace(training_of(decision), version="4"))
        == training
    )
    verdict = warehouse.record.add_verdict(verdict_of(decision))
    assert verdict == replace(verdict_of(decision), id=verdict.id)
    assert (
        warehouse.record.add_verdict(replace(verdict_of(decision), ruling=Ruling.KEEP))
        == verdict
    )
    assert (
        warehouse.record.trainings("flats")
        == warehouse.record.trainings("flats", decision.id)
        == [training]
    )
    assert (
        warehouse.record.verdicts("flats")
        == warehouse.record.verdicts("flats", decision.id)
        == [verdict]
    )
    assert (
        warehouse.record.trainings("flats", 99)
        == warehouse.record.verdicts("other")
        == []
    )


def test_what_refers_to_nothing_is_not_recorded(warehouse: SqlWarehouse) -> None:
    with pytest.raises(NotFound, match="not in the warehouse"):
        warehouse.record.add_training(training_of(replace(DECISION, id=99)))
    assert warehouse.record.trainings("flats") == []


def test_the_batch_of_the_last_training_is_known(warehouse: SqlWarehouse) -> None:
    assert warehouse.record.last_trained_batch("flats") is None
    for batch_id in (1, 4, 2):
        decision = warehouse.record.add_decision(replace(DECISION, batch_id=batch_id))
        warehouse.record.add_training(training_of(decision))
    warehouse.record.add_decision(replace(DECISION, batch_id=9, action=Action.SKIP))
    assert warehouse.record.last_trained_batch("flats") == 4


def test_a_verdict_moves_the_alias_once_and_a_person_as_often_as_they_like(
    warehouse: SqlWarehouse,
) -> None:
    verdict = warehouse.record.add_verdict(
        verdict_of(warehouse.record.add_decision(DECISION))
    )
    move = warehouse.record.open_move(move_of(verdict))
    assert move == replace(move_of(verdict), id=move.id)
    assert warehouse.record.open_move(move_of(verdict)) == move
    by_hand = [warehouse.record.open_move(move_of(None)) for _ in range(2)]
    assert warehouse.record.moves("flats") == [move, *by_hand]
    done = warehouse.record.finish_move(move)
    assert done.done_at is not None
    assert done.done_at.tzinfo is UTC
    assert warehouse.record.finish_move(move) == done
    assert warehouse.record.moves("flats") == [done, *by_hand]
