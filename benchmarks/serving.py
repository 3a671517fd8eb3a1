"""Serving the champion: server on one core, wrk on the other, other bodies each request, all servers in one run.

Set RELEVO_BENCH_MLSERVER to the Python of an environment with mlserver and onnxruntime to have MLServer beside it:
uv venv DIR && uv pip install --python DIR/bin/python mlserver onnxruntime
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import mlflow.onnx
import onnx

from benchmarks.measure import Figure, report
from benchmarks.wrk import SERVER_CORE, Speed, load, require_wrk
from relevo.adapters.mlflow.registry import tensor_signature
from relevo.adapters.objects.folder_store import FolderStore
from relevo.adapters.sql.warehouse import SqlWarehouse
from relevo.learning.candidates import BoostedTrees
from relevo.releases.release_folder import MODEL_FILE, ReleaseFolder
from tests.servers import free_port
from tests.serving.releases import houses, loaded, point_at, put, rows_of, sides

ROUNDS, SECONDS, OTHERS_SECONDS = 3, 8, 5
LIST_ROWS, LISTS = 10_000, 7
PREDICT = "/v1/house_prices/predict"
BARE = """
import pickle, statistics, sys, time
import onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options)
feed = pickle.load(open(sys.argv[2], "rb"))
def once():
    started = time.perf_counter()
    session.run(["prediction"], feed)
    return time.perf_counter() - started
print(statistics.median([once() for _ in range(int(sys.argv[3]))]))
"""


@contextmanager
def server(arguments: list[str], url: str, ready: str, env: dict[str, str] | None = None, python: str = sys.executable,
           cwd: Path | None = None) -> Iterator[tuple[int, float]]:  # fmt: skip
    """A process on the server's core; its pid, and the seconds until it was ready."""
    started = time.perf_counter()
    process = subprocess.Popen(
        ["taskset", "-c", SERVER_CORE, python, *arguments], env={**os.environ, **(env or {})}, cwd=cwd,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(url + ready, process)
        yield process.pid, time.perf_counter() - started
    finally:
        process.terminate()
        process.wait(60)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    with httpx.Client() as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if client.get(url).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.005)
    raise SystemExit(f"{url} did not answer")


def address() -> tuple[str, str]:
    port = free_port()
    return f"http://127.0.0.1:{port}", str(port)


def measured(rows: list[dict[str, Any]], folder: Path, release: Path) -> list[Figure]:
    bodies = written(folder / "rows", rows, lambda row: row)
    ours, port = address()
    beside, other = address()
    env = {
        "RELEVO_HOME": str(folder / "home"),
        "RELEVO_API_PORT": port,
        "RELEVO_API_CASES": "house_prices",
    }
    with server(["-m", "relevo_inference_api"], ours, "/ready", env):
        """Fills the disk cache."""
    with (
        server(["-m", "relevo_inference_api"], ours, "/ready", env) as (pid, warm),
        server(["-m", "benchmarks.constant_api", other], beside, "/ready"),
    ):
        lists = list_seconds(ours, rows)
        rounds = [
            (
                load(ours + PREDICT, bodies, SECONDS),
                load(f"{beside}/predict", bodies, SECONDS),
            )
            for _ in range(ROUNDS)
        ]
        memory = resident_mb(pid)
    us, them = typical(rounds, 0), typical(rounds, 1)
    bare = bare_seconds(folder, release, rows)
    return [
        Figure("requests a second, against FastAPI with pydantic and a constant", us.a_second, them.a_second, "1/s",
               "ratio 0.9, aim past 1.0"),
        Figure("p50 of the same", us.p50_ms, them.p50_ms, "ms", "for information"),
        Figure("p99 of the same", us.p99_ms, them.p99_ms, "ms", "ratio at most 1.5"),
        Figure(f"rows a second in lists of {LIST_ROWS:,}, against bare ONNX Runtime", LIST_ROWS / lists, LIST_ROWS / bare,
               "1/s", "ratio 0.7"),
        Figure("seconds to ready with a warm cache", warm, 2.0, "s", "ratio under 1"),
        Figure("resident memory after the load", memory, 250.0, "MB", "ratio under 1"),
        *others(us, folder, release, rows),
    ]  # fmt: skip


def typical(rounds: list[tuple[Speed, Speed]], place: int) -> Speed:
    """The medians of a server's rounds."""
    speeds = [pair[place] for pair in rounds]
    return Speed(
        *(
            statistics.median(getattr(s, name) for s in speeds)
            for name in ("a_second", "p50_ms", "p99_ms")
        )
    )


