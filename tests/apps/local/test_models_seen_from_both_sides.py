"""`relevo run` writes MLflow's files itself; under `relevo up` a server does. Either sees what the other has made."""

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from relevo.adapters.mlflow.registry import MlflowRegistry
from relevo.domain.contract import number
from relevo.domain.model_version import RunRecord
from relevo.domain.release import Release, digest_of
from relevo.local.programs import mlflow
from relevo.local.sessions import end_sessions
from relevo.settings import Settings
from tests.apps.airflow.laptop import free_ports


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        _env_file=None,
        home=tmp_path_factory.mktemp("home"),
        mlflow_port=free_ports(1)[0],
    )  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def server(settings: Settings) -> Iterator[str]:
    program = mlflow(settings)
    process = subprocess.Popen(
        program.command, env={**os.environ, **program.env}, start_new_session=True
    )
    try:
        for _ in range(400):
            try:
                urllib.request.urlopen(program.ready_url, timeout=2).read()
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.2)
        yield program.url
    finally:
        end_sessions([process.pid])
        process.wait()


def registry(settings: Settings, tracking: str, cache: Path) -> MlflowRegistry:
    """As bootstrap opens it: an artifact folder of its own only where no server is named."""
    artifacts = (
        ""
        if tracking.startswith("http")
        else f"file://{settings.home}/mlflow-artifacts"
    )
    return MlflowRegistry(tracking, cache, artifacts=artifacts)


def release(folder: Path, weight: float) -> Path:
    folder.mkdir()
    node = helper.make_node("Mul", ["size", "weight"], ["prediction"])
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("size", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1])],
        [onnx.numpy_helper.from_array(np.array([weight], np.float32), "weight")],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9
    )
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    written = Release(
        case="flats",
        task="regression",
        target="rent",
        unit="EUR",
        log_target=False,
        fields=(number("size"),),
        classes=(),
        estimator="by_hand",
        digest=digest_of(model.SerializeToString()),
        decision_id=1,
        data_sha256="",
        commit="test",
        trained_at="2026-01-01T00:00:00+00:00",
        metrics={},
    )
    (folder / "release.json").write_text(json.dumps(written.to_dict()))
    return folder


@pytest.mark.parametrize("writer", ["server", "files"])
def test_a_model_registered_on_one_side_is_fetched_on_the_other(
    writer: str, settings: Settings, server: str, tmp_path: Path
) -> None:
    sides = {"server": server, "files": settings.tracking}
    reader = "files" if writer == "server" else "server"
    record = RunRecord(
        f"experiment_of_{writer}", "run", {"depth": 3}, {"test_rmse": 1.0}, {}
    )
    made = release(tmp_path / "release", weight=2.0)
    ours = registry(settings, sides[writer], tmp_path / "a")
    version = ours.register("flats", record, made, f"decision-{writer}")
    ours.set_alias("flats", "champion", version.number)
    theirs = registry(settings, sides[reader], tmp_path / "b")
    assert theirs.alias("flats", "champion") == version.number
    assert (theirs.fetch("flats", version.number) / "model.onnx").read_bytes() == (
        made / "model.onnx"
    ).read_bytes()


def test_an_experiment_made_on_one_side_takes_models_of_the_other(
    settings: Settings, server: str, tmp_path: Path
) -> None:
    record = RunRecord("shared", "run", {}, {}, {})
    versions = []
    for i, tracking in enumerate([settings.tracking, server, settings.tracking]):
        made = release(tmp_path / f"release-{i}", weight=float(i))
        side = registry(settings, tracking, tmp_path / f"cache-{i}")
        versions.append(
            side.register("shared_case", record, made, f"decision-{i}").number
        )
    for i, tracking in enumerate([server, settings.tracking, server]):
        fetched = registry(settings, tracking, tmp_path / f"other-{i}").fetch(
            "shared_case", versions[i]
        )
        assert fetched.is_dir()


def test_all_of_it_lies_under_home(settings: Settings, server: str) -> None:
    assert (settings.home / "mlflow.db").is_file()
    assert list((settings.home / "mlflow-artifacts").rglob("model.onnx"))
