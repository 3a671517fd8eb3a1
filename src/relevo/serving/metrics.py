"""What a monitor may read of the served cases. It is gathered when somebody looks; a request only counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from relevo.serving.case_responses import age_seconds
from relevo.serving.served_case import ServedCase

PLACE = ("case", "environment")
RESULTS = ("swapped", "unchanged", "failed")
Value = float | None


class ServingMetrics(Collector):
    def __init__(self, cases: Mapping[str, ServedCase]) -> None:
        self._cases = cases

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        yield self._release()
        yield self._reloads()
        yield self._predictions()
        yield self._by_label(
            "relevo_predicted_class",
            "answers a class",
            "class",
            lambda case: case.classes,
        )
        yield self._by_label(
            "relevo_input_psi",
            "drift of recent inputs from training",
            "field",
            lambda c: c.drift,
        )
        yield self._by_label(
            "relevo_live_error",
            "error on labelled answers",
            "metric",
            lambda case: case.live_error,
        )
        yield self._gauge(
            "relevo_release_age_seconds", "since the model was trained", _age
        )
        yield self._gauge(
            "relevo_ready",
            "1 with a model, or where there is none yet",
            lambda case: case.is_ready,
        )
        yield self._gauge(
            "relevo_reload_ok",
            "whether the last look at the alias went well",
            _reload_ok,
        )
        yield self._gauge(
            "relevo_log_waiting_rows",
            "logged, not shipped",
            lambda case: case.log.waiting().rows,
        )
        yield self._gauge(
            "relevo_log_oldest_seconds",
            "age of the oldest that waits",
            lambda c: c.log.waiting().oldest_seconds,
        )
        yield self._counter(
            "relevo_rejected_requests",
            "inputs that broke the contract",
            lambda case: case.refused,
        )
        yield self._counter(
            "relevo_failed_predictions",
            "rows that the model failed on",
            lambda case: case.failed,
        )

    def _release(self) -> Metric:
        names = (*PLACE, "version", "alias", "estimator", "digest")
        family = GaugeMetricFamily(
            "relevo_release_info", "the release that serves", labels=names
        )
        for case in self._cases.values():
            if (model := case.model) is not None:
                release = model.release
                labels = (
                    *_place(case),
                    model.version,
                    model.alias,
                    release.estimator,
                    release.digest,
                )
                family.add_metric(labels, 1)
        return family

    def _reloads(self) -> Metric:
        family = CounterMetricFamily(
            "relevo_reloads", "looks at the alias, by result", labels=(*PLACE, "result")
        )
        for case in self._cases.values():
            for result in RESULTS:
                family.add_metric((*_place(case), result), case.reloads[result])
        return family

    def _predictions(self) -> Metric:
        family = HistogramMetricFamily(
            "relevo_prediction", "what was answered, in the target's unit", labels=PLACE
        )
        for case in self._cases.values():
            if (spread := case.spread) is not None:
                edges = (*(repr(edge) for edge in spread.edges), "+Inf")
                family.add_metric(
                    _place(case),
                    list(zip(edges, accumulate(spread.counts), strict=True)),
                    sum_value=spread.sum,
                )
        return family

    def _by_label(
        self,
        name: str,
        says: str,
        label: str,
        of: Callable[[ServedCase], Mapping[str, float]],
    ) -> Metric:
        family = (
            CounterMetricFamily
            if name == "relevo_predicted_class"
            else GaugeMetricFamily
        )(name, says, labels=(*PLACE, label))
        for case in self._cases.values():
            for key, value in tuple(of(case).items()):
                family.add_metric((*_place(case), key), value)
        return family

    def _gauge(self, name: str, says: str, of: Callable[[ServedCase], Value]) -> Metric:
        family = GaugeMetricFamily(name, says, labels=PLACE)
        for case in self._cases.values():
            if (value := of(case)) is not None:
                family.add_metric(_place(case), value)
        return family

    def _counter(
        self, name: str, says: str, of: Callable[[ServedCase], float]
    ) -> Metric:
        family = CounterMetricFamily(name, says, labels=PLACE)
        for case in self._cases.values():
            family.add_metric(_place(case), of(case))
        return family


def _place(case: ServedCase) -> tuple[str, str]:
    return case.name, case.environment


def _age(case: ServedCase) -> Value:
    return None if case.model is None else age_seconds(case.model)


def _reload_ok(case: ServedCase) -> Value:
    return None if case.last_reload is None else float(case.last_reload.ok)