def list_seconds(url: str, rows: list[dict[str, Any]]) -> float:
    lists = [json.dumps(random.choices(rows, k=LIST_ROWS)) for _ in range(LISTS)]
    seconds = []
    with httpx.Client(base_url=url, timeout=60) as client:
        for body in lists:
            started = time.perf_counter()
            client.post(PREDICT, content=body).raise_for_status()
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def bare_seconds(folder: Path, release: Path, rows: list[dict[str, Any]]) -> float:
    import pickle

    model = loaded(release)
    read: Any = model.strict.read(
        json.dumps(random.choices(rows, k=LIST_ROWS)).encode()
    )
    (folder / "feed").write_bytes(pickle.dumps(model.feed(read)))
    command = [
        sys.executable,
        "-c",
        BARE,
        str(release / MODEL_FILE),
        str(folder / "feed"),
        str(LISTS),
    ]
    return float(
        subprocess.run(
            ["taskset", "-c", SERVER_CORE, *command], check=True, capture_output=True
        ).stdout
    )


def others(
    us: Speed, folder: Path, release: Path, rows: list[dict[str, Any]]
) -> list[Figure]:
    figures = [
        Figure(
            "against `mlflow models serve`",
            us.a_second,
            of_mlflow(folder, release, rows),
            "1/s",
            "30 times",
        )
    ]
    if python := os.environ.get("RELEVO_BENCH_MLSERVER"):
        of = of_mlserver(python, folder, release, rows)
        figures.append(Figure("against MLServer", us.a_second, of, "1/s", "3 times"))
    else:
        print(
            "MLServer is not measured: RELEVO_BENCH_MLSERVER names no environment that has it"
        )
    return figures


def of_mlflow(folder: Path, release: Path, rows: list[dict[str, Any]]) -> float:
    """The champion as the registry keeps it, asked with a record of a table, as its own documentation does."""
    signature = tensor_signature(ReleaseFolder(release).release())
    mlflow.onnx.save_model(
        onnx.load(str(release / MODEL_FILE)),
        str(folder / "mlflow"),
        signature=signature,
    )
    url, port = address()
    command = [
        "-m",
        "mlflow",
        "models",
        "serve",
        "-m",
        str(folder / "mlflow"),
        "--env-manager",
        "local",
        "-p",
        port,
    ]
    bodies = written(folder / "records", rows, lambda row: {"dataframe_records": [row]})
    env = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    }
    with server(command, url, "/ping", env):
        return load(f"{url}/invocations", bodies, OTHERS_SECONDS).a_second


def of_mlserver(
    python: str, folder: Path, release: Path, rows: list[dict[str, Any]]
) -> float:
    home = folder / "mlserver"
    home.mkdir()
    (home / "mlserver_houses.py").write_text(
        Path(__file__).with_name("mlserver_houses.py").read_text()
    )
    url, port = address()
    settings = {"http_port": int(port), "grpc_port": free_port(), "metrics_port": free_port(), "parallel_workers": 0,
                "host": "127.0.0.1", "debug": False}  # fmt: skip
    model = {
        "name": "houses",
        "implementation": "mlserver_houses.Houses",
        "parameters": {"uri": str(release / MODEL_FILE)},
    }
    (home / "settings.json").write_text(json.dumps(settings))
    (home / "model-settings.json").write_text(json.dumps(model))
    bodies = written(folder / "inputs", rows, inputs_of)
    with server(
        ["-m", "mlserver.cli.main", "start", "."],
        url,
        "/v2/health/ready",
        python=python,
        cwd=home,
    ):
        return load(f"{url}/v2/models/houses/infer", bodies, OTHERS_SECONDS).a_second


def inputs_of(row: dict[str, Any]) -> dict[str, Any]:
    kinds = {
        name: "BYTES" if name in ("city", "state", "zip_code") else "FP32"
        for name in row
    }
    values = {
        name: str(value) if kinds[name] == "BYTES" else value
        for name, value in row.items()
    }
    return {
        "inputs": [
            {"name": n, "shape": [1, 1], "datatype": kinds[n], "data": [v]}
            for n, v in values.items()
        ]
    }


def written(
    path: Path, rows: list[dict[str, Any]], shape: Callable[[dict[str, Any]], Any]
) -> Path:
    path.write_text("\n".join(json.dumps(shape(row)) for row in rows))
    return path


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def prepared(home: Path, release: Path) -> None:
    store = FolderStore(home / "api-artifacts")
    put(store, "1", release)
    point_at(store, "1")
    warehouse = SqlWarehouse(f"sqlite:///{home}/warehouse.db")
    warehouse.migrate()
    warehouse.close()


def main() -> None:
    require_wrk()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        release = houses(folder / "release", BoostedTrees())
        prepared(folder / "home", release)
        rows = [
            row
            for row in rows_of(sides()[1], loaded(release).columns)
            if None not in row.values()
        ]
        random.shuffle(rows)
        report("serving", measured(rows, folder, release))


if __name__ == "__main__":
    main()
