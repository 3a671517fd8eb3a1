"""The dashboard asks for figures that exist, of places that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatch

import pytest
import yaml

from tests.manifests.rendering import REPOSITORY, Manifest

BASE = REPOSITORY / "k8s" / "base"
SOURCES = (
    "src/relevo/serving/metrics.py",
    "apps/inference-api/relevo_inference_api/http_metrics.py",
)
SUFFIXES = re.compile("_(total|bucket|sum|count)$")


@pytest.fixture(scope="module")
def dashboard() -> Manifest:
    board: Manifest = json.loads((BASE / "grafana/inference-api.json").read_text())
    return board


def queries(board: Manifest) -> Iterator[str]:
    for panel in board["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def known_metrics() -> set[str]:
    """Names in the API's own code, and the cAdvisor's that Prometheus keeps."""
    text = "".join((REPOSITORY / path).read_text() for path in SOURCES)
    ours = {
        SUFFIXES.sub("", name)
        for name in re.findall(r'"((?:relevo|http)_[a-z_]+)"', text)
    }
    config = yaml.safe_load((BASE / "prometheus/prometheus.yml").read_text())
    (containers,) = [
        job for job in config["scrape_configs"] if job["job_name"] == "containers"
    ]
    kept = next(
        rule["regex"]
        for rule in containers["metric_relabel_configs"]
        if rule["source_labels"] == ["__name__"]
    )
    return ours | {
        f"container_{name}"
        for name in kept.removeprefix("container_").strip("()").split("|")
    }


def test_every_query_asks_for_a_figure_that_somebody_gives(dashboard: Manifest) -> None:
    asked = {
        name
        for query in queries(dashboard)
        for name in re.findall(r"\b(?:relevo|http|container)_[a-z_]+", query)
    }
    known = known_metrics()
    assert len(asked) > 10
    assert {
        name
        for name in asked
        if name not in known and SUFFIXES.sub("", name) not in known
    } == set()


def test_every_figure_of_the_api_is_on_the_dashboard_but_classes(
    dashboard: Manifest,
) -> None:
    asked = " ".join(queries(dashboard))
    ours = {name for name in known_metrics() if name.startswith("relevo_")}
    assert {name for name in ours if name not in asked} <= {"relevo_predicted_class"}


def test_panels_do_not_overlap_and_say_what_they_show(dashboard: Manifest) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        assert panel["title"]
        taken |= cells


def test_prometheus_watches_the_api_mlflow_airflow_and_containers(
    objects: list[Manifest], environments: list[str]
) -> None:
    (files,) = [
        dict(one["data"])
        for one in objects
        if one["kind"] == "ConfigMap"
        and one["metadata"]["name"].startswith("prometheus-")
    ]
    config = yaml.safe_load(files.pop("prometheus.yml"))
    assert [job["job_name"] for job in config["scrape_configs"]] == [
        "prometheus",
        "mlflow",
        "airflow",
        "containers",
    ]
    assert set(files) == {f"relevo-{name}.yml" for name in environments}
    for name, text in files.items():
        (job,) = yaml.safe_load(text)["scrape_configs"]
        assert fnmatch(f"/etc/prometheus/{name}", config["scrape_config_files"][0])
        assert {
            one["target_label"]: one["replacement"] for one in job["relabel_configs"]
        } == {"job": "inference-api", "namespace": name.removesuffix(".yml")}


def test_the_dashboard_and_its_source_agree(dashboard: Manifest) -> None:
    (source,) = yaml.safe_load((BASE / "grafana/datasource.yaml").read_text())[
        "datasources"
    ]
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {
        source["uid"]
    }
