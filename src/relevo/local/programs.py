"""The programs that `relevo up` runs. One more is one more entry in `programs`."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import relevo
from relevo.bootstrap import find_use_cases
from relevo.errors import NotFound
from relevo.local.output_filter import airflow_line, errors_only
from relevo.settings import Settings

HERE = "127.0.0.1"
KEPT_TOKEN = "api-token"  # noqa: S105


def _any_answer(_: bytes) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """`worth_showing` gives what a person should read of a line of its output, None to leave it to the log file.

    `is_ready` judges the answer of `ready_path`. `setting` is the variable that moves `port`.
    """

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    port: int
    setting: str
    look: str = ""  # what there is to see at its address
    ready_path: str = "/health"
    is_ready: Callable[[bytes], bool] = _any_answer
    worth_showing: Callable[[str], str | None] = errors_only

    @property
    def url(self) -> str:
        return f"http://{HERE}:{self.port}"

    @property
    def ready_url(self) -> str:
        return self.url + self.ready_path


def programs(settings: Settings, token: str = "") -> list[Program]:
    """In the order in which they are started. What settings place elsewhere is not started here.

    `token` is what the API wants of admin actions, unless the environment names another.
    """
    started = [inference_api(settings, token), airflow(settings), ui(settings)]
    if not settings.tracking_uri:
        started.insert(0, mlflow(settings))
    if not _source_elsewhere(settings):
        started.insert(0, data_api(settings))
    return started


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
        setting="RELEVO_DATA_API_PORT",
        look="/docs: the source of the batches",
    )


def mlflow(settings: Settings) -> Program:
    """Over the files that `relevo` uses when no server runs.

    Artifacts are read and written in place, not through the server: what either has made is whole for the other.
    """
    home, port = settings.home.absolute(), settings.mlflow_port
    server = (sys.executable, "-m", "relevo.local.mlflow_server", f"{home}/mlflow.db")
    artifacts = f"--default-artifact-root=file://{home}/mlflow-artifacts"
    listen = ("--host", HERE, "--port", str(port), "--workers", "1")
    return Program(
        name="mlflow",
        command=(*server, *listen, artifacts, "--no-serve-artifacts"),
        env={
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        },
        port=port,
        setting="RELEVO_MLFLOW_PORT",
        look="experiments and models: why a version won or lost",
    )


def inference_api(settings: Settings, token: str) -> Program:
    """Serves every use case there is, so that a new one is answered for as soon as it has a champion."""
    defaults = {
        "RELEVO_API_CASES": ",".join(find_use_cases(settings)),
        "RELEVO_API_TOKEN": token,
    }
    return Program(
        name="api",
        command=(sys.executable, "-m", "relevo_inference_api"),
        env={
            **_task_env(settings),
            **_unless_set(defaults),
            "RELEVO_API_HOST": HERE,
            "RELEVO_API_PORT": str(settings.api_port),
        },
        port=settings.api_port,
        setting="RELEVO_API_PORT",
        look=f"/docs: predictions and explanations; admin actions need the token in {settings.home / KEPT_TOKEN}",
    )


def _unless_set(defaults: Mapping[str, object]) -> dict[str, str]:
    """The environment's own values where it has any."""
    return {name: os.environ.get(name, str(value)) for name, value in defaults.items()}


def kept_token(home: Path) -> str:
    """A secret of this machine, the same at each start."""
    path = home / KEPT_TOKEN
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
    return path.read_text()


def airflow(settings: Settings) -> Program:
    return Program(
        name="airflow",
        command=(str(Path(sys.executable).parent / "airflow"), "standalone"),
        env={**_task_env(settings), **_airflow_env(settings)},
        port=settings.airflow_port,
        setting="RELEVO_AIRFLOW_PORT",
        look="the DAGs, one run per batch",
        ready_path="/api/v2/monitor/health",
        is_ready=_airflow_is_ready,
        worth_showing=airflow_line,
    )


def ui(settings: Settings) -> Program:
    """RELEVO_UI_APIS, where it is set, names other APIs than the one started here."""
    apis = json.dumps({"prod": f"http://{HERE}:{settings.api_port}"})
    return Program(
        name="ui",
        command=(sys.executable, "-m", "relevo_ui"),
        env={
            **_task_env(settings),
            **_unless_set({"RELEVO_UI_APIS": apis}),
            "RELEVO_UI_HOST": HERE,
            "RELEVO_UI_PORT": str(settings.ui_port),
        },
        port=settings.ui_port,
        setting="RELEVO_UI_PORT",
        look="predictions, every decision with its evidence, models side by side, live figures",
        ready_path="/_stcore/health",
    )


def _task_env(settings: Settings) -> dict[str, str]:
    """The settings of the loop, the same wherever a task is started."""
    source, tracking = settings.source_url, settings.tracking_uri
    if not _source_elsewhere(settings):
        source = f"http://{HERE}:{settings.data_api_port}"
    apis = settings.reload_urls or [f"http://{HERE}:{settings.api_port}"]
    return {
        "RELEVO_HOME": str(settings.home.absolute()),
        "RELEVO_USE_CASES": str(settings.use_cases.absolute()),
        "RELEVO_TRACKING_URI": tracking or f"http://{HERE}:{settings.mlflow_port}",
        "RELEVO_RELOAD_URLS": json.dumps(apis),
        "RELEVO_SOURCE_URL": source,
        # threads that spin while they wait make training many times slower where others want the processor too
        "OMP_WAIT_POLICY": "PASSIVE",
    }


def _airflow_env(settings: Settings) -> dict[str, str]:
    """Its own folder and ports, no log-in, and what is preferred."""
    url = f"http://{HERE}:{settings.airflow_port}"
    fixed = {
        "CORE__DAGS_FOLDER": dags_folder(),
        "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": True,
        "API__HOST": HERE,
        "API__PORT": settings.airflow_port,
        "API__BASE_URL": url,
        "LOGGING__WORKER_LOG_SERVER_PORT": free_port(),
        "LOGGING__TRIGGER_LOG_SERVER_PORT": free_port(),
    }
    preferences = tomllib.loads(Path(__file__).with_name("airflow.toml").read_text())
    preferred = {f"AIRFLOW__{name}": value for name, value in preferences.items()}
    path = (str(Path(sys.executable).parent), os.environ.get("PATH", ""))
    return {
        "AIRFLOW_HOME": f"{settings.home.absolute()}/airflow",
        "PATH": os.pathsep.join(path),
        "PYTHONWARNINGS": "ignore",
        **_unless_set(preferred),
        **{f"AIRFLOW__{name}": str(value) for name, value in fixed.items()},
    }


def _airflow_is_ready(body: bytes) -> bool:
    health = json.loads(body)
    parts = ("metadatabase", "scheduler", "dag_processor")
    return all(health[part]["status"] == "healthy" for part in parts)


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
