"""HTTP metrics, named and labelled as prometheus-fastapi-instrumentator's own, counted once for both ways in.

A child of prometheus_client costs a hot request more than reading its body does; here counting is two additions.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate
from operator import add
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from prometheus_fastapi_instrumentator.metrics import Info

DURATIONS = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)
BUCKETS = (*map(str, DURATIONS), "+Inf")


class _Handled:
    """The requests of one method, handler and class of status."""

    def __init__(self) -> None:
        self.counts, self.seconds = [0] * len(BUCKETS), 0.0


class HttpMetrics(Collector):
    """Counted on the event loop alone, so that nothing needs a lock."""

    def __init__(self) -> None:
        self._handled: dict[tuple[str, str, int], _Handled] = defaultdict(_Handled)

    def observe(self, method: str, handler: str, status: int, seconds: float) -> None:
        key = (method, handler, status // 100)
        handled = self._handled[key]
        handled.counts[bisect_left(DURATIONS, seconds)] += 1
        handled.seconds += seconds

    def instrumentation(self, info: Info) -> None:
        """What the instrumentator has measured of a request that FastAPI answered."""
        status = int(info.modified_status[0]) * 100
        self.observe(info.method, info.modified_handler, status, info.modified_duration)

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "http_requests",
            "Requests by method, status and handler.",
            labels=("method", "status", "handler"),
        )
        durations = HistogramMetricFamily(
            "http_request_duration_seconds",
            "Duration of requests by method and handler.",
            labels=("method", "handler"),
        )
        together: dict[tuple[str, str], _Handled] = defaultdict(_Handled)
        for (method, handler, status), handled in tuple(self._handled.items()):
            requests.add_metric((method, f"{status}xx", handler), sum(handled.counts))
            both = together[method, handler]
            both.counts = [*map(add, both.counts, handled.counts)]
            both.seconds += handled.seconds
        for labels, handled in together.items():
            buckets = list(zip(BUCKETS, accumulate(handled.counts), strict=True))
            durations.add_metric(labels, buckets, sum_value=handled.seconds)
        yield requests
        yield durations
