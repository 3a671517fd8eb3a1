"""MLflow as it stands in the cluster: its server over MariaDB, its files in MinIO."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.servers import free_port
from tests.servers.minio import Minio
from tests.servers.programs import Program

BUCKET = "mlflows3"


@pytest.fixture(scope="session")
def mlflow_url(
    mariadb_url: str, minio: Minio, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A tracking server that hands files on: its clients know nothing of S3."""
    home, url = (
        Path(tmp_path_factory.mktemp("mlflow")),
        f"http://127.0.0.1:{free_port()}",
    )
    make_bucket(minio)
    store = (
        "--backend-store-uri",
        mariadb_url,
        "--artifacts-destination",
        f"s3://{BUCKET}",
    )
    where = ("--host", "127.0.0.1", "--port", url.rpartition(":")[2], "--workers", "1")
    quiet = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    server = Program(
        home,
        None,
        {
            **os.environ,
            **minio.environment,
            **quiet,
            "MLFLOW_S3_ENDPOINT_URL": minio.url,
        },
    )
    try:
        server.start(
            [sys.executable, "-m", "mlflow", "server", *store, *where],
            lambda: answers(url),
            seconds=90,
        )
        yield url
    finally:
        server.end(signal.SIGTERM)


def answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/health", timeout=2):
            return True
    except (URLError, OSError):
        return False


def make_bucket(minio: Minio) -> None:
    import boto3

    login = {
        "aws_access_key_id": minio.access_key,
        "aws_secret_access_key": minio.secret_key,
    }
    boto3.client(
        "s3", endpoint_url=minio.url, region_name="us-east-1", **login
    ).create_bucket(Bucket=BUCKET)
