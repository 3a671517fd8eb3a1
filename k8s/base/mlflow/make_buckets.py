"""Makes the buckets named as arguments where they are missing. Waits while the store is away."""

from __future__ import annotations

import os
import sys
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError

TRIES = 60


def make(bucket: str) -> None:
    store = boto3.client("s3", endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"])
    try:
        store.create_bucket(Bucket=bucket)
        print(f"bucket {bucket} made")
    except (
        store.exceptions.BucketAlreadyOwnedByYou,
        store.exceptions.BucketAlreadyExists,
    ):
        print(f"bucket {bucket} is there")


def main(buckets: list[str]) -> None:
    for left in reversed(range(TRIES)):
        try:
            for bucket in buckets:
                make(bucket)
        except (BotoCoreError, ClientError) as error:
            if not left:
                raise
            print(f"the store does not answer yet: {error}")
            time.sleep(2)
        else:
            return


if __name__ == "__main__":
    main(sys.argv[1:])
