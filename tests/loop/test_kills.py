"""Killed at any instant, the loop started again neither loses nor doubles a row."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from relevo.app import open_loop
from relevo.domain.batch import Outcome
from relevo.domain.evidence import Action
from relevo.domain.release import CHAMPION
from relevo.settings import Settings
from tests.loop.flats import flats_settings
from tests.loop.foreign import Foreign, serving, small_batches
from tests.loop.killing import STEPS, WATCHED, forks, one_life

DONE, KILLED = 0, -signal.SIGKILL


SOURCES = ["repeats", "starts over"]


@pytest.fixture(params=SOURCES)
def foreign(request: pytest.FixtureRequest) -> Iterator[Foreign]:
    """A source that can repeat a batch, and one that can only start over."""
    with serving(
        Foreign(small_batches(), can_repeat=request.param == "repeats")
    ) as server:
        yield server


@pytest.fixture
def settings(
    tmp_path: Path, foreign: Foreign, request: pytest.FixtureRequest
) -> Settings:
    """SQLite under the source that repeats, PostgreSQL under the one that starts over."""
    more: dict[str, object] = {
        "source_can_repeat": foreign.can_repeat,
        "source_may_restart": not foreign.can_repeat,
    }
    if not foreign.can_repeat:
        more["warehouse_url"] = request.getfixturevalue("postgres_database")
    return flats_settings(tmp_path, foreign.url, **more)


def kill_and_restart(settings: Settings, kills: int, seed: int) -> int:
    """Lives that end at random instants, then one to the end; how many were really killed."""
    context, instants, killed = forks(), random.Random(seed), 0
    for _ in range(kills):
        code = one_life(context, settings, seconds=instants.uniform(0.05, 1.6))
        assert code in (DONE, KILLED), (settings.home / "error.txt").read_text()
        killed += code == KILLED
    assert one_life(context, settings) == DONE, (
        settings.home / "error.txt"
    ).read_text()
    return killed


def assert_nothing_lost_or_doubled(settings: Settings, foreign: Foreign) -> None:
    loop = open_loop("flats", settings)
    batches = loop.warehouse.batches.of("flats")
    assert [batch.number for batch in batches] == list(range(len(foreign.batches)))
    for batch in batches:
        rows = [
            row
            for chunk in loop.warehouse.rows.good(loop.case, batch)
            for row in chunk.to_pylist()
        ]
        assert [row.pop("position") for row in rows] == list(
            range(len(foreign.batches[batch.number]))
        )
        assert rows == foreign.batches[batch.number]
        assert batch.rows == len(rows)
    assert not loop.warehouse.attempts.of(
        "flats", loop.source.name, Outcome.OPEN, Outcome.LANDED, Outcome.UNANSWERED
    )


def assert_every_batch_decided_once_and_carried_out(settings: Settings) -> None:
    loop = open_loop("flats", settings)
    decisions = loop.warehouse.record.decisions("flats")
    assert len(decisions) == len(loop.warehouse.batches.of("flats"))
    trained = [decision for decision in decisions if decision.action is Action.TRAIN]
    versions = loop.registry.versions("flats")
    assert len(versions) == len(trained) == len(loop.warehouse.record.verdicts("flats"))
    moves = loop.warehouse.record.moves("flats")
    assert all(move.done_at for move in moves)
    assert loop.registry.alias("flats", CHAMPION) == moves[-1].version


def test_ten_kills_at_random_instants_lose_and_double_nothing(
    settings: Settings, foreign: Foreign
) -> None:
    assert kill_and_restart(settings, kills=10, seed=11) > 0
    assert_nothing_lost_or_doubled(settings, foreign)
    assert_every_batch_decided_once_and_carried_out(settings)


@pytest.mark.kills
@pytest.mark.parametrize("seed", range(5))
def test_fifty_kills_at_random_instants_lose_and_double_nothing(
    settings: Settings, foreign: Foreign, seed: int
) -> None:
    assert kill_and_restart(settings, kills=10, seed=100 + seed) > 0
    assert_nothing_lost_or_doubled(settings, foreign)
    assert_every_batch_decided_once_and_carried_out(settings)


@pytest.mark.parametrize(
    "foreign",
    [pytest.param("repeats", marks=pytest.mark.kills), "starts over"],
    indirect=True,
)
def test_a_kill_before_and_after_each_thing_the_loop_does_loses_and_doubles_nothing(
    settings: Settings, foreign: Foreign, tmp_path: Path
) -> None:
    context, record = forks(), tmp_path / "boundaries.txt"
    while (code := one_life(context, settings, boundaries=record)) == KILLED:
        assert len(record.read_text().splitlines()) < 100
    assert code == DONE, (settings.home / "error.txt").read_text()
    killed_at = record.read_text().splitlines()
    assert {
        f"{when} step.{step}" for when in ("before", "after") for step in STEPS
    } <= set(killed_at)
    assert {
        f"{when} {port}.{call}"
        for when in ("before", "after")
        for port in WATCHED
        for call in WATCHED[port]
    } <= set(killed_at)
    assert_nothing_lost_or_doubled(settings, foreign)
    assert_every_batch_decided_once_and_carried_out(settings)
