"""Use cases that speak as an older system did, several in one API: house prices, and the example of docs/extending.md."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from relevo_inference_api.app import create_app
from relevo_inference_api.settings import ApiSettings
from starlette.testclient import TestClient

from relevo.settings import Settings
from tests.apps.inference_api.conftest import Place, until
from tests.extending import own_dialect
from tests.serving.releases import HOUSE, HOUSES, IRIS, flowers, point_at, put

FLOWER = {"features": [5.1, 3.5, 1.4, 0.2]}
IRIS_CASE = """
from relevo.domain.contract import Contract, category, number
from relevo.domain.use_case import FileBatches, UseCase
from relevo.learning.candidates import BoostedTrees

from .dialect import DIALECT, NAMES

CASE = UseCase(
    name="iris",
    contract=Contract(
        target="species",
        identity=(NAMES[0],),
        columns=(*map(number, NAMES), category("species")),
    ),
    features=NAMES,
    candidates=(BoostedTrees(),),
    source=FileBatches("data"),
    task="classification",
    dialect=DIALECT,
)
"""


@pytest.fixture(scope="module")
def use_cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """House prices, irises with a dialect of their own, and a use case that cannot be loaded."""
    folder = tmp_path_factory.mktemp("use_cases")
    shutil.copytree(Path("use_cases") / HOUSES, folder / HOUSES)
    (folder / IRIS).mkdir()
    (folder / IRIS / "use_case.py").write_text(IRIS_CASE)
    (folder / "broken").mkdir()
    (folder / "broken" / "use_case.py").write_text("import nothing_that_is_there")
    return folder


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, use_cases: Path, make_place: Any
) -> Place:
    folder = tmp_path_factory.mktemp("dialects")
    place: Place = make_place(folder / "home")
    release = flowers(folder / "iris")
    put(place.store, "1", release, IRIS)
    point_at(place.store, "1", case=IRIS)
    fields = json.loads((release / "release.json").read_text())["fields"]
    names = tuple(field["name"] for field in fields)
    (use_cases / IRIS / "dialect.py").write_text(own_dialect(names))
    return place


@pytest.fixture(scope="module", params=[True, False], ids=["hot", "FastAPI"])
def client(
    request: pytest.FixtureRequest, place: Place, use_cases: Path
) -> Iterator[TestClient]:
    with served(
        place, use_cases, (HOUSES, IRIS, "broken"), hot=request.param
    ) as client:
        yield client


def served(
    place: Place, use_cases: Path, names: tuple[str, ...], *, hot: bool = True
) -> Any:
    settings = ApiSettings(
        _env_file=None, cases=names, state_dir=place.home / f"state-{names}-{hot}"
    )
    places = Settings(_env_file=None, home=place.home, use_cases=use_cases)  # type: ignore[call-arg]
    return TestClient(
        create_app(settings, places, hot=hot), raise_server_exceptions=False
    )


@pytest.fixture(autouse=True)
def ready(client: TestClient) -> None:
    until(lambda: client.get("/ready").json()["cases"][IRIS])


def test_the_first_case_named_answers_at_the_root(client: TestClient) -> None:
    for path in ("/predict", "/predict/"):
        assert "predicted_price" in client.post(path, json=HOUSE).json()


def test_every_case_answers_below_its_name(client: TestClient) -> None:
    assert client.post("/iris/predict", json=FLOWER).json() == {"prediction": 0}
    for path in ("/house_prices/predict", "/house_prices/predict/"):
        assert "predicted_price" in client.post(path, json=HOUSE).json()


@pytest.mark.parametrize("host", ["iris.models.example", "IRIS.example:8989"])
def test_the_name_of_the_host_chooses_the_case(client: TestClient, host: str) -> None:
    answer = client.post("/predict", json=FLOWER, headers={"host": host})
    assert answer.json() == {"prediction": 0}
    assert len(answer.headers["x-receipt"]) == 32


@pytest.mark.parametrize("host", ["house-prices.example", "other.example", "iris"])
def test_any_other_host_means_the_first_case_or_the_one_it_names(
    client: TestClient, host: str
) -> None:
    answer = client.post("/predict", json=HOUSE, headers={"host": host})
    assert answer.status_code == (422 if host == "iris" else 200)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"features": [1.0, 2.0]}, "features"),
        ({"features": [1, 2, 3, "4"]}, "features[3]"),
        ({"features": [1, 2, 3, 4], "more": 1}, ""),
        ([FLOWER], ""),
        ({}, ""),
    ],
)
def test_a_body_that_is_not_of_the_dialect_is_refused(
    client: TestClient, body: Any, field: str
) -> None:
    answer = client.post("/iris/predict", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["field"] == field


def test_the_document_shows_each_dialect_once(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    paths = {path for path in document["paths"] if path.endswith("predict")}
    platform = {f"/v1/{name}/predict" for name in (HOUSES, IRIS, "broken")}
    assert paths == platform | {"/predict", "/iris/predict"}
    body = document["paths"]["/iris/predict"]["post"]["requestBody"]
    content = body["content"]["application/json"]
    assert content["example"] == FLOWER
    assert content["schema"] == {"$ref": "#/components/schemas/Flower"}
    assert {"Flower", "Species", "HousePrice"} <= set(document["components"]["schemas"])


def test_a_case_without_a_folder_has_the_paths_of_the_platform_only(
    place: Place, tmp_path: Path
) -> None:
    with served(place, tmp_path, (HOUSES,)) as client:
        until(lambda: client.get("/ready").status_code == 200)
        assert client.post("/v1/house_prices/predict", json=HOUSE).status_code == 200
        assert client.post("/predict", json=HOUSE).status_code == 404
