"""One worker a case: leases, and the fence that keeps a forgotten worker from writing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from relevo.adapters.sql import lease
from relevo.adapters.sql.warehouse import SqlWarehouse
from relevo.domain.batch import BatchState, Outcome
from relevo.domain.evidence import Move, MoveKind
from relevo.errors import LeaseHeld, LeaseLost
from relevo.loop.prepare import prepare
from tests.contract.flats import FLATS, SOURCE, load, record_batch
from tests.contract.test_warehouse_record import DECISION, NOW
from tests.contract.warehouse_child import READY


def pretend(warehouse: SqlWarehouse, **values: object) -> None:
    """Make the lease one of another host, time or process."""
    with warehouse.database.writing(None) as connection:
        connection.execute(sa.update(warehouse.database.tables.leases).values(**values))


def expiry(warehouse: SqlWarehouse) -> datetime:
    with warehouse.database.reading() as connection:
        found: datetime = connection.execute(
            sa.select(warehouse.database.tables.leases.c.expires_at)
        ).scalar_one()
        return found


def test_a_case_that_is_held_by_a_live_worker_is_refused_by_name(
    warehouse: SqlWarehouse, second: SqlWarehouse
) -> None:
    with warehouse.lease("flats", "run 1"):
        with (
            pytest.raises(
                LeaseHeld, match=r"flats is being worked on by 'run 1'"
            ) as refused,
            second.lease("flats", "run 2"),
        ):
            pass
        assert f"pid {os.getpid()}" in str(refused.value)
        assert socket.gethostname() in str(refused.value)
        with second.lease("others", "run 2") as other:
            other.check()
    with second.lease("flats", "run 2") as free:
        free.check()
        assert free.holder == "run 2"


def test_an_expired_lease_is_taken_and_its_holder_fenced(
    warehouse: SqlWarehouse, second: SqlWarehouse
) -> None:
    batch = load(warehouse)
    with warehouse.lease("flats", "run 1") as old:
        attempt = warehouse.attempts.open("flats", SOURCE)
        pretend(
            warehouse,
            host="elsewhere",
            expires_at=datetime.now(UTC) - timedelta(seconds=1),
        )
        with second.lease("flats", "run 2") as new:
            with pytest.raises(
                LeaseLost, match=r"'run 1' has lost its lease to 'run 2'"
            ):
                old.check()
            for write in (
                lambda: warehouse.attempts.open("flats", SOURCE),
                lambda: warehouse.attempts.close(attempt, Outcome.UNANSWERED),
                lambda: load(warehouse, number=1, attempt=attempt),
                lambda: prepare(FLATS, batch, warehouse.rows),
                lambda: warehouse.record.add_decision(DECISION),
                lambda: warehouse.record.open_move(
                    Move(
                        case="flats",
                        kind=MoveKind.PERSON,
                        version="1",
                        previous=None,
                        reason="",
                        requested_at=NOW,
                    )
                ),
                lambda: warehouse.batches.set_state(batch, BatchState.REJECTED, "no"),
                lambda: warehouse.attempts.accept_gap("flats", SOURCE, 3, "no"),
            ):
                with pytest.raises(LeaseLost):
                    write()  # type: ignore[no-untyped-call]
            new.check()
            assert load(second, number=1, attempt=attempt).number == 1
    assert [b.number for b in second.batches.of("flats")] == [0, 1]
    assert second.record.decisions("flats") == second.record.moves("flats") == []


def test_the_old_holder_does_not_give_back_what_is_not_its_own(
    warehouse: SqlWarehouse, second: SqlWarehouse
) -> None:
    old = warehouse.lease("flats", "run 1")
    old.__enter__()
    pretend(
        warehouse, host="elsewhere", expires_at=datetime.now(UTC) - timedelta(seconds=1)
    )
    with second.lease("flats", "run 2") as new:
        old.__exit__(None, None, None)
        new.check()
        with pytest.raises(LeaseHeld), warehouse.lease("flats", "run 3"):
            pass


def test_a_live_lease_of_another_host_is_not_taken(
    warehouse: SqlWarehouse, second: SqlWarehouse
) -> None:
    with warehouse.lease("flats", "run 1"):
        pretend(warehouse, host="elsewhere", pid=1)
        with (
            pytest.raises(LeaseHeld, match="host elsewhere, pid 1"),
            second.lease("flats", "run 2"),
        ):
            pass


def test_the_same_holder_takes_over_from_its_forgotten_self(
    warehouse: SqlWarehouse, second: SqlWarehouse
) -> None:
    with warehouse.lease("flats", "run 1"), second.lease("flats", "run 1") as again:
        again.check()
        with pytest.raises(LeaseLost):
            warehouse.attempts.open("flats", SOURCE)
        second.attempts.open("flats", SOURCE)


def test_a_worker_of_this_machine_that_was_killed_is_succeeded_at_once(
    warehouse: SqlWarehouse, warehouse_url: str
) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.contract.warehouse_child",
        warehouse_url,
        "hold",
    ]
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == READY
        with (
            pytest.raises(LeaseHeld, match=f"pid {child.pid}"),
            warehouse.lease("flats", "next"),
        ):
            pass
        child.kill()
        child.wait()
        with warehouse.lease("flats", "next") as lease:
            lease.check()


def test_a_pid_that_was_given_to_another_process_is_not_mistaken_for_the_holder(
    warehouse: SqlWarehouse, second: SqlWarehouse
) -> None:
    with warehouse.lease("flats", "run 1"):
        mark = f"{lease.Process.this().room}|an earlier start"
        pretend(warehouse, process=mark)
        with second.lease("flats", "run 2") as successor:
            successor.check()


def test_a_lease_is_renewed_while_it_is_held_and_nothing_is_written(
    warehouse: SqlWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.05)
    with warehouse.lease("flats", "run 1") as held:
        before = expiry(warehouse)
        time.sleep(0.3)
        assert expiry(warehouse) > before
        held.check()
    settled = expiry(warehouse)
    time.sleep(0.2)
    assert expiry(warehouse) == settled


def test_a_lease_outlives_a_write_that_takes_longer_than_it(
    warehouse: SqlWarehouse, second: SqlWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.1)
    monkeypatch.setattr(lease, "TTL", timedelta(seconds=0.5))
    refused: list[Exception] = []

    def try_to_take() -> None:
        with pytest.raises(LeaseHeld) as error, second.lease("flats", "run 2"):
            pass
        refused.append(error.value)

    def chunks() -> object:
        time.sleep(0.8)
        taker.start()
        time.sleep(0.4)
        yield from ()

    taker = threading.Thread(target=try_to_take)
    with warehouse.lease("flats", "run 1") as held:
        batch = load(warehouse)
        warehouse.rows.write_clean(FLATS, batch, chunks())  # type: ignore[arg-type]
        taker.join()
        held.check()
    assert len(refused) == 1


def test_a_successor_does_not_start_before_the_last_write_of_a_frozen_holder_has_ended(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen, successor = SqlWarehouse(postgres_database), SqlWarehouse(postgres_database)
    monkeypatch.setattr(lease, "WAIT_FOR_LAST_WRITE", "200ms")
    frozen.migrate()
    with frozen.lease("flats", "run 1"):
        with frozen.database.writing("flats"):
            pretend(
                successor,
                host="elsewhere",
                expires_at=datetime.now(UTC) - timedelta(seconds=1),
            )
            with (
                pytest.raises(
                    LeaseHeld, match="last write of its holder has not ended"
                ),
                successor.lease("flats", "run 2"),
            ):
                pass
        with successor.lease("flats", "run 2"), pytest.raises(LeaseLost):
            frozen.attempts.open("flats", SOURCE)


def test_people_may_give_orders_while_a_worker_holds_the_case(
    warehouse: SqlWarehouse, second: SqlWarehouse
) -> None:
    with warehouse.lease("flats", "run 1"):
        second.record.add_request("flats", "prices fell")
        assert load(warehouse, record_batch()).rows == 4
    assert len(warehouse.record.open_requests("flats")) == 1
