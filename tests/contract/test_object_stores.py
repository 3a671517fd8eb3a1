"""What every object store promises, asked of a folder and of a real MinIO."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from relevo.adapters.objects.folder_store import FolderStore
from relevo.adapters.objects.s3_store import S3Store
from relevo.errors import InvalidInput, NotFound, StoreUnavailable
from relevo.ports.store import ObjectStore
from relevo.whole_file import UNFINISHED
from tests.file_size_limit import file_size_limit
from tests.servers import free_port
from tests.servers.minio import Minio

MEGABYTE = 1024 * 1024


@dataclass
class Place:
    """A store, and how another process opens it."""

    store: ObjectStore
    source: str
    environment: dict[str, str] = field(default_factory=dict)


@pytest.fixture(params=["folder", "s3", "s3 with a prefix"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Place:
    if request.param == "folder":
        path = str(tmp_path / "store")
        return Place(
            FolderStore(path),
            f"from relevo.adapters.objects.folder_store import FolderStore as S; store = S({path!r})",
        )
    minio: Minio = request.getfixturevalue("minio")
    for name, value in minio.environment.items():
        monkeypatch.setenv(name, value)
    bucket = f"t{time.time_ns()}" + ("/models/dev" if "prefix" in request.param else "")
    opened = f"from relevo.adapters.objects.s3_store import S3Store as S; store = S({bucket!r}, {minio.url!r})"
    return Place(S3Store(bucket, minio.url), opened, minio.environment)


@pytest.fixture
def store(place: Place) -> ObjectStore:
    return place.store


def content(store: ObjectStore, key: str) -> bytes:
    with store.open(key) as stream:
        return stream.read()


def test_what_is_put_is_there_whole(store: ObjectStore) -> None:
    assert store.put("landing/iris/3.json", iter([b"one", b"", b"two"])) == 6
    assert content(store, "landing/iris/3.json") == b"onetwo"
    assert store.exists("landing/iris/3.json")


def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    assert store.put("empty", []) == 0
    assert content(store, "empty") == b""


def test_a_second_put_replaces_the_first(store: ObjectStore) -> None:
    store.put("key", [b"longer than the other"])
    store.put("key", [b"short"])
    assert content(store, "key") == b"short"


def test_a_stream_can_be_read_in_pieces(store: ObjectStore) -> None:
    store.put("key", [b"0123456789"])
    with store.open("key") as stream:
        assert [stream.read(4), stream.read(4), stream.read(4), stream.read(4)] == [
            b"0123",
            b"4567",
            b"89",
            b"",
        ]


def test_what_is_not_there_is_not_found(store: ObjectStore) -> None:
    assert not store.exists("never")
    assert store.list("never") == []
    with pytest.raises(NotFound, match="never"), store.open("never"):
        pass
    store.put("other", [b"x"])
    assert not store.exists("never")
    with pytest.raises(NotFound, match="never"), store.open("never"):
        pass


def test_keys_are_listed_by_prefix_in_order(store: ObjectStore) -> None:
    for key in ("a/2", "a/10", "ab/1", "a/b/c", "b"):
        store.put(key, [b"x"])
    assert store.list("a") == ["a/10", "a/2", "a/b/c", "ab/1"]
    assert store.list("a/") == ["a/10", "a/2", "a/b/c"]
    assert store.list("a/1") == ["a/10"]
    assert store.list("") == ["a/10", "a/2", "a/b/c", "ab/1", "b"]


def test_a_deleted_object_is_gone_and_deleting_again_is_no_error(
    store: ObjectStore,
) -> None:
    store.delete("key")
    store.put("key", [b"x"])
    store.delete("key")
    store.delete("key")
    assert not store.exists("key")


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../up", "a/../../up", "a//b", "a/", "./a", "a\x00b"]
)
def test_a_key_that_could_leave_the_store_is_refused(
    store: ObjectStore, key: str
) -> None:
    for use in (
        lambda: store.put(key, [b"x"]),
        lambda: store.exists(key),
        lambda: store.delete(key),
    ):
        with pytest.raises(InvalidInput, match="object key"):
            use()


@pytest.mark.parametrize("before", [10, 20 * MEGABYTE])
def test_a_put_whose_chunks_fail_leaves_nothing_and_raises_what_they_raised(
    store: ObjectStore, before: int
) -> None:
    def chunks() -> Iterator[bytes]:
        yield bytes(before)
        raise TimeoutError("the source went silent")

    with pytest.raises(TimeoutError, match="silent"):
        store.put("key", chunks())
    assert not store.exists("key")
    assert store.list("") == []


def test_a_put_that_is_killed_leaves_nothing_to_be_seen_and_the_old_object_whole(
    place: Place,
) -> None:
    place.store.put("old", [b"whole"])
    script = f"""{place.source}
