"""Predictions before FastAPI: the same `Predictor` that its routes call, without the layers around them.

FastAPI's own layers cost most of the time of a request, so the routes that are asked thousands of times a second are taken
here, by their exact paths. Everything else passes on. A test holds both ways to the same answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from relevo_inference_api.exchange import (
    REQUEST_ID,
    Receive,
    Scope,
    Send,
    facts_of,
    headers_of,
)
from relevo_inference_api.http_metrics import HttpMetrics
from relevo_inference_api.predictor import GONE, Predictor
from relevo_inference_api.request_ids import Asgi

PREDICT = "/v1/{case}/predict"
CONTRACT_CASE = "house_prices"
CONTRACT_PATHS = ("/predict", "/predict/")


def hot_paths(names: Sequence[str]) -> dict[str, tuple[str, str, bool]]:
    """Path to use case, the handler that metrics name, and whether the contract's shape is wanted."""
    paths = {PREDICT.format(case=name): (name, PREDICT, False) for name in names}
    if speaks_contract(names):
        paths |= {path: (CONTRACT_CASE, path, True) for path in CONTRACT_PATHS}
    return paths


def speaks_contract(names: Sequence[str]) -> bool:
    """Where house prices are served alone, clients of the contract are understood too."""
    return tuple(names) == (CONTRACT_CASE,)


class HotPath:
    def __init__(
        self,
        app: Asgi,
        names: Sequence[str],
        predictor: Predictor,
        metrics: HttpMetrics,
    ) -> None:
        self._app, self._predictor, self._metrics = app, predictor, metrics
        self._paths = hot_paths(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "http"
            and scope["method"] == "POST"
            and scope["path"] in self._paths
        ):
            await self._predict(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _predict(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        name, handler, contract = self._paths[scope["path"]]
        facts = facts_of(scope["headers"])
        answered = await self._predictor(name, facts, receive, contract=contract)
        if answered is not GONE:
            headers = [*headers_of(answered), (REQUEST_ID, facts.request_id)]
            await send(
                {
                    "type": "http.response.start",
                    "status": answered.status,
                    "headers": headers,
                }
            )
            await send({"type": "http.response.body", "body": answered.body})
        self._metrics.observe(
            "POST", handler, answered.status, perf_counter() - started
        )
