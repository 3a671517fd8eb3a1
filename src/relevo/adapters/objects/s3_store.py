"""Bytes under a key, in an S3 bucket: Amazon's, MinIO's, or any other that speaks it."""

from __future__ import annotations

import builtins
import contextlib
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, BinaryIO

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.session import Session
from urllib3.exceptions import HTTPError

from relevo.adapters.blocks import BLOCK_SIZE
from relevo.adapters.objects.object_key import checked_key
from relevo.errors import NotFound, StoreUnavailable

PART_BYTES = (
    8 * 1024 * 1024
)  # S3 refuses parts under 5 MiB, and more than 10,000 of them
_ABSENT = {"404", "NoSuchKey", "NoSuchBucket", "NotFound"}
_MADE_MEANWHILE = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}
_FORBIDDEN = {"403", "AccessDenied", "Forbidden"}


class S3Store:
    """`bucket` may go on with a prefix: `models/dev`. An empty `endpoint` means Amazon's.

    Credentials and region come from the usual AWS_… variables, a profile or the pod's identity. A missing bucket is
    made at the first put. A put that was killed leaves parts that are not seen: let the bucket expire such uploads.
    """

    def __init__(self, bucket: str, endpoint: str = "", *, tries: int = 5) -> None:
        self._bucket, _, prefix = bucket.partition("/")
        self._prefix = f"{prefix.strip('/')}/".lstrip("/")
        self._endpoint = endpoint
        self._has_bucket = False
        # a server of one's own seldom has a name for each bucket
        style = "path" if endpoint else "auto"
        config = Config(
            retries={"total_max_attempts": tries, "mode": "standard"},
            connect_timeout=5,
            read_timeout=60,
            s3={"addressing_style": style},
            # older MinIO and others refuse the newer default
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        try:
            self._client: Any = Session().create_client(
                "s3", endpoint_url=endpoint or None, config=config
            )
        except (BotoCoreError, ValueError) as error:
            raise StoreUnavailable(
                f"s3://{bucket}: {error}; is RELEVO_S3_ENDPOINT right?"
            ) from error

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """Parts go out as the chunks come in; the object appears when the last one has arrived."""
        name = self._name(key)
        parts = _parts(chunks)
        first = next(parts)
        second = next(parts, None)
        with self._explained():
            self._make_bucket()
            if second is None:
                self._client.put_object(**name, Body=first)
                return len(first)
            name["UploadId"] = self._client.create_multipart_upload(**name)["UploadId"]
        try:
            return self._put_parts(name, chain([first, second], parts))
        except BaseException:
            with contextlib.suppress(BotoCoreError, ClientError):
                self._client.abort_multipart_upload(**name)
            raise

    def _put_parts(self, upload: dict[str, str], parts: Iterator[bytes]) -> int:
        """What the chunks themselves raise passes as it is."""
        done: list[dict[str, Any]] = []
        size = 0
        for number, part in enumerate(parts, 1):
            size += len(part)
            with self._explained():
                answer = self._client.upload_part(
                    **upload, PartNumber=number, Body=part
                )
            done.append({"PartNumber": number, "ETag": answer["ETag"]})
        with self._explained():
            self._client.complete_multipart_upload(
                **upload, MultipartUpload={"Parts": done}
            )
        return size

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        # also explains a connection that breaks while the caller reads
        with self._explained(key):
            answer = self._client.get_object(**self._name(key))
            with io.BufferedReader(answer["Body"], BLOCK_SIZE) as stream:
                yield stream

    def exists(self, key: str) -> bool:
        with self._explained(), _passing_over(_ABSENT):
            self._client.head_object(**self._name(key))
            return True
        return False

    def list(self, prefix: str) -> builtins.list[str]:
        keys: list[str] = []
        with self._explained(), _passing_over(_ABSENT):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            for page in pages:
                keys += [entry["Key"] for entry in page.get("Contents", [])]
        return sorted(key.removeprefix(self._prefix) for key in keys)

    def delete(self, key: str) -> None:
        with self._explained(), _passing_over(_ABSENT):
            self._client.delete_object(**self._name(key))

    def _name(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + checked_key(key)}

    def _make_bucket(self) -> None:
        """Where looking or making is forbidden, the bucket is someone else's care and the put will tell."""
        if self._has_bucket:
            return
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except ClientError as error:
            if _code(error) in _ABSENT:
                self._create_bucket()
            elif _code(error) not in _FORBIDDEN:
                raise
        self._has_bucket = True

    def _create_bucket(self) -> None:
        options: dict[str, Any] = {}
        region = self._client.meta.region_name
        # Amazon refuses the name of its first region, and others know no regions
        if not self._endpoint and region not in (None, "us-east-1", "aws-global"):
            options["CreateBucketConfiguration"] = {"LocationConstraint": region}
        with _passing_over(_MADE_MEANWHILE | _FORBIDDEN):
            self._client.create_bucket(Bucket=self._bucket, **options)

    @contextmanager
    def _explained(self, key: str = "") -> Iterator[None]:
        where = f"s3://{self._bucket}/{self._prefix}{key} at {self._endpoint or 'Amazon S3'}"
        try:
            yield
        except NoCredentialsError as error:
            raise StoreUnavailable(
                f"{where}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            ) from error
        except ClientError as error:
            if key and _code(error) in _ABSENT:
                raise NotFound(
                    f"{where} does not exist; was it deleted, or is the store another bucket?"
                ) from error
            raise StoreUnavailable(
                f"{where}: {error}; check the bucket and the rights of these credentials"
            ) from error
        except (BotoCoreError, HTTPError) as error:
            raise StoreUnavailable(
                f"{where}: {error}; is it up, and RELEVO_S3_ENDPOINT right?"
            ) from error


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Parts of the size S3 wants; at least one, the last of which may be smaller."""
    gathered = bytearray()
    whole_parts = 0
    for chunk in chunks:
        gathered += chunk
        while len(gathered) >= PART_BYTES:
            yield bytes(gathered[:PART_BYTES])
            del gathered[:PART_BYTES]
            whole_parts += 1
    if gathered or not whole_parts:
        yield bytes(gathered)


@contextmanager
def _passing_over(codes: set[str]) -> Iterator[None]:
    """Faults that change nothing for whoever asked."""
    try:
        yield
    except ClientError as error:
        if _code(error) not in codes:
            raise


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