import time
def chunks():
    for _ in range(3):
        yield bytes({9 * MEGABYTE})
    print("half", flush=True)
    time.sleep(60)
store.put(__import__("sys").argv[1], chunks())"""
    for key in ("new", "old"):
        process = subprocess.Popen(
            [sys.executable, "-c", script, key],
            env=os.environ | place.environment,
            stdout=subprocess.PIPE,
        )
        assert process.stdout
        assert process.stdout.readline() == b"half\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    assert place.store.list("") == ["old"]
    assert content(place.store, "old") == b"whole"


def test_puts_of_one_key_at_once_leave_one_of_them_whole(store: ObjectStore) -> None:
    store.put("key", [b"first"])
    threads = [
        threading.Thread(
            target=store.put, args=("key", [bytes([letter]) * MEGABYTE] * 9)
        )
        for letter in b"abcd"
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert len(set(content(store, "key"))) in (1, len(set(b"first")))
    found = content(store, "key")
    assert len(found) == 9 * MEGABYTE
    assert len(set(found)) == 1
    assert store.list("") == ["key"]


def test_a_large_object_passes_through_little_memory(place: Place) -> None:
    script = f"""{place.source}
import resource
store.put("warm", [b"x"])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
block = bytes({MEGABYTE})
store.put("large", (block for _ in range(150)))
with store.open("large") as stream:
    assert sum(len(part) for part in iter(lambda: stream.read({MEGABYTE}), b"")) == 150 * {MEGABYTE}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"""
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | place.environment,
        capture_output=True,
        check=True,
        text=True,
    )
    assert int(result.stdout) * 1024 < 60 * MEGABYTE


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        file_size_limit(MEGABYTE),
        pytest.raises(StoreUnavailable, match=f"File too large.*{tmp_path}"),
    ):
        FolderStore(tmp_path).put("large", [bytes(MEGABYTE), bytes(MEGABYTE)])
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_asks_for_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        StoreUnavailable, match="No space left on device; free some space"
    ):
        FolderStore(tmp_path).put("key", [b"x"])
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_put_left_in_a_folder_is_swept_a_day_later(
    tmp_path: Path,
) -> None:
    old, young = tmp_path / f"{UNFINISHED}old", tmp_path / f"{UNFINISHED}young"
    old.touch()
    young.touch()
    os.utime(old, (0, 0))
    FolderStore(tmp_path).put("key", [b"x"])
    assert sorted(path.name for path in tmp_path.iterdir()) == [young.name, "key"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="file/store"):
        FolderStore(tmp_path / "file" / "store").put("key", [b"x"])


def test_s3_that_is_down_names_its_endpoint_and_bucket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    endpoint = f"http://127.0.0.1:{free_port()}"
    for use in (
        lambda store: store.put("key", [b"x"]),
        lambda store: store.exists("key"),
        lambda store: store.list(""),
    ):
        with pytest.raises(
            StoreUnavailable, match=f"s3://mlflows3/.*{endpoint}.*RELEVO_S3_ENDPOINT"
        ):
            use(S3Store("mlflows3", endpoint, tries=1))


def test_s3_that_refuses_the_credentials_says_so(
    minio: Minio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", minio.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(
        StoreUnavailable, match=r"s3://mlflows3/.*rights of these credentials"
    ):
        S3Store("mlflows3", minio.url).put("key", [b"x"])
