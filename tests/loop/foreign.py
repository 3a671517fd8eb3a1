"""A batch server written against the contract alone, that can be told to misbehave."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

END = "Ya se recolectó toda la información mínima necesaria"
Row = dict[str, Any]


def small_batches(count: int = 6, rows: int = 240, seed: int = 3) -> list[list[Row]]:
    """Flats whose rent follows their size and city; some cells missing, some rows the same."""
    rng = np.random.default_rng(seed)
    batches = []
    for number in range(count):
        size = rng.uniform(20, 160, rows).round(1)
        city = rng.choice(["Cali", "Bogotá", "Pasto"], rows)
        rent = (
            size * np.where(city == "Bogotá", 12, 8) * rng.lognormal(0, 0.1, rows)
        ).round(2)
        batch = [
            {
                "flat": float(number * rows + i),
                "city": str(city[i]),
                "size": float(size[i]),
                "rent": float(rent[i]),
            }
            for i in range(rows)
        ]
        batch[5]["city"] = None
        batch[8] = dict(batch[7])
        batches.append(batch)
    return batches


@dataclass
class Foreign:
    """The server's batches and cursor. `faults[k]` is what happens to the k-th GET /data, after the cursor moved."""

    batches: list[list[Row]]
    can_repeat: bool = False
    cursor: int = 0
    gets: int = 0
    restarts: int = 0
    faults: dict[int, str] = field(default_factory=dict)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, query: dict[str, list[str]]) -> tuple[int, bytes, str | None]:
        with self.lock:
            fault = self.faults.pop(self.gets, None)
            self.gets += 1
            if "batch_number" in query and self.can_repeat:
                number = int(query["batch_number"][0])
                if number >= self.cursor:
                    detail = f"batch {number} of group 1 has not been answered yet; ask without batch_number"
                    return 404, json.dumps({"detail": detail}).encode(), fault
            elif self.cursor >= len(self.batches):
                return (
                    400,
                    json.dumps({"detail": END}, ensure_ascii=False).encode(),
                    fault,
                )
            else:
                number, self.cursor = self.cursor, self.cursor + 1
        body = {"group_number": 1, "batch_number": number, "data": self.batches[number]}
        return 200, json.dumps(body, ensure_ascii=False).encode(), fault

    def restart(self) -> None:
        with self.lock:
            self.cursor = 0
            self.restarts += 1


def _handler(server: Foreign) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/restart_data_generation":
                server.restart()
                self._send(200, b'{"ok": true}')
                return
            status, body, fault = server.answer(parse_qs(url.query))
            if fault == "500":
                self._send(500, b"<h1>Internal Server Error</h1>")
            elif fault == "html":
                self._send(200, b"<html>please log in</html>")
            elif fault == "half":
                self._send(200, body[: len(body) // 2])
            elif fault == "drop":
                self.close_connection = True
                self.connection.close()
            elif fault == "hang":
                time.sleep(3)
                self.close_connection = True
            else:
                self._send(status, body)

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler


@contextmanager
def serving(foreign: Foreign) -> Iterator[Foreign]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(foreign))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    foreign.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield foreign
    finally:
        server.shutdown()
        server.server_close()
