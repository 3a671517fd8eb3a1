"""Servers that speak the data API over a real socket, rightly or as badly as a test wants."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

END = "Ya se recolectó toda la información mínima necesaria"

Query = dict[str, int]


@dataclass
class RightAnswers:
    """The contract, over batches held in memory."""

    batches: list[bytes]
    groups: dict[int, int] = field(default_factory=lambda: {1: 0, 2: 0})

    def __call__(self, path: str, query: Query) -> tuple[int, bytes]:
        group = query["group_number"]
        if group not in self.groups:
            return 400, detail(f"group {group} does not exist; the groups are 1, 2")
        if path == "/restart_data_generation":
            self.groups[group] = 0
            return 200, b'{"ok": true}'
        number = query.get("batch_number", self.groups[group])
        if "batch_number" in query and number >= self.groups[group]:
            return 404, detail(
                f"batch {number} of group {group} has not been answered yet"
            )
        if number >= len(self.batches):
            return 400, detail(END)
        self.groups[group] = max(number + 1, self.groups[group])
        return 200, b'{"group_number":%d,"batch_number":%d,"data":%s}' % (
            group,
            number,
            self.batches[number],
        )


def detail(text: str) -> bytes:
    return json.dumps({"detail": text}).encode()


@contextmanager
def answering(answer: Callable[[str, Query], tuple[int, bytes]]) -> Iterator[str]:
    """A server that answers with a status and a body; its url."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            status, body = answer(
                url.path,
                {name: int(values[0]) for name, values in parse_qs(url.query).items()},
            )
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if 300 <= status < 400:
                self.send_header(
                    "Location", "http://login.example/sign-in?return=secret"
                )
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def speaking(script: Callable[[socket.socket], None]) -> Iterator[str]:
    """A bare socket that has read the request's head and does what the script says; its url."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65536)
                script(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()
