import json
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Error, Page, sync_playwright

from tests.cluster.asking import HOUSE
from tests.cluster.kubernetes import get, kubectl, reach, secret, until
from tests.cluster.loop import CASE
from tests.cluster.report import Report
from tests.cluster.repository import ROOT, Repository

DASHBOARD = ROOT / "k8s" / "base" / "grafana" / "inference-api.json"
CHROMIUM = Path("/usr/bin/chromium")
BUSY = 20  # requests a second; probes and scrapes alone are fewer
PATIENCE = 120
VARIABLES = {
    "$environment": ".+",
    "$case": ".+",
    "$__rate_interval": "2m",
    "$__interval": "1m",
    "$__range": "1h",
}


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_ui_shows_the_version_that_answers(
    deployed: Repository, report: Report, environment: str
) -> None:
    with reach(f"relevo-{environment}", "service/inference-api", 8989) as api:
        version = httpx.get(f"{api}/v1/{CASE}/model").json()["version"]

    text = look(report, environment, f"answers with version {version}")

    report.note(f"version {version}")
    assert "House prices" in text
    assert "From the average to this price" in text


def look(report: Report, environment: str, wanted: str) -> str:
    """The page's text once it says what is wanted and is drawn; a picture of it stays in the report."""
    if not CHROMIUM.exists():
        pytest.skip("chromium is not installed; apt-get install chromium")
    with (
        reach(f"relevo-{environment}", "service/streamlit", 8501) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        try:
            return until(
                PATIENCE,
                f"{wanted!r} in the UI of {environment}",
                lambda: drawn(page, address, wanted),
            )
        finally:
            page.screenshot(path=report.picture(f"ui-{environment}"), full_page=True)


def drawn(page: Page, address: str, wanted: str) -> str | None:
    """Loaded anew each time: a forwarded connection may break, where a person would press F5."""
    page.set_default_timeout(15_000)
    try:
        page.goto(address)
        page.get_by_test_id("stSidebar").get_by_text(wanted).wait_for()
        page.get_by_test_id("stVegaLiteChart").locator("canvas, svg").first.wait_for()
        page.get_by_test_id("stStatusWidget").wait_for(state="detached")
        page.wait_for_function(LETTERS_ARE_IN)
    except Error:
        return None
    return page.inner_text("body")


LETTERS_ARE_IN = """() => {
    const states = [...document.fonts].map((font) => font.status);
    return states.includes("loaded") && !states.includes("loading") && !states.includes("error");
}"""


def test_prometheus_reaches_everything_it_watches(
    deployed: Repository, report: Report
) -> None:
    with prometheus() as address:
        targets = until(
            120, "every target up", lambda: found if all(found := up(address)) else None
        )
        jobs = {
            one["labels"]["job"]
            for one in httpx.get(f"{address}/api/v1/targets").json()["data"][
                "activeTargets"
            ]
        }

    report.note(f"{len(targets)} targets of {', '.join(sorted(jobs))}")
    assert jobs >= {"inference-api", "mlflow", "airflow", "containers"}


def up(address: str) -> list[bool]:
    return [
        one["health"] == "up"
        for one in httpx.get(f"{address}/api/v1/targets").json()["data"][
            "activeTargets"
        ]
    ]


def test_the_load_test_passes_and_every_query_of_the_dashboard_answers(
    deployed: Repository, report: Report
) -> None:
    label_an_answer()
    kubectl(
        "delete",
        "job",
        "--namespace=relevo-load",
        "cluster-test-load",
        "--ignore-not-found",
    )
    kubectl(
        "create",
        "job",
        "--namespace=relevo-load",
        "--from=cronjob/load",
        "cluster-test-load",
    )
    with prometheus() as address:
        rate = until(
            180,
            "the load in Prometheus",
            lambda: seen if (seen := requests_a_second(address)) > BUSY else None,
        )
        kubectl(
            "wait",
            "--namespace=relevo-load",
            "job/cluster-test-load",
            "--for=condition=complete",
            "--timeout=240s",
        )
        until(60, "every query of the dashboard", lambda: none_is_silent(address))

    figures = kubectl("logs", "--namespace=relevo-load", "job/cluster-test-load")
    sent, failed = re.search(r"Aggregated +(\d+) +(\d+)", figures).groups()  # type: ignore[union-attr]
    report.note(f"{sent} requests, {failed} failed; {rate:.0f} a second seen")
    assert int(failed) == 0


def label_an_answer() -> None:
    """So that there is a live error; the pod that gets the label measures at once, if the answer is in the database."""
    token = secret("relevo-dev", "inference-api")["token"]
    with reach("relevo-dev", "service/inference-api", 8989) as api:
        receipt = httpx.post(f"{api}/v1/{CASE}/predict", json=HOUSE).json()["receipt"]
        until(
            60,
            "the receipt",
            lambda: httpx.get(f"{api}/v1/receipts/{receipt}").json().get("shipped"),
        )
        label = {"receipt": receipt, "truth": 600_000}
        done = httpx.post(
            f"{api}/v1/{CASE}/labels",
            json=label,
            headers={"Authorization": f"Bearer {token}"},
        )
    assert done.status_code == 200, done.text


def none_is_silent(address: str) -> bool:
    silent = [
        one
        for one in expressions()
        if not ask(address, one) and not any(name in one for name in unknown())
    ]
    assert not silent, silent
    return True


def unknown() -> tuple[str, ...]:
    """Figures that there may be none of: the kubelets of some small clusters name no pods in cAdvisor's."""
    raw = [
        kubectl(
            "get",
            "--raw",
            f"/api/v1/nodes/{one['metadata']['name']}/proxy/metrics/cadvisor",
        )
        for one in get("nodes")
    ]
    return (
        ()
        if any('namespace="relevo' in figures for figures in raw)
        else ("container_",)
    )


def requests_a_second(address: str) -> float:
    found = ask(
        address, next(one for one in expressions() if "http_requests_total" in one)
    )
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
