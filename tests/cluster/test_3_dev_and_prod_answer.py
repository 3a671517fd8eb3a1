from typing import Any

import httpx
import pytest

from tests.cluster.asking import HOUSE
from tests.cluster.kubernetes import reach, until
from tests.cluster.loop import CASE, rulings
from tests.cluster.report import Report
from tests.cluster.repository import Repository


@pytest.fixture
def answers(deployed: Repository) -> dict[str, Any]:
    """Of dev and prod: a prediction, and the model that made it."""
    found = {}
    for environment in ("dev", "prod"):
        with reach(f"relevo-{environment}", "service/inference-api", 8989) as api:
            until(
                120,
                f"a model in {environment}",
                lambda at=api: httpx.get(f"{at}/ready").status_code == 200,
            )  # type: ignore[misc]
            predicted = httpx.post(f"{api}/v1/{CASE}/predict", json=HOUSE)
            assert predicted.status_code == 200, predicted.text
            found[environment] = predicted.json()
    return found


def test_prod_answers_with_the_champion(
    answers: dict[str, Any], report: Report
) -> None:
    report.note(
        f"version {answers['prod']['version']}: {answers['prod']['prediction']:,.0f} {answers['prod']['unit']}"
    )

    assert answers["prod"]["alias"] == "champion"
    assert rulings()[answers["prod"]["version"]] == "promote"


def test_dev_answers_with_the_challenger_that_lost(
    answers: dict[str, Any], report: Report
) -> None:
    report.note(
        f"version {answers['dev']['version']}: {answers['dev']['prediction']:,.0f} {answers['dev']['unit']}"
    )

    assert answers["dev"]["alias"] == "challenger"
    assert answers["dev"]["version"] != answers["prod"]["version"]


def test_a_receipt_leads_to_data_commit_and_verdict(answers: dict[str, Any]) -> None:
    with reach("relevo-prod", "service/inference-api", 8989) as api:
        until(
            60,
            "the receipt",
            lambda: (
                httpx.get(f"{api}/v1/receipts/{answers['prod']['receipt']}")
                .json()
                .get("shipped")
            ),
        )
        told = httpx.get(f"{api}/v1/receipts/{answers['prod']['receipt']}").json()

    assert told["version"] == answers["prod"]["version"]
    assert told["data"]["sha256"]
    assert told["commit"]
    assert told["verdict"]["ruling"] == "promote"


def test_prod_explains_its_answer_exactly(answers: dict[str, Any]) -> None:
    with reach("relevo-prod", "service/inference-api", 8989) as api:
        told = httpx.post(f"{api}/v1/{CASE}/explain", json=HOUSE).json()

    product = told["base_value"]
    for share in told["contributions"]:
        product *= share["factor"]
    assert product == pytest.approx(told["prediction"], rel=1e-4)


def test_the_contract_of_house_prices_alone_is_answered_too(
    answers: dict[str, Any],
) -> None:
    with reach("relevo-prod", "service/inference-api", 8989) as api:
        told = httpx.post(f"{api}/predict/", json={**HOUSE, "zip_code": "98103"}).json()

    assert told["model_alias"] == "champion"
    assert told["predicted_price"] > 0
