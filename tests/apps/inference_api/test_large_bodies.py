"""A large body keeps nobody else waiting: bodies are read off the event loop."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from starlette.testclient import TestClient

from relevo.serving.request import row_reader, typed_body
from tests.apps.inference_api.conftest import TOKEN
from tests.serving.releases import HOUSE

LARGE = json.dumps([HOUSE | {"twice": 1}] * 200).encode()
WAITS = 10.0


@pytest.mark.parametrize(
    "what", ["predict", "explain", "labels", "promote", "rollback"]
)
def test_others_are_answered_while_a_large_body_is_read(
    shared: TestClient, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, health_answered = Event(), Event()

    def slowly(parse: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        def parse_slowly(body: bytes) -> Any:
            reading.set()
            assert health_answered.wait(WAITS), "nobody was answered meanwhile"
            return parse(body)

        return parse_slowly

    for module in (row_reader, typed_body):
        monkeypatch.setattr(module, "parse", slowly(row_reader.parse))
    with ThreadPoolExecutor() as pool:
        path = f"/v1/house_prices/{what}"
        large = pool.submit(shared.post, path, content=LARGE, headers=TOKEN)
        assert reading.wait(WAITS)
        assert shared.get("/health").status_code == 200
        health_answered.set()
        assert large.result(WAITS).status_code == 422
