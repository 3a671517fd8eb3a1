"""The API in this process and as a process of its own, over releases in a folder."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from relevo_inference_api.app import create_app
from relevo_inference_api.settings import ApiSettings
from starlette.testclient import TestClient

from relevo.adapters.objects.folder_store import FolderStore
from relevo.adapters.sql.warehouse import SqlWarehouse
from relevo.settings import Settings
from tests.servers import free_port
from tests.serving.releases import HOUSES, LINEAR, houses, point_at, put

TOKEN = {"Authorization": "Bearer secret"}
Open = Callable[..., TestClient]


@dataclass(frozen=True)
class Place:
    """A home with two releases of house prices, version 1 the champion, and a warehouse that the loop has prepared."""

    home: Path

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.home / "api-artifacts")

    def settings(self) -> Settings:
        return Settings(_env_file=None, home=self.home)  # type: ignore[call-arg]


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("releases")
    return {"1": houses(folder / "1"), "2": houses(folder / "2", LINEAR)}


@pytest.fixture(scope="session")
def make_place(releases: dict[str, Path]) -> Callable[[Path], Place]:
    def make(home: Path) -> Place:
        place = Place(home)
        for version, folder in releases.items():
            put(place.store, version, folder)
        point_at(place.store, "1")
        warehouse = SqlWarehouse(place.settings().warehouse)
        warehouse.migrate()
        warehouse.close()
        return place

    return make


@pytest.fixture
def place(tmp_path: Path, make_place: Callable[[Path], Place]) -> Place:
    return make_place(tmp_path / "home")


@contextmanager
def opened(
    place: Place, *, hot: bool = True, **settings: object
) -> Iterator[TestClient]:
    values = {
        "cases": HOUSES,
        "token": "secret",
        "state_dir": place.home / "state",
        "poll_seconds": 0.5,
    } | settings
    app = create_app(ApiSettings(_env_file=None, **values), place.settings(), hot=hot)
    with TestClient(app, raise_server_exceptions=False) as client:
        until(lambda: client.get("/ready").status_code == 200)
        yield client


@pytest.fixture
def serve(place: Place) -> Iterator[Open]:
    """The application in this process; settings by keyword, a client comes back."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(opened(place, **settings))


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, make_place: Callable[[Path], Place]
) -> Iterator[TestClient]:
    """One application for the tests of a module that leave it as they found it."""
    with opened(make_place(tmp_path_factory.mktemp("shared"))) as client:
        yield client


@dataclass
class Process:
    popen: subprocess.Popen[bytes]
    url: str
    log: Path


@contextmanager
def process(
    place: Place, python: str | Path = sys.executable, **settings: object
) -> Iterator[Process]:
    """`python -m relevo_inference_api` on a free port."""
    port = free_port()
    values = {
        "CASES": HOUSES,
        "TOKEN": "secret",
        "PORT": port,
        "STATE_DIR": place.home / "state",
        "POLL_SECONDS": 0.2,
    }
    values |= {name.upper(): value for name, value in settings.items()}
    env = (
        os.environ
        | {"RELEVO_HOME": str(place.home)}
        | {f"RELEVO_API_{n}": str(v) for n, v in values.items()}
    )
    log = place.home / "api.log"
    with log.open("ab") as output:
        popen = subprocess.Popen(
            [python, "-m", "relevo_inference_api"], env=env, stderr=output
        )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: popen.poll() is not None or answers(url))
        assert popen.poll() is None, log.read_text()
        yield Process(popen, url, log)
    finally:
        popen.kill()
        popen.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ready").status_code == 200
    except httpx.TransportError:
        return False


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
