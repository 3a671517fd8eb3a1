"""Asks for predictions without pause until it is told to end; runs in a pod of its own, with nothing but Python.

A request that fails is sent once more after three seconds, on a new connection: until then a Service may still lead to
a container that is no more. Each second a line of JSON says how
many were answered at once (`answered`), only when sent again (`again`), and not at all (`failed`, with `why`).
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from collections import Counter
from urllib.parse import urlsplit

THREADS, PAUSE, BEFORE_AGAIN, PATIENCE = 4, 0.05, 3.0, 10.0


def ask(url: str, body: bytes) -> None:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(
        str(place.hostname), place.port, timeout=PATIENCE
    )
    try:
        connection.request(
            "POST", place.path, body, {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise OSError(f"{answer.status} {text[:200]!r}")
    finally:
        connection.close()


def ask_on(url: str, body: bytes, counts: Counter[str], lock: threading.Lock) -> None:
    while True:
        outcome = once_or_twice(url, body)
        with lock:
            counts[outcome] += 1
        time.sleep(PAUSE)


def once_or_twice(url: str, body: bytes) -> str:
    try:
        ask(url, body)
    except (OSError, http.client.HTTPException) as error:
        print(json.dumps({"first_try": repr(error)}), flush=True)
        time.sleep(BEFORE_AGAIN)
        try:
            ask(url, body)
        except (OSError, http.client.HTTPException) as last:
            print(json.dumps({"second_try": repr(last)}), flush=True)
            return "failed"
        return "again"
    return "answered"


def main(url: str, body: str) -> None:
    counts, lock = Counter({"answered": 0, "again": 0, "failed": 0}), threading.Lock()
    for _ in range(THREADS):
        threading.Thread(
            target=ask_on, args=(url, body.encode(), counts, lock), daemon=True
        ).start()
    while True:
        time.sleep(1)
        with lock:
            print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
