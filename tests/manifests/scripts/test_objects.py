"""Buckets and backups, on a real MinIO and a real folder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.manifests.scripts.conftest import Load
from tests.servers.minio import Minio


@pytest.fixture
def store(minio: Minio, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in minio.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", minio.url)
    monkeypatch.setenv("S3_ENDPOINT", minio.url)
    return boto3.client("s3", endpoint_url=minio.url)


def test_buckets_are_made_once_and_found_again(store: Any, script: Load) -> None:
    module = script("mlflow/make_buckets.py")
    for _ in range(2):
        module.main(["made-first", "made-second"])
    assert {"made-first", "made-second"} <= {
        one["Name"] for one in store.list_buckets()["Buckets"]
    }


def test_what_was_lost_from_a_bucket_comes_back_as_it_was(
    store: Any, script: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUCKETS", "kept")
    store.create_bucket(Bucket="kept")
    objects = {
        f"1/abc/artifacts/part-{number}": bytes([number]) * number
        for number in range(1, 30)
    }
    for key, body in objects.items():
        store.put_object(Bucket="kept", Key=key, Body=body)
    module = script("backups/buckets.py")
    module.main("dump", tmp_path)
    for key in objects:
        store.delete_object(Bucket="kept", Key=key)
    module.main("restore", tmp_path)
    assert {
        key: store.get_object(Bucket="kept", Key=key)["Body"].read() for key in objects
    } == objects


def test_the_latest_backup_is_a_whole_one_and_the_oldest_go(
    script: Load, tmp_path: Path
) -> None:
    module = script("backups/keep.py")
    for day in range(1, 6):
        module.begin(tmp_path)
        (tmp_path / "incoming" / "relevo.dump").write_text(str(day))
        module.end(tmp_path, 3, datetime(2026, 1, day, tzinfo=UTC))
        assert (tmp_path / "latest" / "relevo.dump").read_text() == str(day)
    assert sorted(path.name[:10] for path in tmp_path.glob("2026-*")) == [
        "2026-01-03",
        "2026-01-04",
        "2026-01-05",
    ]


def test_a_backup_that_did_not_end_is_never_the_latest(
    script: Load, tmp_path: Path
) -> None:
    module = script("backups/keep.py")
    module.begin(tmp_path)
    (tmp_path / "incoming" / "relevo.dump").write_text("whole")
    module.end(tmp_path, 3, datetime(2026, 1, 1, tzinfo=UTC))
    module.begin(tmp_path)
    (tmp_path / "incoming" / "relevo.dump").write_text("ha")
    module.begin(tmp_path)
    assert (tmp_path / "latest" / "relevo.dump").read_text() == "whole"
    assert list((tmp_path / "incoming").iterdir()) == []


def test_where_there_is_no_backup_a_restore_says_so(
    script: Load, tmp_path: Path
) -> None:
    module = script("backups/keep.py")
    with pytest.raises(SystemExit, match="holds no backup"):
        module.check(tmp_path)
    module.begin(tmp_path)
    kept = module.end(tmp_path, 3, datetime(2026, 1, 1, tzinfo=UTC))
    assert module.check(tmp_path) == kept
