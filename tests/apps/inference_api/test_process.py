"""The program as it runs: it starts from its disk, swaps under load, and ends in order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from relevo.adapters.sql.predictions import SqlPredictions
from relevo.serving.model import ServedModel
from tests.apps.inference_api.conftest import Place, process, until
from tests.apps.inference_api.swapping import Load, expected_of, swap_under_load
from tests.serving.releases import HOUSE, loaded, rows_of, sides

HEAVY = (
    "mlflow",
    "pandas",
    "pyarrow",
    "sklearn",
    "scipy",
    "xgboost",
    "onnx",
    "alembic",
    "airflow",
    "matplotlib",
)


@pytest.fixture
def load(place: Place, releases: dict[str, Path]) -> Load:
    models: dict[str, ServedModel] = {
        version: loaded(folder, version) for version, folder in releases.items()
    }
    rows = rows_of(sides()[1], models["1"].columns)[:500]
    return Load("", rows, expected_of(models, rows))


def hold(place: Place, load: Load, seconds: float) -> int:
    with process(place) as api:
        load.url = api.url
        swaps = swap_under_load(place, api, load, seconds)
        failed = [
            line for line in api.log.read_text().splitlines() if '"error"' in line
        ]
    assert load.faults == []
    assert failed == []
    assert min(load.answered["1"], load.answered["2"]) > 20
    return swaps


def test_models_swap_back_and_forth_under_load_and_no_answer_fails_or_mixes(
    place: Place, load: Load
) -> None:
    assert hold(place, load, 10) >= 4


@pytest.mark.kills
def test_models_swap_back_and_forth_for_a_minute(place: Place, load: Load) -> None:
    assert hold(place, load, 60) >= 30


def test_a_restarted_process_answers_from_its_disk_while_the_store_is_gone(
    place: Place,
) -> None:
    with process(place) as api:
        price = httpx.post(f"{api.url}/predict", json=HOUSE).json()["predicted_price"]
    (place.home / "api-artifacts").rename(place.home / "gone")
    with process(place) as api:
        assert (
            httpx.post(f"{api.url}/predict", json=HOUSE).json()["predicted_price"]
            == price
        )


def test_sigterm_finishes_what_was_asked_and_ships_what_was_answered(
    place: Place,
) -> None:
    body = json.dumps([HOUSE] * 8000).encode()
    with process(place) as api:

        def half_way_through() -> Iterator[bytes]:
            yield body[:500_000]
            for _ in range(3):
                httpx.get(
                    f"{api.url}/health"
                )  # by now the first half has been read too
            api.popen.send_signal(signal.SIGTERM)
            until(lambda: not accepts(api.url))
            yield body[500_000:]

        answer = httpx.post(
            f"{api.url}/v1/house_prices/predict", content=half_way_through(), timeout=60
        )
        assert api.popen.wait(60) == 0
    receipts = [item["receipt"] for item in answer.json()["predictions"]]
    assert len(receipts) == 8000
    shipped = SqlPredictions(place.settings().warehouse)
    assert all(
        shipped.find(receipt) is not None for receipt in (receipts[0], receipts[-1])
    )
    keys = place.store.list("predictions/prod/house_prices/")
    assert sum(count_lines(place, key) for key in keys) == 8000


def accepts(url: str) -> bool:
    try:
        httpx.get(f"{url}/health")
    except httpx.TransportError:
        return False
    return True


def count_lines(place: Place, key: str) -> int:
    with place.store.open(key) as stream:
        return len([json.loads(line) for line in stream])


def test_two_processes_never_write_one_log(place: Place) -> None:
    with process(place) as first:
        env = os.environ | {
            "RELEVO_HOME": str(place.home),
            "RELEVO_API_STATE_DIR": str(place.home / "state"),
        }
        second = subprocess.run(
            [sys.executable, "-m", "relevo_inference_api"],
            env=env | {"RELEVO_API_PORT": "0"},
            capture_output=True,
            timeout=60,
        )
        assert second.returncode != 0
        assert first.popen.poll() is None


def test_nothing_heavy_is_loaded_to_answer(place: Place) -> None:
    """Training, MLflow and pandas are neither needed nor waited for."""
    code = f"""
import json, sys
from starlette.testclient import TestClient
from relevo_inference_api.app import create_app
with TestClient(create_app()) as client:
    while client.get("/ready").status_code != 200:
        pass
    assert client.post("/v1/house_prices/predict", json={HOUSE!r}).status_code == 200
    print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
"""
    env = os.environ | {"RELEVO_HOME": str(place.home)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[]", done.stderr
