"""Copies buckets to a folder, `dump FOLDER`, or back, `restore FOLDER`. BUCKETS names them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import boto3


def dump(store: Any, bucket: str, folder: Path) -> int:
    count = 0
    for page in store.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            path = folder / entry["Key"]
            path.parent.mkdir(parents=True, exist_ok=True)
            store.download_file(bucket, entry["Key"], str(path))
            count += 1
    return count


def restore(store: Any, bucket: str, folder: Path) -> int:
    """Puts back what the backup has. What came since stays: nothing points to it."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    for path in paths:
        store.upload_file(str(path), bucket, path.relative_to(folder).as_posix())
    return len(paths)


def main(what: str, root: Path) -> None:
    store = boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT"])
    for bucket in os.environ["BUCKETS"].split():
        count = (dump if what == "dump" else restore)(
            store, bucket, root / "buckets" / bucket
        )
        print(f"{bucket}: {count} objects")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
