"""The cluster that kubectl speaks to, as a person at a terminal uses it."""

from __future__ import annotations

import json
import re
import subprocess
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Found = TypeVar("Found")
PAUSE = 2.0  # between two looks; each costs the cluster, and this machine, something
FORWARDED = re.compile(r"Forwarding from (127\.0\.0\.1:\d+)")


def kubectl(*arguments: str, given: str | None = None) -> str:
    """What kubectl prints. AssertionError with its complaint where it fails."""
    done = subprocess.run(
        ["kubectl", *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr.strip()}"
    return done.stdout


def get(kind: str, name: str = "", namespace: str = "") -> Any:
    """An object, or the list of all of a kind where no name is given."""
    found = json.loads(
        kubectl("get", kind, *filter(None, [name]), *_in(namespace), "--output=json")
    )
    return found if name else found["items"]


def apply(*objects: dict[str, Any]) -> None:
    kubectl("apply", "--filename=-", given="\n---\n".join(map(json.dumps, objects)))


def pods(namespace: str, selector: str) -> list[Any]:
    """Those that are not on their way out."""
    listed = json.loads(
        kubectl(
            "get", "pods", *_in(namespace), f"--selector={selector}", "--output=json"
        )
    )["items"]
    return [pod for pod in listed if not pod["metadata"].get("deletionTimestamp")]


def is_ready(pod: Any) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def steady(namespace: str, selector: str) -> set[str]:
    """uids of all pods; none while one of them is not ready or on its way out."""
    listed = json.loads(
        kubectl(
            "get", "pods", *_in(namespace), f"--selector={selector}", "--output=json"
        )
    )["items"]
    if any(
        pod["metadata"].get("deletionTimestamp") or not is_ready(pod) for pod in listed
    ):
        return set()
    return {pod["metadata"]["uid"] for pod in listed}


def secret(namespace: str, name: str) -> dict[str, str]:
    return {
        key: b64decode(value).decode()
        for key, value in get("secret", name, namespace)["data"].items()
    }


def query(database: str, statement: str) -> list[list[str]]:
    """Rows of the cluster's PostgreSQL."""
    command = [
        "psql",
        "--username=postgres",
        f"--dbname={database}",
        "--csv",
        "--tuples-only",
        f"--command={statement}",
    ]
    printed = kubectl("exec", "--namespace=relevo-data", "postgresql-0", "--", *command)
    return [line.split(",") for line in printed.splitlines() if line]


@contextmanager
def reach(namespace: str, target: str, port: int) -> Iterator[str]:
    """The address on this machine at which a Service of the cluster answers."""
    command = ["kubectl", "port-forward", *_in(namespace), target, f":{port}"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as forward:
        try:
            assert forward.stdout
            line = forward.stdout.readline()
            found = FORWARDED.search(line)
            assert found, (
                f"{target} of {namespace} cannot be reached: {line}{forward.stdout.read()}"
            )
            yield f"http://{found[1]}"
        finally:
            forward.terminate()


def until(seconds: float, what: str, found: Callable[[], Found | None]) -> Found:
    """The first answer that is not empty. A complaint of kubectl counts as none: what is asked may be away just now."""
    end, last = time.monotonic() + seconds, "nothing yet"
    while time.monotonic() < end:
        try:
            if answer := found():
                return answer
        except AssertionError as error:
            last = str(error)
        time.sleep(PAUSE)
    raise AssertionError(f"{what}: not within {seconds:.0f} s; {last}")


def _in(namespace: str) -> list[str]:
    return [f"--namespace={namespace}"] if namespace else []
