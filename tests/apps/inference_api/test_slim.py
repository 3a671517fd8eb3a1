"""The API from an environment made as its image's is: what apps/slim.py takes out of it is not missed."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import botocore.credentials
import botocore.tokens
import httpx
import pytest

from relevo.adapters.objects.s3_store import S3Store
from relevo.adapters.sql.warehouse import SqlWarehouse
from tests.apps.inference_api.conftest import TOKEN, Open, Place, process, until
from tests.servers import absent
from tests.servers.minio import Minio
from tests.serving.releases import HOUSE, point_at, put

ROOT = Path(__file__).parents[3]
SLIM = ROOT / "apps" / "slim.py"
LOAD_ALL = ROOT / "apps" / "inference-api" / "load_all.py"
CASE = "/v1/house_prices"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What uv installs for the image, nothing taken out yet."""
    uv = (
        shutil.which("uv")
        or shutil.which("uv", path=ROOT / ".uv" / "bin")
        or absent("uv", "run make setup")
    )
    folder = tmp_path_factory.mktemp("image") / "relevo"
    settings = {
        "UV_PROJECT_ENVIRONMENT": str(folder),
        "UV_LINK_MODE": "copy",
        "UV_COMPILE_BYTECODE": "0",
    }
    sync = [
        uv,
        "sync",
        "--frozen",
        "--no-dev",
        "--no-editable",
        "--package",
        "relevo-inference-api",
        "--quiet",
    ]
    ours = [
        "--refresh-package",
        "relevo",
        "--refresh-package",
        "relevo-inference-api",
    ]  # as the source is now
    subprocess.run(
        [*sync, *ours, "--python", sys.executable],
        env=os.environ | settings,
        cwd=ROOT,
        check=True,
    )
    return folder


@pytest.fixture(scope="module")
def slim() -> dict[str, Any]:
    return runpy.run_path(str(SLIM))


@pytest.fixture
def bucket(
    place: Place,
    releases: dict[str, Path],
    minio: Minio,
    postgres_database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> S3Store:
    """The release in S3, the warehouse in PostgreSQL, as on a cluster."""
    name = f"slim{time.time_ns()}"
    places = {
        "S3_ENDPOINT": minio.url,
        "ARTIFACTS_STORE": f"s3://{name}",
        "WAREHOUSE_URL": postgres_database,
    }
    for variable, value in (
        minio.environment | {f"RELEVO_{key}": place for key, place in places.items()}
    ).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    warehouse = SqlWarehouse(postgres_database)
    warehouse.migrate()
    warehouse.close()
    store = S3Store(name, minio.url)
    put(store, "1", releases["1"])
    point_at(store, "1")
    return store


def test_every_line_of_the_list_still_finds_something(
    environment: Path, slim: dict[str, Any]
) -> None:
    (packages,) = environment.glob("lib/python3*/site-packages")

    assert [
        pattern for pattern in slim["UNUSED"] if not any(packages.glob(pattern))
    ] == []


def test_each_service_of_amazon_that_a_login_may_need_is_kept(
    slim: dict[str, Any],
) -> None:
    code = "".join(
        Path(module.__file__).read_text()
        for module in (botocore.credentials, botocore.tokens)
    )
    asked = re.findall(
        r"""(?:client_creator|create_nested_client)\(\s*(?:self\._session,\s*)?["']([\w-]+)["']""",
        code,
    )

    assert slim["USED"] == {f"botocore/data/{service}" for service in {"s3", *asked}}


def test_the_api_answers_explains_and_logs_from_a_slim_environment(
    environment: Path, bucket: S3Store, place: Place, serve: Open
) -> None:
    expected = (
        serve(state_dir=place.home / "whole").post(f"{CASE}/explain", json=HOUSE).json()
    )
    subprocess.run([sys.executable, SLIM, environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run([python, "-P", LOAD_ALL], check=True)
    compiled = set(environment.rglob("*.pyc"))

    with process(place, python) as api, httpx.Client(base_url=api.url) as client:
        said = client.post(f"{CASE}/predict", json=HOUSE).json()
        assert client.post(f"{CASE}/explain", json=HOUSE).json() == expected
        assert said["prediction"] == expected["prediction"]
        until(lambda: client.get(f"/v1/receipts/{said['receipt']}").json()["shipped"])
        label = {"receipt": said["receipt"], "truth": 500_000}
        assert (
            client.post(f"{CASE}/labels", json=label, headers=TOKEN).status_code == 200
        )
        assert "relevo_failed_predictions_total" in client.get("/metrics").text
        # the dialect of house prices was loaded too
        assert "/predict" in client.get("/openapi.json").json()["paths"]
        api.popen.terminate()
        assert api.popen.wait(60) == 0
    (shipped,) = bucket.list("predictions/prod/house_prices/")
    with bucket.open(shipped) as lines:
        assert said["receipt"].encode() in lines.read()
    assert set(environment.rglob("*.pyc")) - compiled == set(), (
        "not compiled in the image, so again at every start"
    )
