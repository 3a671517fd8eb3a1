"""What a monitor may read of the served cases.

It is gathered when somebody looks; a request only counts.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any

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
PREDICTION = "relevo_prediction"
# name: type, help, further labels
METRIC_FAMILIES: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "relevo_release_info": (
        GaugeMetricFamily,
        "the release that serves",
        ("version", "alias", "estimator", "digest"),
    ),
    PREDICTION: (HistogramMetricFamily, "predictions, in the target's unit", ()),
    "relevo_release_age_seconds": (GaugeMetricFamily, "since training", ()),
    "relevo_ready": (
        GaugeMetricFamily,
        "1 with a model, or where there is none yet",
        (),
    ),
    "relevo_champion_missing": (
        GaugeMetricFamily,
        "1 where the first model was refused or is not judged yet",
        (),
    ),
    "relevo_reload_ok": (
        GaugeMetricFamily,
        "whether the last registry poll went well",
        (),
    ),
    "relevo_log_waiting_rows": (GaugeMetricFamily, "logged, not shipped", ()),
    "relevo_log_oldest_seconds": (
        GaugeMetricFamily,
        "age of the oldest that waits",
        (),
    ),
    "relevo_rejected_requests": (
        CounterMetricFamily,
        "inputs that broke the contract",
        (),
    ),
    "relevo_failed_predictions": (
        CounterMetricFamily,
        "rows that the model failed on",
        (),
    ),
    "relevo_reloads": (CounterMetricFamily, "registry polls, by result", ("result",)),
    "relevo_predicted_class": (
        CounterMetricFamily,
        "predictions of a class",
        ("class",),
    ),
    "relevo_input_psi": (
        GaugeMetricFamily,
        "drift of recent inputs from training",
        ("field",),
    ),
    "relevo_live_error": (
        GaugeMetricFamily,
        "error on labelled predictions",
        ("metric",),
    ),
}


class ServingMetrics(Collector):
    def __init__(self, cases: Mapping[str, ServedCase]) -> None:
        self._cases = cases

    def describe(self) -> Iterable[Metric]:
        # the registry would otherwise collect everything once when this is registered
        return ()

    def collect(self) -> Iterable[Metric]:
        families = {
            name: family(name, documentation, labels=(*LABELS, *further))
            for name, (family, documentation, further) in METRIC_FAMILIES.items()
        }
        for case in self._cases.values():
            labels = (case.name, case.environment)
            for name, further, value in _samples(case):
                families[name].add_metric((*labels, *further), value)
            if (spread := case.spread) is not None:
                edges = (*map(repr, spread.edges), "+Inf")
                buckets = list(zip(edges, accumulate(spread.counts), strict=True))
                families[PREDICTION].add_metric(labels, buckets, sum_value=spread.sum)
        return families.values()


def _samples(case: ServedCase) -> Iterator[tuple[str, tuple[str, ...], float]]:
    """Metric, further labels, value; none of what is not known yet."""
    if (model := case.model) is not None:
        estimator, digest = model.release.estimator, model.release.digest
        labels = (model.version, model.alias, estimator, digest)
        yield "relevo_release_info", labels, 1
        yield "relevo_release_age_seconds", (), age_seconds(model)
    if case.last_reload is not None:
        yield "relevo_reload_ok", (), case.last_reload.ok
    waiting = case.log.waiting()
    yield "relevo_ready", (), case.is_ready
    yield "relevo_champion_missing", (), case.champion_missing
    yield "relevo_log_waiting_rows", (), waiting.rows
    yield "relevo_log_oldest_seconds", (), waiting.oldest_seconds
    yield "relevo_rejected_requests", (), case.refused
    yield "relevo_failed_predictions", (), case.failed
    for result in RELOAD_RESULTS:
        yield "relevo_reloads", (result,), case.reloads[result]
    labelled: dict[str, Mapping[str, float]] = {
        "relevo_predicted_class": case.classes,
        "relevo_input_psi": case.drift,
        "relevo_live_error": case.live_error,
    }
    for name, values in labelled.items():
        # copied at once: requests may add a class meanwhile
        for label, value in tuple(values.items()):
            yield name, (label,), value
