"""The load test: each user asks for predictions of random rows, as fast as they are answered.

RELEVO_LOAD_CASE names the use case, RELEVO_LOAD_KEY the API's key where it wants one.
All other settings are Locust's own.
"""

import os
import random
from typing import Any

from locust import FastHttpUser, task
from locust.exception import StopUser
from rows import random_row

LOADED_CASE = os.environ.get("RELEVO_LOAD_CASE", "house_prices")
KEY = os.environ.get("RELEVO_LOAD_KEY", "")
ROWS_PER_REQUEST = 50


class PredictUser(FastHttpUser):
    def on_start(self) -> None:
        self.rng = random.Random()  # noqa: S311
        self.headers: dict[str, str] = {}
        if KEY:
            self.headers["X-API-Key"] = KEY
        with self.client.get(
            f"/v1/{LOADED_CASE}/schema", name="schema", catch_response=True
        ) as answer:
            if answer.status_code != 200:
                answer.failure(
                    f"no schema of {LOADED_CASE}: {answer.status_code} {answer.text}; "
                    "is there a model yet?"
                )
                raise StopUser
            self.fields = answer.json()["fields"]

    @task(20)
    def one_row(self) -> None:
        self._predict(random_row(self.fields, self.rng), "predict")

    @task(1)
    def many_rows(self) -> None:
        rows = [random_row(self.fields, self.rng) for _ in range(ROWS_PER_REQUEST)]
        self._predict(rows, f"predict {len(rows)} rows")

    def _predict(self, body: Any, name: str) -> None:
        self.client.post(
            f"/v1/{LOADED_CASE}/predict", json=body, headers=self.headers, name=name
        )
