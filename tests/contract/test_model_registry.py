"""The registry in MLflow: embedded in files, and as a server over MariaDB and MinIO; its aliases also over plain HTTP."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import mlflow.pyfunc
import numpy as np
import pandas
import pytest

from relevo.adapters.mlflow.aliases import MlflowAliases
from relevo.adapters.mlflow.registry import MlflowRegistry
from relevo.domain.frame import Categorical, Frame
from relevo.domain.model_version import RunRecord
from relevo.domain.release import CHALLENGER, CHAMPION, Release, digest_of, signature_of
from relevo.errors import ModelRefused, NotFound, StoreUnavailable
from relevo.learning.candidates import LinearBaseline
from relevo.learning.onnx_model import OnnxModel
from relevo.ports.registry import Aliases
from relevo.releases.release_folder import MODEL_FILE, RELEASE_FILE
from tests.contract.flats import FLATS
from tests.servers import free_port

ROWS = Frame(
    {"size": np.linspace(20, 200, 60, dtype=np.float32)},
    {"city": Categorical.of(["Cali", "Neiva", "Pasto"] * 20)},
    np.linspace(400, 2000, 60),
    np.arange(60, dtype=np.int64),
    np.zeros(60, np.int32),
)


@dataclass(frozen=True)
class Tracking:
    uri: str
    artifacts: str  # where its files go; empty where the server says
    over_http: bool = False


@pytest.fixture(params=["embedded", "server"])
def tracking(request: pytest.FixtureRequest, tmp_path: Path) -> Tracking:
    if request.param == "embedded":
        return Tracking(
            f"sqlite:///{tmp_path / 'mlflow.db'}", f"file://{tmp_path / 'artifacts'}"
        )
    return Tracking(
        str(request.getfixturevalue("mlflow_url")),
        "",
        over_http=request.param == "http",
    )


every_way = pytest.mark.parametrize(
    "tracking", ["embedded", "server", "http"], indirect=True
)


@pytest.fixture
def registry(tracking: Tracking, tmp_path: Path) -> MlflowRegistry:
    return MlflowRegistry(tracking.uri, tmp_path / "cache", tracking.artifacts)


@pytest.fixture
def case() -> str:
    """A name that no test before has used: the server stays."""
    return f"flats_{uuid4().hex[:8]}"


@pytest.fixture
def release(tmp_path: Path, case: str) -> Path:
    folder = tmp_path / "release"
    (folder / "native").mkdir(parents=True)
    (folder / "pictures").mkdir()
    model = LinearBaseline().fit(ROWS, ROWS, 1).to_onnx()
    (folder / MODEL_FILE).write_bytes(model)
    fields = tuple(
        field for field in signature_of(FLATS) if field.name in ("size", "city")
    )
    facts = Release(
        case=case,
        task="regression",
        target="rent",
        unit="EUR",
        log_target=False,
        fields=fields,
        classes=(),
        estimator="linear_baseline",
        digest=digest_of(model),
        decision_id=7,
        data_sha256="abc",
        commit="test",
        trained_at="2026-01-01T00:00:00+00:00",
        metrics={"test_rmse": 1.5},
    )
    (folder / RELEASE_FILE).write_text(json.dumps(facts.to_dict()))
    (folder / "native" / "model.json").write_text("{}")
    (folder / "pictures" / "fit.png").write_bytes(b"a picture")
    (folder / "card.md").write_text("# A card")
    return folder


@pytest.fixture
def register(
    registry: MlflowRegistry, release: Path, case: str
) -> Callable[[str], str]:
    run = RunRecord(
        "flats",
        "a training",
        {"rounds": 3},
        {"test_rmse": 1.5},
        {"relevo.reason": "no champion yet"},
    )
    return lambda key: registry.register(case, run, release, key).number


@pytest.fixture
def aliases(registry: MlflowRegistry, tracking: Tracking) -> Iterator[Aliases]:
    """The registry itself, or what serving has of it."""
    if not tracking.over_http:
        yield registry
        return
    over_http = MlflowAliases(tracking.uri)
    yield over_http
    over_http.close()


def test_what_was_registered_comes_back_whole(
    registry: MlflowRegistry, register: Callable[[str], str], case: str, release: Path
) -> None:
    number = register("decision-7")
    fetched = registry.fetch(case, number)
    for file in (path for path in release.rglob("*") if path.is_file()):
        assert (fetched / file.relative_to(release)).read_bytes() == file.read_bytes()
    assert OnnxModel(fetched / MODEL_FILE).predict(ROWS).shape == (60,)


def test_mlflow_itself_can_load_and_ask_the_model(
    registry: MlflowRegistry, register: Callable[[str], str], case: str
) -> None:
    """As `mlflow models serve` does, with a table."""
    loaded = mlflow.pyfunc.load_model(str(registry.fetch(case, register("decision-7"))))
    table = pandas.DataFrame(
        {"size": ROWS.numbers["size"], "city": ROWS.categories["city"].strings()}
    )
    answers = loaded.predict(table)["prediction"][:, 0]
    assert answers == pytest.approx(
        OnnxModel(registry.fetch(case, "1") / MODEL_FILE).predict(ROWS), rel=1e-6
    )


def test_a_version_is_found_by_its_decision_and_knows_why(
    registry: MlflowRegistry, register: Callable[[str], str], case: str
) -> None:
    assert registry.find(case, "decision-7") is None
    number = register("decision-7")
    register("decision-8")
    found = registry.find(case, "decision-7")
    assert found is not None
    assert (found.number, found.tags["relevo.reason"]) == (number, "no champion yet")
    assert [version.number for version in registry.versions(case)] == ["2", "1"]


def test_the_run_has_parameters_metrics_and_pictures(
    registry: MlflowRegistry,
    register: Callable[[str], str],
    case: str,
    tracking: Tracking,
) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracking.uri)
    run = client.get_run(registry.version(case, register("decision-7")).run_id)
    assert (
        run.info.status,
        run.data.params["rounds"],
        run.data.metrics["test_rmse"],
    ) == ("FINISHED", "3", 1.5)
    assert [
        file.path for file in client.list_artifacts(run.info.run_id, "pictures")
    ] == ["pictures/fit.png"]


@every_way
def test_an_alias_moves_and_is_none_before_it_is_set(
    aliases: Aliases, register: Callable[[str], str], case: str
) -> None:
    assert aliases.alias(case, CHAMPION) is None
    register("decision-7")
    assert aliases.alias(case, CHAMPION) is None
    register("decision-8")
    aliases.set_alias(case, CHAMPION, "1")
    aliases.set_alias(case, CHALLENGER, "2")
    aliases.set_alias(case, CHAMPION, "2")
    assert (aliases.alias(case, CHAMPION), aliases.alias(case, CHALLENGER)) == (
        "2",
        "2",
    )


@every_way
def test_a_tag_stays_with_its_version(
    aliases: Aliases, register: Callable[[str], str], case: str
) -> None:
    number = register("decision-7")
    aliases.tag(case, number, {"relevo.why": "ñandú " + "x" * 6000})
    found = aliases.version(case, number)
    assert found.tags["relevo.why"].startswith("ñandú xxx")
    assert found.tags["relevo.reason"] == "no champion yet"


@every_way
def test_a_version_that_is_not_there_is_named(
    aliases: Aliases, register: Callable[[str], str], case: str
) -> None:
    register("decision-7")
    with pytest.raises(NotFound, match=f"{case} has no version 77"):
        aliases.version(case, "77")


def test_a_file_that_was_changed_in_the_store_is_refused(
    registry: MlflowRegistry, register: Callable[[str], str], case: str, tmp_path: Path
) -> None:
    number = register("decision-7")
    cached = registry.fetch(case, number)
    registry.tag(case, number, {"relevo.digest": "0" * 64})
    shutil.rmtree(cached)
    with pytest.raises(ModelRefused, match=f"version {number} of {case}"):
        registry.fetch(case, number)


def test_a_server_that_is_away_is_named_with_the_setting() -> None:
    away = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(
        StoreUnavailable, match=f"{away} does not answer.*RELEVO_TRACKING_URI"
    ):
        MlflowAliases(away).alias("flats", CHAMPION)
