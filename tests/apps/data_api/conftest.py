import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import uvicorn
from relevo_data_api.app import create_data_api
from relevo_data_api.settings import DataApiSettings


class Process(NamedTuple):
    popen: subprocess.Popen[bytes]
    client: httpx.Client


class Shared(NamedTuple):
    client: httpx.Client
    state_dir: Path


Serve = Callable[..., httpx.Client]
Spawn = Callable[..., Process]


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def serve(state_dir: Path) -> Iterator[Serve]:
    """Serve on a free port from a thread of this process; settings by keyword, a client comes back."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(
            in_thread(
                DataApiSettings(
                    **{"state_dir": state_dir, "campaign_scale": 0.01} | settings
                )
            )
        )


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """One server for the tests of a module that leave its cursors as they found them."""
    state_dir = tmp_path_factory.mktemp("shared")
    with in_thread(
        DataApiSettings(state_dir=state_dir, groups="1=king-county,7=king-county")
    ) as client:
        yield Shared(client, state_dir)


@pytest.fixture
def spawn(state_dir: Path) -> Iterator[Spawn]:
    """Start `python -m relevo_data_api` on a free port; settings by keyword become its environment."""
    started = []

    def start(**settings: object) -> Process:
        environment = {
            "STATE_DIR": state_dir,
            "CAMPAIGN_SCALE": 0.01,
            "PORT": free_port(),
        }
        environment |= {name.upper(): value for name, value in settings.items()}
        process = start_process(environment)
        started.append(process)
        return process

    yield start
    for process in started:
        process.popen.kill()
        process.popen.wait()
        process.client.close()


@contextmanager
def in_thread(settings: DataApiSettings) -> Iterator[httpx.Client]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(create_data_api(settings), log_level="warning")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=30
        ) as client:
            wait_until_healthy(client, thread.is_alive)
            yield client
    finally:
        server.should_exit = True
        thread.join()


def start_process(environment: dict[str, object]) -> Process:
    variables = {
        f"RELEVO_DATA_API_{name}": str(value) for name, value in environment.items()
    }
    popen = subprocess.Popen(
        [sys.executable, "-m", "relevo_data_api"], env=os.environ | variables
    )
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{environment['PORT']}", timeout=30
    )
    wait_until_healthy(client, lambda: popen.poll() is None)
    return Process(popen, client)


def wait_until_healthy(client: httpx.Client, alive: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while alive() and time.monotonic() < deadline:
        try:
            client.get("/health")
        except httpx.TransportError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("the server did not start")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
