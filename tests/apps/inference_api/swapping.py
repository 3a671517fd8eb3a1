"""Load from a real client while the model is swapped back and forth, and a check that no answer mixes two."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from relevo.serving.model import ServedModel
from tests.apps.inference_api.conftest import Place, Process
from tests.serving.releases import point_at


@dataclass
class Load:
    """What several clients were answered. Every third request is a list."""

    url: str
    rows: list[dict[str, Any]]
    expected: dict[str, list[float]]  # version -> what that model says of each row
    answered: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def run(self, seconds: float, clients: int = 4) -> None:
        ends = time.monotonic() + seconds
        threads = [
            threading.Thread(target=self._ask, args=(ends, start * 7))
            for start in range(clients)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _ask(self, ends: float, place: int) -> None:
        with httpx.Client(base_url=self.url, timeout=30) as client:
            while time.monotonic() < ends and not self.faults:
                place = (place + 1) % (len(self.rows) - 10)
                count = 10 if place % 3 == 0 else 1
                try:
                    self._check(client, place, count)
                except (httpx.HTTPError, KeyError, AssertionError) as error:
                    self.faults.append(f"row {place}, {count} rows: {error!r}")

    def _check(self, client: httpx.Client, place: int, count: int) -> None:
        asked = self.rows[place : place + count]
        answer = client.post(
            "/v1/house_prices/predict", json=asked if count > 1 else asked[0]
        )
        assert answer.status_code == 200, answer.text
        said = answer.json()
        prices = (
            [item["prediction"] for item in said["predictions"]]
            if count > 1
            else [said["prediction"]]
        )
        wanted = self.expected[said["version"]][place : place + count]
        assert all(
            abs(a / b - 1) < 1e-4 for a, b in zip(prices, wanted, strict=True)
        ), (said["version"], prices, wanted)
        self.answered[said["version"]] = self.answered.get(said["version"], 0) + count


def expected_of(
    models: dict[str, ServedModel], rows: list[dict[str, Any]]
) -> dict[str, list[float]]:
    found = {}
    for version, model in models.items():
        read: Any = model.strict.read(json.dumps(rows).encode())
        found[version] = [float(price) for price in model.answers(read)[:, 0]]
    return found


def swap_under_load(place: Place, api: Process, load: Load, seconds: float) -> int:
    """The number of swaps."""
    stop = threading.Event()
    swaps = 0

    def swap() -> None:
        nonlocal swaps
        with httpx.Client(base_url=api.url, timeout=30) as client:
            while not stop.is_set():
                wanted = "2" if swaps % 2 == 0 else "1"
                point_at(place.store, wanted)
                client.post("/load_model/")
                while not stop.is_set() and served(client) != wanted:
                    time.sleep(0.05)
                swaps += 1

    swapping = threading.Thread(target=swap)
    swapping.start()
    load.run(seconds)
    stop.set()
    swapping.join()
    return swaps


def served(client: httpx.Client) -> str:
    return str(client.get("/health").json()["cases"]["house_prices"]["version"])
