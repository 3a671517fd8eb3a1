"""The programs that `relevo up` runs. One more is one more entry in `programs`."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import relevo
from relevo.bootstrap import find_use_cases
from relevo.errors import NotFound
from relevo.local.output_filter import airflow_line, worries
from relevo.settings import Settings

HERE = "127.0.0.1"
KEPT_TOKEN = "api-token"  # noqa: S105
# Imported once by the server that tasks are forked from: a task would spend most of its time importing them.
PRELOADED = (
    "airflow.executors.local_executor",
    "airflow.sdk.execution_time.task_runner",
    "airflow.providers.standard.operators.trigger_dagrun",
    "relevo.bootstrap",
    "relevo.adapters.sql.warehouse",
    "relevo.adapters.mlflow.registry",
    "relevo.adapters.http_source",
    "relevo.loop.train",
    "relevo.loop.contest",
    "xgboost",
)
# As small as Airflow gets, and quick to notice that a process is gone; AIRFLOW__… in the environment goes before.
PREFERRED = {
    "CORE__LOAD_EXAMPLES": False,
    "CORE__PARALLELISM": 2,
    "CORE__DEFAULT_TASK_RETRY_DELAY": 10,
    "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": 0.5,
    "WORKERS__MIN_HEARTBEAT_INTERVAL": 1,  # also how late the end of a task is noticed
    "SCHEDULER__MP_START_METHOD": "forkserver",
    "SCHEDULER__MP_FORKSERVER_PRELOAD": ",".join(PRELOADED),
    "API__WORKERS": 1,
    "DAG_PROCESSOR__PARSING_PROCESSES": 1,
    "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": 15,
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": 60,
    "USAGE_DATA_COLLECTION__ENABLED": False,
}


def _answers(_: bytes) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Program:
    """`worth_showing` answers what a person should read of a line of its output, None to leave it to the log file.

    `is_ready` judges the body of `ready_url`. `setting` is the variable that moves `port`.
    """

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    port: int
    ready_url: str
    setting: str
    look: str = ""  # what there is to see at its address
    is_ready: Callable[[bytes], bool] = _answers
    worth_showing: Callable[[str], str | None] = field(default=lambda line: line)

    @property
    def url(self) -> str:
        return f"http://{HERE}:{self.port}"


def programs(settings: Settings, token: str = "") -> list[Program]:
    """In the order in which they are started. What settings place elsewhere is not started here.

    `token` is what the API wants of people who order, unless the environment names another.
    """
    wanted = [inference_api(settings, token), airflow(settings), ui(settings)]
    if not settings.tracking_uri:
        wanted.insert(0, mlflow(settings))
    if not _source_elsewhere(settings):
        wanted.insert(0, data_api(settings))
    return wanted


def _source_elsewhere(settings: Settings) -> bool:
    return "source_url" in settings.model_fields_set


def data_api(settings: Settings) -> Program:
    return Program(
        name="data-api",
        command=(sys.executable, "-m", "relevo_data_api"),
        env={
            "RELEVO_DATA_API_HOST": HERE,
            "RELEVO_DATA_API_PORT": str(settings.data_api_port),
            "RELEVO_DATA_API_STATE_DIR": str(settings.home.absolute() / "data-api"),
        },
        port=settings.data_api_port,
        ready_url=f"http://{HERE}:{settings.data_api_port}/health",
        setting="RELEVO_DATA_API_PORT",
        look="/docs: the source of the batches",
        worth_showing=worries,
    )


def mlflow(settings: Settings) -> Program:
    """Over the files that `relevo` uses when no server runs.

    Artifacts are read and written in place, not through the server: what either has made is whole for the other.
    """
    home, port = settings.home.absolute(), str(settings.mlflow_port)
    artifacts = (
        "--default-artifact-root",
        f"file://{home}/mlflow-artifacts",
        "--no-serve-artifacts",
    )
    options = ("--host", HERE, "--port", port, "--workers", "1", *artifacts)
    return Program(
        name="mlflow",
        command=(
            sys.executable,
            "-m",
            "relevo.local.mlflow_server",
            str(home / "mlflow.db"),
            *options,
        ),
        env={
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        },
        port=settings.mlflow_port,
        ready_url=f"http://{HERE}:{settings.mlflow_port}/health",
        setting="RELEVO_MLFLOW_PORT",
        look="experiments and models: why a version won or lost",
        worth_showing=worries,
    )


def inference_api(settings: Settings, token: str) -> Program:
    """Serves every use case there is, so that a new one is answered for as soon as it has a champion."""
    return Program(
        name="api",
        command=(sys.executable, "-m", "relevo_inference_api"),
        env={
            **_of_tasks(settings),
            "RELEVO_API_HOST": HERE,
            "RELEVO_API_PORT": str(settings.api_port),
            "RELEVO_API_CASES": os.environ.get(
                "RELEVO_API_CASES", ",".join(find_use_cases(settings))
            ),
            "RELEVO_API_TOKEN": os.environ.get("RELEVO_API_TOKEN", token),
        },
        port=settings.api_port,
        ready_url=f"http://{HERE}:{settings.api_port}/health",
        setting="RELEVO_API_PORT",
        look=f"/docs: the champion answers, and says why; orders want the token in {settings.home / KEPT_TOKEN}",
        worth_showing=worries,
    )


def kept_token(home: Path) -> str:
    """A secret of this machine, the same at each start."""
    path = home / KEPT_TOKEN
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
    return path.read_text()


def airflow(settings: Settings) -> Program:
    port, home = settings.airflow_port, settings.home.absolute() / "airflow"
    return Program(
        name="airflow",
        command=(str(Path(sys.executable).parent / "airflow"), "standalone"),
        env={**_of_tasks(settings), **_of_airflow(port, home)},
        port=port,
        ready_url=f"http://{HERE}:{port}/api/v2/monitor/health",
        setting="RELEVO_AIRFLOW_PORT",
        look="the DAGs, a run a batch",
        is_ready=_airflow_is_ready,
        worth_showing=airflow_line,
    )


def ui(settings: Settings) -> Program:
    """RELEVO_UI_APIS, where it is set, names other APIs than the one started here."""
    here = json.dumps({"prod": f"http://{HERE}:{settings.api_port}"})
    apis = os.environ.get("RELEVO_UI_APIS", here)
    return Program(
        name="ui",
        command=(sys.executable, "-m", "relevo_ui"),
        env={
            **_of_tasks(settings),
            "RELEVO_UI_APIS": apis,
            "RELEVO_UI_HOST": HERE,
            "RELEVO_UI_PORT": str(settings.ui_port),
        },
        port=settings.ui_port,
        ready_url=f"http://{HERE}:{settings.ui_port}/_stcore/health",
        setting="RELEVO_UI_PORT",
        look="prices, every decision with its evidence, models beside each other, what is answered now",
        worth_showing=worries,
    )


def _of_tasks(settings: Settings) -> dict[str, str]:
    """The settings of the loop, the same wherever a task is started."""
    return {
        "RELEVO_HOME": str(settings.home.absolute()),
        "RELEVO_USE_CASES": str(settings.use_cases.absolute()),
        "RELEVO_TRACKING_URI": settings.tracking_uri
        or f"http://{HERE}:{settings.mlflow_port}",
        "RELEVO_RELOAD_URLS": json.dumps(
            settings.reload_urls or [f"http://{HERE}:{settings.api_port}"]
        ),
        # threads that spin while they wait make training many times slower where others want the processor too
        "OMP_WAIT_POLICY": "PASSIVE",
        "RELEVO_SOURCE_URL": (
            settings.source_url
            if _source_elsewhere(settings)
            else f"http://{HERE}:{settings.data_api_port}"
        ),
    }


def _of_airflow(port: int, home: Path) -> dict[str, str]:
    """Its own folder and ports, no log-in, and what it is told to prefer."""
    fixed = {
        "CORE__DAGS_FOLDER": dags_folder(),
        "CORE__EXECUTION_API_SERVER_URL": f"http://{HERE}:{port}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": True,
        "API__HOST": HERE,
        "API__PORT": port,
        "API__BASE_URL": f"http://{HERE}:{port}",
        "LOGGING__WORKER_LOG_SERVER_PORT": free_port(),
        "LOGGING__TRIGGER_LOG_SERVER_PORT": free_port(),
    }
    path = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    )
    return {
        "AIRFLOW_HOME": str(home),
        "PATH": path,
        "PYTHONWARNINGS": "ignore",
        **{
            f"AIRFLOW__{name}": os.environ.get(f"AIRFLOW__{name}", str(value))
            for name, value in PREFERRED.items()
        },
        **{f"AIRFLOW__{name}": str(value) for name, value in fixed.items()},
    }


def _airflow_is_ready(body: bytes) -> bool:
    health = json.loads(body)
    return all(
        health[part]["status"] == "healthy"
        for part in ("metadatabase", "scheduler", "dag_processor")
    )


def dags_folder() -> Path:
    for root in (Path(relevo.__file__).parents[2], Path.cwd()):
        if (root / "apps" / "airflow" / "dags").is_dir():
            return root / "apps" / "airflow" / "dags"
    raise NotFound(
        "apps/airflow/dags is not here; start `relevo up` in a checkout of Relevo"
    )


def free_port() -> int:
    with socket.create_server((HERE, 0)) as listener:
        return int(listener.getsockname()[1])
