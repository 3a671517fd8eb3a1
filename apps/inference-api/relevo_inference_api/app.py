"""The application: FastAPI for what people read and order, the hot path before it for predictions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_fastapi_instrumentator import Instrumentator

from relevo.errors import ModelRefused, NotFound, RelevoError, RequestRefused
from relevo.serving.metrics import ServingMetrics
from relevo.serving.predict import PredictResponse, refusal
from relevo.serving.request.row_reader import RowsRefused
from relevo.settings import Settings
from relevo_inference_api.access import TokenGate
from relevo_inference_api.exchange import Disconnected, Refused
from relevo_inference_api.hot_path import HotPath
from relevo_inference_api.http_metrics import HttpMetrics
from relevo_inference_api.openapi import documented
from relevo_inference_api.predictor import GONE, Predictor, internal_error
from relevo_inference_api.request_ids import Asgi, RequestIds
from relevo_inference_api.routes import Routes, facts, respond
from relevo_inference_api.service import Service
from relevo_inference_api.settings import ApiSettings

STATUS = {NotFound: 404, RequestRefused: 409, ModelRefused: 409}


def create_app(
    settings: ApiSettings | None = None,
    places: Settings | None = None,
    *,
    hot: bool = True,
) -> Asgi:
    """Nothing is opened before it starts. Without `hot`, FastAPI answers predictions too, to the same effect."""
    service = Service(settings or ApiSettings(), places or Settings())
    predictor = Predictor(
        service.cases, service.settings.key, service.settings.max_bytes
    )
    registry = CollectorRegistry()
    metrics = HttpMetrics()
    registry.register(metrics)
    app = fastapi_app(service, predictor, registry, metrics)
    return (
        HotPath(RequestIds(app), service.settings.cases, predictor, metrics)
        if hot
        else RequestIds(app)
    )


def fastapi_app(
    service: Service,
    predictor: Predictor,
    registry: CollectorRegistry,
    metrics: HttpMetrics,
) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        registry.register(ServingMetrics(service.cases))
        yield
        service.close()

    app = FastAPI(
        title="Relevo Inference API",
        description="The champion answers, swaps without dropping a request, and every answer can be traced.",
        lifespan=lifespan,
    )
    app.include_router(
        Routes(service, predictor, TokenGate(service.settings.token)).router()
    )
    app.add_exception_handler(Refused, _answer_refused)
    app.add_exception_handler(RowsRefused, _answer_refused)
    app.add_exception_handler(Disconnected, _answer_refused)
    app.add_exception_handler(RelevoError, _answer_refused)
    app.add_exception_handler(Exception, _answer_failed)
    counted = (
        Instrumentator(registry=registry).add(metrics.instrumentation).instrument(app)
    )
    counted.expose(app, tags=["operations"], response_class=PlainTextResponse)
    app.openapi = documented(app, service.cases)  # type: ignore[method-assign]
    return app


async def _answer_refused(_: Request, error: Exception) -> Response:
    if isinstance(error, Refused):
        return respond(error.answered)
    if isinstance(error, RowsRefused):
        return respond(
            PredictResponse(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                msgspec.json.encode({"detail": error.problems}),
            )
        )
    if isinstance(error, Disconnected):
        return respond(GONE)
    status = next(
        (code for kind, code in STATUS.items() if isinstance(error, kind)), 503
    )
    return respond(refusal(status, str(error)))


async def _answer_failed(request: Request, _: Exception) -> Response:
    return respond(internal_error(facts(request)))
