"""A private MinIO for the tests that need real S3."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.servers import absent, free_port

STARTS_WITHIN = 30


@dataclass(frozen=True)
class Minio:
    url: str
    access_key: str
    secret_key: str

    @property
    def environment(self) -> dict[str, str]:
        """What a client's process needs to reach it; nothing is set for the whole test run."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@pytest.fixture(scope="session")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Minio]:
    """RELEVO_TEST_S3_ENDPOINT (with the AWS_… variables) names one that runs already."""
    if endpoint := os.environ.get("RELEVO_TEST_S3_ENDPOINT"):
        yield Minio(
            endpoint,
            os.environ["AWS_ACCESS_KEY_ID"],
            os.environ["AWS_SECRET_ACCESS_KEY"],
        )
        return
    folder = tmp_path_factory.mktemp("minio")
    server = Minio(
        f"http://127.0.0.1:{free_port()}", "relevo-test", "relevo-test-secret"
    )
    login = {
        "MINIO_ROOT_USER": server.access_key,
        "MINIO_ROOT_PASSWORD": server.secret_key,
        "MINIO_BROWSER": "off",
    }
    command = [
        binary(),
        "server",
        "--quiet",
        "--address",
        server.url.removeprefix("http://"),
        str(folder / "data"),
    ]
    with (folder / "minio.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=os.environ | login, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait_until_ready(server.url, process, folder / "minio.log")
        yield server
    finally:
        process.terminate()
        process.wait(10)


def binary() -> str:
    cached = Path.home() / ".cache" / "relevo" / "minio"
    found = (
        os.environ.get("RELEVO_TEST_MINIO")
        or shutil.which("minio")
        or (str(cached) if cached.is_file() else None)
    )
    if found is None:
        absent(
            "MinIO",
            f"go install github.com/minio/minio@latest, put it at {cached}, or set RELEVO_TEST_S3_ENDPOINT",
        )
    return found


def wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(f"{url}/minio/health/ready", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    pytest.fail(
        f"MinIO did not start within {STARTS_WITHIN} s:\n{log.read_text()[-2000:]}"
    )
