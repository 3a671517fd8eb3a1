"""What a monitor may read of the served cases.

It is gathered when somebody looks; a request only counts.
"""

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

LABELS = ("case", "environment")
RELOAD_RESULTS = ("swapped", "unchanged", "failed")
Family = type[CounterMetricFamily] | type[GaugeMetricFamily]
CaseValue = Callable[[ServedCase], float | None]  # None: nothing is known yet
CaseValues = Callable[[ServedCase], Mapping[str, float]]


def _age(case: ServedCase) -> float | None:
    return None if case.model is None else age_seconds(case.model)


def _reload_ok(case: ServedCase) -> float | None:
    return None if case.last_reload is None else case.last_reload.ok


# name: type, help, value of a case
SINGLE_METRICS: dict[str, tuple[Family, str, CaseValue]] = {
    "relevo_release_age_seconds": (GaugeMetricFamily, "since training", _age),
    "relevo_ready": (
        GaugeMetricFamily,
        "1 with a model, or where there is none yet",
        lambda case: case.is_ready,
    ),
    "relevo_champion_missing": (
        GaugeMetricFamily,
        "1 where the first model was refused or is not judged yet",
        lambda case: case.champion_missing,
    ),
    "relevo_reload_ok": (
        GaugeMetricFamily,
        "whether the last registry poll went well",
        _reload_ok,
    ),
    "relevo_log_waiting_rows": (
        GaugeMetricFamily,
        "logged, not shipped",
        lambda case: case.log.waiting().rows,
    ),
    "relevo_log_oldest_seconds": (
        GaugeMetricFamily,
        "age of the oldest that waits",
        lambda case: case.log.waiting().oldest_seconds,
    ),
    "relevo_rejected_requests": (
        CounterMetricFamily,
        "inputs that broke the contract",
        lambda case: case.refused,
    ),
    "relevo_failed_predictions": (
        CounterMetricFamily,
        "rows that the model failed on",
        lambda case: case.failed,
    ),
}
# name: type, help, further label, values of a case by that label
LABELLED_METRICS: dict[str, tuple[Family, str, str, CaseValues]] = {
    "relevo_reloads": (
        CounterMetricFamily,
        "registry polls, by result",
        "result",
        lambda case: {result: case.reloads[result] for result in RELOAD_RESULTS},
    ),
    "relevo_predicted_class": (
        CounterMetricFamily,
        "predictions of a class",
        "class",
        lambda case: case.classes,
    ),
    "relevo_input_psi": (
        GaugeMetricFamily,
        "drift of recent inputs from training",
        "field",
        lambda case: case.drift,
    ),
    "relevo_live_error": (
        GaugeMetricFamily,
        "error on labelled predictions",
        "metric",
        lambda case: case.live_error,
    ),
}


class ServingMetrics(Collector):
    def __init__(self, cases: Mapping[str, ServedCase]) -> None:
        self._cases = cases

    def describe(self) -> Iterable[Metric]:
        # the registry would otherwise collect everything once when this is registered
        return ()

    def collect(self) -> Iterator[Metric]:
        yield self._release()
        yield self._predictions()
        for name, (family_type, documentation, value_of) in SINGLE_METRICS.items():
            family = family_type(name, documentation, labels=LABELS)
            for case in self._cases.values():
                if (value := value_of(case)) is not None:
                    family.add_metric(_labels(case), value)
            yield family
        for name, (
            family_type,
            documentation,
            label,
            values_of,
        ) in LABELLED_METRICS.items():
            family = family_type(name, documentation, labels=(*LABELS, label))
            for case in self._cases.values():
                # copied at once: requests may add a class meanwhile
                for key, value in tuple(values_of(case).items()):
                    family.add_metric((*_labels(case), key), value)
            yield family

    def _release(self) -> Metric:
        names = (*LABELS, "version", "alias", "estimator", "digest")
        family = GaugeMetricFamily(
            "relevo_release_info", "the release that serves", labels=names
        )
        for case in self._cases.values():
            if (model := case.model) is not None:
                estimator, digest = model.release.estimator, model.release.digest
                labels = (model.version, model.alias, estimator, digest)
                family.add_metric((*_labels(case), *labels), 1)
        return family

    def _predictions(self) -> Metric:
        family = HistogramMetricFamily(
            "relevo_prediction", "predictions, in the target's unit", labels=LABELS
        )
        for case in self._cases.values():
            if (spread := case.spread) is not None:
                edges = (*map(repr, spread.edges), "+Inf")
                buckets = list(zip(edges, accumulate(spread.counts), strict=True))
                family.add_metric(_labels(case), buckets, sum_value=spread.sum)
        return family


def _labels(case: ServedCase) -> tuple[str, str]:
    return case.name, case.environment
