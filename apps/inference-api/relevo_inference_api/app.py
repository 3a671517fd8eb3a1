"""The application: FastAPI for what people read and do, the hot path before it for predictions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_fastapi_instrumentator import Instrumentator

from relevo.bootstrap import find_use_cases, load_dialects
from relevo.errors import InvalidSetting, RelevoError
from relevo.serving.metrics import ServingMetrics
from relevo.serving.request.row_reader import RowsRefused
from relevo.serving.responses import Problems, refusal
from relevo.settings import Settings
from relevo_inference_api.dialect_paths import DialectPath, HostNames, dialect_paths
from relevo_inference_api.exchange import GONE, Asgi, Disconnected, RequestIds
from relevo_inference_api.hot_path import HotPath
from relevo_inference_api.http_metrics import HttpMetrics
from relevo_inference_api.openapi import document_of
from relevo_inference_api.predictor import Predictor, internal_error
from relevo_inference_api.routes import Routes, as_response, head_of, respond
from relevo_inference_api.service import Service
from relevo_inference_api.settings import ApiSettings


def create_app(
    api_settings: ApiSettings | None = None,
    settings: Settings | None = None,
    *,
    hot: bool = True,
) -> Asgi:
    """No connection is opened before it starts.

    Without `hot`, FastAPI answers predictions too, to the same effect.
    """
    api_settings, settings = api_settings or ApiSettings(), settings or Settings()
    names = api_settings.cases or tuple(find_use_cases(settings))
    if not names:
        raise InvalidSetting(
            f"RELEVO_API_CASES: names no use case, and {settings.use_cases}/ has none; name what to serve"
        )
    dialects = load_dialects(names, settings)
    paths = tuple(dialect_paths(names, dialects))
    service = Service(names, api_settings, settings)
    predictor = Predictor(service.cases, api_settings.key, api_settings.max_bytes)
    metrics = HttpMetrics()
    app: Asgi = RequestIds(fastapi_app(service, predictor, metrics, paths))
    if hot:
        app = HotPath(app, names, paths, predictor, metrics)
    if len(names) > 1:
        app = HostNames(app, dialects)
    return app


def fastapi_app(
    service: Service,
    predictor: Predictor,
    http_metrics: HttpMetrics,
    paths: tuple[DialectPath, ...],
) -> FastAPI:
    registry = CollectorRegistry()
    registry.register(http_metrics)
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    registry.register(ServingMetrics(service.cases))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        service.close()

    app = FastAPI(
        title="Relevo Inference API",
        description="The champion predicts, is swapped without dropping a request, and every prediction can be traced.",
        lifespan=lifespan,
    )
    app.include_router(Routes(service, predictor).router(paths))
    for kind in (RelevoError, Disconnected, Exception):
        app.add_exception_handler(kind, _answer_refused)
    counted = Instrumentator(registry=registry).add(http_metrics.instrumentation)
    counted.instrument(app).expose(
        app, tags=["operations"], response_class=PlainTextResponse
    )
    app.openapi = partial(document_of, app, service.cases, paths)  # type: ignore[method-assign]
    return app


async def _answer_refused(request: Request, error: Exception) -> Response:
    match error:
        case RowsRefused():
            return respond(Problems(error.problems), error.http_status)
        case RelevoError():
            return as_response(refusal(error.http_status, str(error)))
        case Disconnected():
            return as_response(GONE)
        case _:
            return as_response(internal_error(head_of(request)))
