"""Users, their rights, and new passwords for them, on a real PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from relevo.app import open_loop
from relevo.settings import Settings
from tests.manifests.rendering import REPOSITORY
from tests.manifests.scripts.conftest import BASE, Guarded, Load

ROLES = ("airflow", "relevo_loop", "relevo_api", "relevo_ui")
PASSWORDS = {role: f"{role}-1" for role in ROLES}


def run(url: str, statement: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)


@pytest.fixture
def migrated(
    guarded: Guarded, script: Load, monkeypatch: pytest.MonkeyPatch
) -> Guarded:
    """With users, tables and rights, as the first sync leaves it."""
    guarded.make_roles(PASSWORDS)
    url = guarded.url("relevo_loop", "relevo_loop-1", "relevo")
    _ = open_loop(
        "house_prices", Settings(warehouse_url=url, use_cases=REPOSITORY / "use_cases")
    ).warehouse
    monkeypatch.setenv("RELEVO_WAREHOUSE_URL", url)
    script("migrations/grant.py").main(BASE / "migrations" / "grants.sql")
    return guarded


def test_each_user_gets_into_its_own_database_alone(guarded: Guarded) -> None:
    guarded.make_roles(PASSWORDS)
    for user in ROLES:
        theirs = "airflow" if user == "airflow" else "relevo"
        other = "relevo" if user == "airflow" else "airflow"
        assert guarded.lets_in(user, f"{user}-1", theirs)
        assert not guarded.lets_in(user, f"{user}-1", other)
        assert not guarded.lets_in(user, "guessed", theirs)


def test_the_job_that_makes_users_may_run_again_with_other_passwords(
    guarded: Guarded,
) -> None:
    guarded.make_roles(PASSWORDS)
    guarded.make_roles({**PASSWORDS, "relevo_api": "other"})
    assert guarded.lets_in("relevo_api", "other", "relevo")
    assert not guarded.lets_in("relevo_api", "relevo_api-1", "relevo")


def test_the_api_writes_predictions_and_moves_and_no_more(migrated: Guarded) -> None:
    api = migrated.url("relevo_api", "relevo_api-1", "relevo")
    now = datetime.now(UTC).isoformat()
    run(
        api,
        'INSERT INTO predictions.log (receipt, "case", environment, at, input, status) '
        f"VALUES ('r', 'house_prices', 'prod', '{now}', '{{}}', 200)",
    )
    run(
        api,
        'INSERT INTO audit.moves ("case", kind, version, reason, requested_at) '
        f"VALUES ('house_prices', 'promotion', '1', 'a test', '{now}')",
    )
    run(api, "SELECT count(*) FROM audit.verdicts")
    run(api, "CREATE TEMPORARY TABLE arriving (line json) ON COMMIT DROP")
    for statement in (
        "SELECT * FROM raw.house_prices",
        "DELETE FROM predictions.log",
        "UPDATE audit.batches SET rows = 0",
        "CREATE TABLE public.mine (id int)",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            run(api, statement)


def test_the_ui_reads_everything_and_writes_nothing(migrated: Guarded) -> None:
    reader = migrated.url("relevo_ui", "relevo_ui-1", "relevo")
    run(
        migrated.url("relevo_loop", "relevo_loop-1", "relevo"),
        "CREATE TABLE raw.rents (id int)",
    )
    for table in (
        "raw.house_prices",
        "raw.rents",
        "clean.house_prices",
        "audit.decisions",
        "predictions.log",
    ):
        run(reader, f"SELECT * FROM {table}")
    with pytest.raises(ProgrammingError, match="permission denied"):
        run(
            reader,
            "INSERT INTO predictions.labels (receipt, at, truth) VALUES ('r', now(), '1')",
        )


def test_rights_may_be_given_again(migrated: Guarded, script: Load) -> None:
    script("migrations/grant.py").main(BASE / "migrations" / "grants.sql")


def test_a_rotation_changes_every_password_and_one_that_was_killed_goes_on(
    guarded: Guarded, script: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded.make_roles(PASSWORDS)
    for name, value in guarded.place.items():
        monkeypatch.setenv(name, value)
    rotation = script("secrets/rotation/rotate_postgresql.py")
    new = {role: f"{role}-2" for role in ("postgres", *ROLES)}
    for _ in range(
        2
    ):  # the second run finds the database with the new passwords, the Secret with the old
        rotation.set_passwords(rotation.connect("first", new["postgres"]), new)
    assert not guarded.lets_in("postgres", "first", "postgres")
    for role in ROLES:
        database = "airflow" if role == "airflow" else "relevo"
        assert guarded.lets_in(role, f"{role}-2", database)
        assert not guarded.lets_in(role, f"{role}-1", database)
