"""The hint after publishing: APIs are told where they can be, and nothing fails where they cannot."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from relevo.adapters.reload_notifier import HttpReloadNotifier

asked: list[str] = []


class Api(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked.append(self.path)
        self.send_response(200 if self.path == "/load_model/" else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def api() -> Iterator[str]:
    asked.clear()
    with HTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    "wrong",
    ["http://127.0.0.1:9", "{api}/elsewhere", "no-scheme:8989", "http://host:port"],
)
def test_an_api_that_cannot_be_told_is_logged_and_the_next_one_is_told(
    wrong: str, api: str, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = wrong.format(api=api)
    HttpReloadNotifier((wrong, f"{api}/"))("house_prices")
    assert asked[-1] == "/load_model/"
    assert f"the API at {wrong} was not told" in caplog.text
