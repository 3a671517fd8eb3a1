import json
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, TimeoutError, sync_playwright

from tests.cluster.kubernetes import get, kubectl, reach, until
from tests.cluster.loop import CASE
from tests.cluster.report import Report
from tests.cluster.repository import ROOT, Repository

DASHBOARD = ROOT / "k8s" / "base" / "grafana" / "inference-api.json"
CHROMIUM = Path("/usr/bin/chromium")
BUSY = 20  # requests a second; probes and scrapes alone are fewer
LATER = ("relevo_live_error", "relevo_input_psi")  # known only when labels, or enough of a day's predictions, are in
PATIENCE = 120
VARIABLES = {"$environment": ".+", "$case": ".+", "$__rate_interval": "2m", "$__interval": "1m", "$__range": "1h"}


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_ui_shows_the_version_that_answers(deployed: Repository, report: Report, environment: str) -> None:
    with reach(f"relevo-{environment}", "service/inference-api", 8989) as api:
        version = httpx.get(f"{api}/v1/{CASE}/model").json()["version"]

    shown = look(report, f"ui-{environment}", f"relevo-{environment}", "service/streamlit", 8501, f"ersion {version}")
    report.note(f"version {version}")
    assert f"ersion {version}" in shown


def look(report: Report, name: str, namespace: str, target: str, port: int, wanted: str) -> str:
    """The page's text once it says what is wanted; a picture of it stays in the report."""
    if not CHROMIUM.exists():
        pytest.skip("chromium is not installed; apt-get install chromium")
    with reach(namespace, target, port) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        try:
            return until(PATIENCE, f"{wanted} in {name}", lambda: shown(page, address, wanted))
        finally:
            page.screenshot(path=report.picture(name), full_page=True)


def shown(page: Page, address: str, wanted: str) -> str | None:
    """Loaded anew each time: a forwarded connection may break, where a person would press F5."""
    page.goto(address)
    try:
        page.get_by_text(wanted).first.wait_for(timeout=30_000)
        page.get_by_test_id("stSkeleton").last.wait_for(state="detached", timeout=10_000)
    except TimeoutError:
        return None
    return page.inner_text("body")


def test_prometheus_reaches_everything_it_watches(deployed: Repository, report: Report) -> None:
    with prometheus() as address:
        targets = until(120, "every target up", lambda: found if all(found := up(address)) else None)
        jobs = {one["labels"]["job"] for one in httpx.get(f"{address}/api/v1/targets").json()["data"]["activeTargets"]}

    report.note(f"{len(targets)} targets of {', '.join(sorted(jobs))}")
    assert jobs >= {"inference-api", "mlflow", "airflow", "containers"}


def up(address: str) -> list[bool]:
    return [one["health"] == "up" for one in httpx.get(f"{address}/api/v1/targets").json()["data"]["activeTargets"]]


def test_the_load_test_passes_and_shows_in_the_dashboard(deployed: Repository, report: Report) -> None:
    kubectl("delete", "job", "--namespace=relevo-load", "cluster-test-load", "--ignore-not-found")
    kubectl("create", "job", "--namespace=relevo-load", "--from=cronjob/load", "cluster-test-load")
    with prometheus() as address:
        rate = until(
            180, "the load in Prometheus", lambda: seen if (seen := requests_a_second(address)) > BUSY else None
        )
        kubectl(
            "wait", "--namespace=relevo-load", "job/cluster-test-load", "--for=condition=complete", "--timeout=240s"
        )
        figures = kubectl("logs", "--namespace=relevo-load", "job/cluster-test-load")
        silent = [one for one in expressions() if not ask(address, one) and not any(name in one for name in unknown())]

    sent, failed = re.search(r"Aggregated +(\d+) +(\d+)", figures).groups()  # type: ignore[union-attr]
    report.note(f"{sent} requests, {failed} failed; {rate:.0f} a second seen")
    assert not silent


def unknown() -> tuple[str, ...]:
    """Figures that there may be none of: the kubelets of some small clusters name no pods in cAdvisor's."""
    raw = [
        kubectl("get", "--raw", f"/api/v1/nodes/{one['metadata']['name']}/proxy/metrics/cadvisor")
        for one in get("nodes")
    ]
    return LATER if any('namespace="relevo' in figures for figures in raw) else (*LATER, "container_")


def requests_a_second(address: str) -> float:
    found = ask(address, next(one for one in expressions() if "http_requests_total" in one))
    return sum(float(one["value"][1]) for one in found)


def expressions() -> list[str]:
    """Each query of the dashboard, with every environment and case."""
    found = []
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            found.append(expression)
    return found


def ask(address: str, expression: str) -> list[dict[str, list[str]]]:
    answer = httpx.get(f"{address}/api/v1/query", params={"query": expression})
    assert answer.status_code == 200, f"{expression}: {answer.text}"
    result: list[dict[str, list[str]]] = answer.json()["data"]["result"]
    return result


def prometheus():  # type: ignore[no-untyped-def]
    return reach("relevo-observability", "service/prometheus", 9090)
