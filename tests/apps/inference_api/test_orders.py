"""A person promotes and rolls back over HTTP, with MLflow as the truth of the alias."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from relevo_inference_api.app import create_app
from relevo_inference_api.settings import ApiSettings
from starlette.testclient import TestClient

from relevo.adapters.mlflow.aliases import MlflowAliases
from relevo.adapters.mlflow.registry import MlflowRegistry
from relevo.adapters.sql.database import Database
from relevo.adapters.sql.record import SqlRecord
from relevo.domain.model_version import RunRecord
from relevo.settings import Settings
from tests.apps.inference_api.conftest import TOKEN, Place, until
from tests.serving.releases import HOUSE, HOUSES, put

RUN = RunRecord(HOUSES, "a run", {}, {}, {})


@pytest.fixture
def versions(mlflow_url: str, releases: dict[str, Path], place: Place) -> list[str]:
    """Two registered versions, their files in the store; the first is champion."""
    registry = MlflowRegistry(mlflow_url, place.home / "cache")
    made = []
    for key, folder in releases.items():
        made.append(
            registry.register(
                HOUSES, RUN, folder, f"{place.home.parent.name}-{key}"
            ).number
        )
        put(place.store, made[-1], folder)
    registry.set_alias(HOUSES, "champion", made[0])
    return made


@pytest.fixture
def client(mlflow_url: str, versions: list[str], place: Place) -> Iterator[TestClient]:
    settings = ApiSettings(
        _env_file=None,
        token="secret",
        state_dir=place.home / "state",
        poll_seconds=3600,
    )
    places = Settings(_env_file=None, home=place.home, tracking_uri=mlflow_url)  # type: ignore[call-arg]
    with TestClient(
        create_app(settings, places), raise_server_exceptions=False
    ) as client:
        until(lambda: client.get("/ready").status_code == 200)
        yield client


def serving(client: TestClient) -> str:
    return str(client.post("/v1/house_prices/predict", json=HOUSE).json()["version"])


def test_a_version_is_promoted_and_rolled_back_and_each_move_is_on_record(
    client: TestClient, versions: list[str], place: Place, mlflow_url: str
) -> None:
    first, second = versions
    assert serving(client) == first
    order = {"version": second, "reason": "better on new houses"}
    moved = client.post("/v1/house_prices/promote", json=order, headers=TOKEN)
    assert moved.json() == {
        "version": second,
        "was": first,
        "reason": "better on new houses",
    }
    assert MlflowAliases(mlflow_url).alias(HOUSES, "champion") == second
    assert serving(client) == second
    again = client.post("/v1/house_prices/promote", json=order, headers=TOKEN)
    assert again.status_code == 409
    assert "is the champion already" in again.json()["detail"]
    client.post(
        "/v1/house_prices/promote",
        json={"version": first, "reason": "doubt"},
        headers=TOKEN,
    )
    back = client.post(
        "/v1/house_prices/rollback", json={"reason": "no doubt"}, headers=TOKEN
    )
    assert (back.json()["version"], back.json()["was"]) == (second, first)
    assert serving(client) == second
    record = SqlRecord(Database(place.settings().warehouse, patience=2))
    assert [move.reason for move in record.moves(HOUSES)] == [
        "better on new houses",
        "doubt",
        "no doubt",
    ]


def test_what_cannot_be_moved_is_said(client: TestClient) -> None:
    unknown = client.post(
        "/v1/house_prices/promote",
        json={"version": "99", "reason": "why"},
        headers=TOKEN,
    )
    assert unknown.status_code == 404
    assert "no version 99" in unknown.json()["detail"]
    nothing = client.post(
        "/v1/house_prices/rollback", json={"reason": "why"}, headers=TOKEN
    )
    assert nothing.status_code == 409
    assert "nothing to roll back to" in nothing.json()["detail"]


def test_with_the_registry_away_the_pointer_leads_and_orders_are_503(
    versions: list[str], place: Place
) -> None:
    settings = ApiSettings(
        _env_file=None, token="secret", state_dir=place.home / "state"
    )
    places = Settings(
        _env_file=None, home=place.home, tracking_uri="http://127.0.0.1:9"
    )  # type: ignore[call-arg]
    with TestClient(
        create_app(settings, places), raise_server_exceptions=False
    ) as client:
        until(lambda: client.get("/ready").status_code == 200)
        assert serving(client) == "1"
        order = {"version": "2", "reason": "why"}
        refused = client.post("/v1/house_prices/promote", json=order, headers=TOKEN)
        assert refused.status_code == 503
        assert "MLflow at http://127.0.0.1:9" in refused.json()["detail"]
