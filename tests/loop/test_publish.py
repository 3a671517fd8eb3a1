"""The baton is handed over once, in turn, and only to what is in place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from relevo.adapters.sql.warehouse import SqlWarehouse
from relevo.app import Loop, open_loop
from relevo.domain.evidence import Action, Move, MoveKind, Ruling
from relevo.domain.release import CHALLENGER, CHAMPION, digest_of
from relevo.errors import LeaseLost, ModelRefused
from relevo.loop import review
from relevo.loop.progress import is_carried_out
from relevo.loop.run_batch import run_batch
from relevo.releases.release_folder import MODEL_FILE, RELEASE_FILE
from relevo.releases.stored_release import pointer_key, release_prefix
from relevo.settings import Settings
from tests.loop.flats import flats_settings
from tests.loop.foreign import Foreign, serving, small_batches


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """A loop with a champion, version 1, and a second version that a person asked for."""
    with serving(Foreign(small_batches(1, 120))) as foreign:
        settings = flats_settings(tmp_path, foreign.url)
        with open_loop("flats", settings).working("before") as loop:
            assert run_batch(loop, lambda _: None)
            decision = ask(loop)
            loop.train(decision)
        yield settings


def ask(loop: Loop) -> int:
    """The decision to train once more."""
    return review.retrain(
        loop.case, "to have another", loop.warehouse, loop.registry, loop.clock
    )[1].id


def order(loop: Loop, version: str) -> Move:
    return loop.promote(version, "by hand")


def pointed_at(loop: Loop, alias: str) -> dict[str, str]:
    with loop.artifacts.open(pointer_key("flats", alias)) as stream:
        found: dict[str, str] = json.load(stream)
        return found


def take_over(settings: Settings) -> SqlWarehouse:
    """The lease has run out, as it does for a task that was forgotten."""
    other = SqlWarehouse(settings.warehouse, patience=1)
    with other.database.writing(None) as connection:
        past = datetime.now(UTC) - timedelta(seconds=1)
        connection.execute(
            sa.update(other.database.tables.leases).values(
                host="elsewhere", expires_at=past
            )
        )
    return other


def test_each_alias_has_a_pointer_to_files_that_are_in_place(
    settings: Settings,
) -> None:
    loop = open_loop("flats", settings)
    for alias, version in ((CHAMPION, "1"), (CHALLENGER, "2")):
        pointer = pointed_at(loop, alias)
        assert (pointer["version"], loop.registry.alias("flats", alias)) == (
            version,
            version,
        )
        with loop.artifacts.open(f"{pointer['folder']}/{MODEL_FILE}") as stream:
            assert digest_of(stream.read()) == pointer["digest"]
        registered = loop.registry.fetch("flats", version)
        names = {
            f"{pointer['folder']}/{file.relative_to(registered)}"
            for file in registered.rglob("*.*")
        }
        assert names <= set(loop.artifacts.list(pointer["folder"]))


def test_those_who_serve_the_challenger_are_told_of_a_new_one(
    settings: Settings,
) -> None:
    with open_loop("flats", settings).working("test") as loop:
        told: list[str | None] = []
        loop.notify = lambda case: told.append(loop.registry.alias(case, CHALLENGER))
        loop.train(ask(loop))
    assert told == ["3"]


def test_a_version_whose_files_are_gone_becomes_no_champion(settings: Settings) -> None:
    loop = open_loop("flats", settings)
    loop.artifacts.delete(f"{release_prefix('flats', '2')}/{RELEASE_FILE}")
    with pytest.raises(
        ModelRefused,
        match=r"version 2 of flats: .*release\.json is not in the artifacts store",
    ):
        order(loop, "2")
    assert (
        loop.registry.alias("flats", CHAMPION)
        == pointed_at(loop, CHAMPION)["version"]
        == "1"
    )


def test_a_forgotten_task_that_wakes_up_before_the_alias_moves_moves_nothing(
    settings: Settings,
) -> None:
    with open_loop("flats", settings).working("forgotten") as loop:
        move = loop.warehouse.record.open_move(
            Move(
                case="flats",
                kind=MoveKind.PERSON,
                version="2",
                previous="1",
                reason="late",
                requested_at=loop.clock.now(),
            )
        )
        with (
            take_over(settings).lease("flats", "successor"),
            pytest.raises(LeaseLost, match="'forgotten' has lost"),
        ):
            loop.publisher.finish(move)
    assert (
        loop.registry.alias("flats", CHAMPION)
        == pointed_at(loop, CHAMPION)["version"]
        == "1"
    )


def test_a_forgotten_training_registers_nothing_beside_its_successors(
    settings: Settings,
) -> None:
    with open_loop("flats", settings).working("forgotten") as loop:
        decision = ask(loop)
        with take_over(settings).lease("flats", "successor"), pytest.raises(LeaseLost):
            loop.train(decision)
    assert [version.number for version in loop.registry.versions("flats")] == ["2", "1"]
    assert loop.registry.alias("flats", CHALLENGER) == "2"


def test_an_order_that_was_slow_does_not_undo_the_one_after_it(
    settings: Settings,
) -> None:
    loop = open_loop("flats", settings)
    slow = loop.warehouse.record.open_move(
        Move(
            case="flats",
            kind=MoveKind.PERSON,
            version="2",
            previous="1",
            reason="slow",
            requested_at=loop.clock.now(),
        )
    )
    loop.roll_back("no")
    assert [move.kind for move in loop.warehouse.record.moves("flats") if move.done_at][
        1:
    ] == ["person", "rollback"]
    loop.publisher.finish(slow)
    assert (
        loop.registry.alias("flats", CHAMPION)
        == pointed_at(loop, CHAMPION)["version"]
        == "1"
    )


def test_a_person_may_order_while_a_training_holds_the_case(settings: Settings) -> None:
    with open_loop("flats", settings).working("a long training"):
        order(open_loop("flats", settings), "2")
    assert open_loop("flats", settings).registry.alias("flats", CHAMPION) == "2"


def test_a_verdict_that_a_person_overtook_promotes_nobody_and_the_chain_goes_on(
    settings: Settings,
) -> None:
    with open_loop("flats", settings).working("run") as loop:
        decision = loop.warehouse.record.decisions("flats")[-1]
        verdict = loop.contest(decision.id)
        won = replace(
            verdict, ruling=Ruling.PROMOTE
        )  # as if it had won: equal models do not
        with loop.warehouse.database.writing(None) as connection:  # type: ignore[attr-defined]
            table = loop.warehouse.database.tables.verdicts  # type: ignore[attr-defined]
            connection.execute(
                sa.update(table).where(table.c.id == won.id).values(ruling="promote")
            )
        third = ask(loop)
        loop.train(third)
        order(open_loop("flats", settings), "3")
        assert loop.publish(decision.id) is None
        assert loop.registry.alias("flats", CHAMPION) == "3"
        assert decision.action is Action.TRAIN
        assert is_carried_out(decision, loop.warehouse.record)
    assert (
        "since the contest a person made version 3 champion"
        in loop.registry.version("flats", "2").tags["relevo.why"]
    )
