"""HTTP metrics, named and labelled as prometheus-fastapi-instrumentator's own, counted once for both ways in."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram

if TYPE_CHECKING:
    from prometheus_fastapi_instrumentator.metrics import Info

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class HttpMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        requests = Counter(
            "http_requests_total", "Total number of requests by method, status and handler.",
            ("method", "status", "handler"), registry=registry,
        )  # fmt: skip
        seconds = Histogram(
            "http_request_duration_seconds", "Duration of requests by method and handler.", ("method", "handler"),
            buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self._requests = cache(requests.labels)
        self._seconds = cache(seconds.labels)

    def observe(self, method: str, handler: str, status: int, seconds: float) -> None:
        self._requests(method, f"{status // 100}xx", handler).inc()
        self._seconds(method, handler).observe(seconds)

    def instrumentation(self, info: Info) -> None:
        """What the instrumentator has measured of a request that FastAPI answered."""
        self._requests(info.method, info.modified_status, info.modified_handler).inc()
        self._seconds(info.method, info.modified_handler).observe(info.modified_duration)
