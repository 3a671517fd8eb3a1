"""Predictions before FastAPI: the same `Predictor` that its routes call, without the layers around them.

FastAPI's own layers cost most of the time of a request, so the routes that are asked thousands of times a second are taken
here, by their exact paths. Everything else passes on. A test holds both ways to the same answers.
"""

from collections.abc import Sequence
from time import perf_counter

from relevo.domain.dialect import Dialect
from relevo_inference_api.dialect_paths import DialectPath
from relevo_inference_api.exchange import (
    GONE,
    REQUEST_ID,
    Asgi,
    Receive,
    Scope,
    Send,
    headers_of,
    read_head,
)
from relevo_inference_api.http_metrics import HttpMetrics
from relevo_inference_api.predictor import Predictor

PREDICT = "/v1/{case}/predict"


class HotPath:
    def __init__(
        self,
        app: Asgi,
        names: Sequence[str],
        dialect_paths: Sequence[DialectPath],
        predictor: Predictor,
        metrics: HttpMetrics,
    ) -> None:
        self._app, self._predictor, self._metrics = app, predictor, metrics
        # by path: the use case, the handler that metrics name, and the dialect
        self._paths: dict[str, tuple[str, str, Dialect | None]] = {
            PREDICT.format(case=name): (name, PREDICT, None) for name in names
        }
        self._paths |= {p.path: (p.case, p.path, p.dialect) for p in dialect_paths}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        target = None
        if scope["type"] == "http" and scope["method"] == "POST":
            target = self._paths.get(scope["path"])
        if target is None:
            await self._app(scope, receive, send)
            return
        name, handler, dialect = target
        head = read_head(scope["headers"])
        response = await self._predictor(name, head, receive, dialect)
        if response is not GONE:
            headers = [*headers_of(response), (REQUEST_ID, head.request_id)]
            await send(
                {
                    "type": "http.response.start",
                    "status": response.status,
                    "headers": headers,
                }
            )
            await send({"type": "http.response.body", "body": response.body})
        self._metrics.observe(
            "POST", handler, response.status, perf_counter() - started
        )
