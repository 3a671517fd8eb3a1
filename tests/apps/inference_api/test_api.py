"""What people read and order over HTTP."""

from __future__ import annotations

import math
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from relevo_inference_api.__main__ import main
from relevo_inference_api.app import create_app
from relevo_inference_api.settings import ApiSettings
from starlette.testclient import TestClient

from relevo.adapters.sql.database import Database
from relevo.adapters.sql.record import SqlRecord
from relevo.domain.evidence import Action, Decision, Evidence, Ruling, Verdict
from tests.apps.inference_api.conftest import TOKEN, Open, Place, until
from tests.serving.releases import HOUSE, flowers, point_at, put

PREDICT = "/v1/house_prices/predict"
HEX = re.compile("[0-9a-f]{32}")


def version_of(client: TestClient) -> str:
    return str(client.get("/v1/house_prices/model").json()["version"])


def test_a_prediction_leads_to_all_that_made_it(place: Place, serve: Open) -> None:
    record = SqlRecord(Database(place.settings().warehouse, patience=2))
    decision = record.add_decision(decided())
    record.add_verdict(ruled(decision.id))
    client = serve()
    said = client.post(PREDICT, json=HOUSE)
    receipt = said.json()["receipt"]
    assert HEX.fullmatch(receipt)
    assert said.headers["x-receipt"] == receipt
    traced = client.get(f"/v1/receipts/{receipt}").json()
    assert (traced["output"], traced["version"], traced["status"]) == (
        said.json()["prediction"],
        "1",
        200,
    )
    assert traced["input"] == HOUSE | {"zip_code": "98103"}
    assert traced["release"]["estimator"] == "boosted_trees"
    assert (traced["data"]["sha256"], traced["data"]["batches"], traced["commit"]) == (
        "d" * 64,
        [1],
        "c0ffee",
    )
    assert traced["decision"] == {"id": 1, "sentence": "no champion yet"}
    assert traced["verdict"] == {"ruling": "promote", "sentence": "the first one"}
    model = client.get("/v1/house_prices/model").json()
    assert (model["decision"], model["verdict"]) == (
        traced["decision"],
        traced["verdict"],
    )


def test_a_receipt_is_found_before_and_after_it_was_shipped_with_its_label(
    serve: Open,
) -> None:
    client = serve()
    receipt = client.post(PREDICT, json=HOUSE).json()["receipt"]
    assert client.get(f"/v1/receipts/{receipt}").status_code == 200
    until(lambda: client.get(f"/v1/receipts/{receipt}").json()["shipped"])
    labels = [{"receipt": receipt, "truth": 500_000}]
    assert client.post(
        "/v1/house_prices/labels", json=labels, headers=TOKEN
    ).json() == {"accepted": 1}
    assert client.get(f"/v1/receipts/{receipt}").json()["label"]["truth"] == "500000"
    until(
        lambda: (
            'relevo_live_error{case="house_prices",environment="prod",metric="mape"}'
            in client.get("/metrics").text
        )
    )


@pytest.mark.parametrize(
    "receipt", ["0" * 32, "nonsense", "%00", "%F0%9F%8F%A0", "x" * 500]
)
def test_an_unknown_receipt_is_404_by_name(shared: TestClient, receipt: str) -> None:
    answer = shared.get(f"/v1/receipts/{receipt}")
    assert answer.status_code == 404
    assert "no prediction has the receipt" in answer.json()["detail"]


def test_the_schema_says_what_a_form_needs(shared: TestClient) -> None:
    schema = shared.get("/v1/house_prices/schema").json()
    fields = {field["name"]: field for field in schema["fields"]}
    assert list(fields) == list(HOUSE)
    assert (schema["unit"], schema["title"], schema["target"]) == (
        "USD",
        "House prices",
        "price",
    )
    assert schema["typical_error"] == {"metric": "mape", "value": 0.15}
    assert schema["limits"] == {"rows": 10_000, "bytes": 8 << 20}
    assert fields["bed"]["typical"] == [2.0, 4.0]
    assert fields["city"]["suggestions"][0] == fields["city"]["default"] == "Seattle"
    defaults = {name: field["default"] for name, field in fields.items()}
    assert shared.post(PREDICT, json=defaults).json()["warnings"] == []


def test_an_explanation_multiplies_to_the_prediction(shared: TestClient) -> None:
    before = shared.get("/metrics").text.count("relevo_prediction_count")
    said = shared.post("/v1/house_prices/explain", json=HOUSE).json()
    product = said["base_value"] * math.prod(
        share["factor"] for share in said["contributions"]
    )
    assert product == pytest.approx(said["prediction"], rel=1e-5)
    assert before
    assert shared.post("/v1/house_prices/explain", json=[HOUSE]).status_code == 422
    assert (
        shared.post("/v1/house_prices/explain", json={"bed": -1}).json()["detail"][0][
            "field"
        ]
        == "bed"
    )


def test_the_alias_is_followed_and_health_says_so(place: Place, serve: Open) -> None:
    client = serve()
    point_at(place.store, "2")
    until(lambda: version_of(client) == "2")
    health = client.get("/health").json()["cases"]["house_prices"]
    assert health["last_reload"]["ok"]
    assert health["version"] == "2"
    assert (
        'relevo_release_info{alias="champion",case="house_prices"'
        in client.get("/metrics").text
    )


def test_a_reload_on_demand_says_what_came_of_it(place: Place, serve: Open) -> None:
    client = serve(poll_seconds=3600)
    assert client.post("/v1/house_prices/reload", headers=TOKEN).json() == {
        "version": "1",
        "changed": False,
    }
    point_at(place.store, "2")
    assert client.post("/v1/house_prices/reload", headers=TOKEN).json() == {
        "version": "2",
        "changed": True,
    }


def test_a_reload_that_fails_is_an_error_to_who_asked_and_health_stays_200(
    place: Place, serve: Open, tmp_path: Path
) -> None:
    client = serve(poll_seconds=3600)
    put(place.store, "3", flowers(tmp_path / "flowers"))
    point_at(place.store, "3")
    refused = client.post("/v1/house_prices/reload", headers=TOKEN)
    assert refused.status_code == 409
    assert "not of house_prices" in refused.json()["detail"]
    health = client.get("/health")
    assert health.status_code == 200
    assert not health.json()["cases"]["house_prices"]["last_reload"]["ok"]
    assert (
        'relevo_reload_ok{case="house_prices",environment="prod"} 0.0'
        in client.get("/metrics").text
    )
    assert client.post(PREDICT, json=HOUSE).json()["version"] == "1"


def test_a_hint_is_open_and_chooses_nothing(place: Place, serve: Open) -> None:
    client = serve(poll_seconds=3600)
    point_at(place.store, "2")
    for path in ("/load_model/", "/load_model"):
        assert client.post(path, json={"version": "7"}).status_code == 200
    until(lambda: version_of(client) == "2")


def test_with_no_champion_it_is_ready_and_predicting_is_503(
    place: Place, serve: Open
) -> None:
    place.store.delete("releases/house_prices/champion.json")
    client = serve()
    for path in (PREDICT, "/predict", "/v1/house_prices/explain"):
        answer = client.post(path, json=HOUSE)
        assert answer.status_code == 503
        assert "no champion yet" in answer.json()["detail"]
    assert client.get("/v1/house_prices/schema").status_code == 503
    assert client.get("/openapi.json").status_code == 200


def test_several_cases_are_served_by_one_process_each_under_its_name(
    place: Place, serve: Open, tmp_path: Path
) -> None:
    put(place.store, "1", flowers(tmp_path / "flowers"), "iris")
    point_at(place.store, "1", case="iris")
    client = serve(cases="house_prices,iris")
    row = {
        "sepal_length": 5.1,
        "sepal_width": 3.5,
        "petal_length": 1.4,
        "petal_width": 0.2,
    }
    said = client.post("/v1/iris/predict", json=row).json()
    assert said["prediction"] == "setosa"
    assert set(said["probabilities"]) == {"setosa", "versicolor", "virginica"}
    assert client.post("/v1/iris/explain", json=row).json()["scale"] == "log odds"
    assert client.post(PREDICT, json=HOUSE).json()["unit"] == "USD"
    assert "predicted_price" in client.post("/predict", json=HOUSE).json()
    assert set(client.get("/health").json()["cases"]) == {"house_prices", "iris"}


ORDERS = {
    "/v1/house_prices/reload": None,
    "/v1/house_prices/labels": [],
    "/v1/house_prices/promote": {"version": "2", "reason": "why"},
    "/v1/house_prices/rollback": {"reason": "why"},
}


@pytest.mark.parametrize(("path", "body"), ORDERS.items(), ids=ORDERS)
def test_orders_need_the_token(shared: TestClient, path: str, body: object) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "secret"},
        {"Authorization": "Basic secret"},
    ):
        answer = shared.post(path, json=body, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_without_a_token_in_the_settings_nobody_gives_orders(serve: Open) -> None:
    client = serve(token="")
    for path, body in ORDERS.items():
        assert (
            client.post(
                path, json=body, headers={"Authorization": "Bearer "}
            ).status_code
            == 403
        )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("labels", {"receipt": "short", "truth": 1}),
        ("labels", [{"receipt": "0" * 32}]),
        ("labels", [{"receipt": "0" * 32, "truth": None}]),
        ("labels", {"receipt": "0" * 32, "truth": "a lot"}),
        ("labels", {"receipt": "0" * 32, "truth": ""}),
        ("labels", {"receipt": "0" * 32, "truth": True}),
        ("labels", [{"receipt": "0" * 32, "truth": 1}] * 10_001),
        ("promote", {"version": "two", "reason": "why"}),
        ("promote", {"version": "2", "reason": "  "}),
        ("promote", {"version": "2"}),
        ("rollback", {"reason": ""}),
        ("rollback", {"reason": "why", "version": "1"}),
        ("rollback", []),
    ],
)
def test_an_order_that_is_not_clear_is_refused(
    shared: TestClient, path: str, body: object
) -> None:
    answer = shared.post(f"/v1/house_prices/{path}", json=body, headers=TOKEN)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["message"]


def test_orders_without_a_registry_say_what_to_set(shared: TestClient) -> None:
    answer = shared.post(
        "/v1/house_prices/promote",
        json={"version": "2", "reason": "why"},
        headers=TOKEN,
    )
    assert answer.status_code == 503
    assert "RELEVO_TRACKING_URI" in answer.json()["detail"]


def test_the_document_has_each_case_spelled_out_with_a_row_that_is_accepted(
    shared: TestClient,
) -> None:
    document = shared.get("/openapi.json").json()
    body = document["paths"][PREDICT]["post"]["requestBody"]["content"][
        "application/json"
    ]
    one = body["schema"]["anyOf"][0]
    assert one["properties"]["bed"] == {
        "type": ["number", "null"], "description": "bedrooms", "minimum": 0.0, "maximum": 200.0,
    }  # fmt: skip
    assert shared.post(PREDICT, json=body["example"]).status_code == 200
    price = document["paths"]["/predict"]["post"]["requestBody"]["content"][
        "application/json"
    ]["example"]
    assert shared.post("/predict", json=price).status_code == 200
    assert not [path for path in document["paths"] if "{case}" in path]


def test_a_setting_that_is_wrong_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RELEVO_API_PORT", "tcp://10.0.0.1:8989")
    with pytest.raises(SystemExit, match="RELEVO_API_PORT"):
        main()


def test_making_the_application_opens_nothing(place: Place) -> None:
    create_app(
        ApiSettings(_env_file=None, state_dir=place.home / "untouched"),
        place.settings(),
    )
    assert not (place.home / "untouched").exists()
    assert os.listdir(place.home)


def decided() -> Decision:
    evidence = (Evidence(name="first", passed=True, sentence="no champion yet"),)
    return Decision(
        case="house_prices",
        batch_id=1,
        action=Action.TRAIN,
        sentence="no champion yet",
        evidence=evidence,
        policy={},
        decided_at=datetime.now(UTC),
    )


def ruled(decision_id: int) -> Verdict:
    return Verdict(
        case="house_prices",
        decision_id=decision_id,
        ruling=Ruling.PROMOTE,
        challenger="1",
        champion=None,
        contest_number=0,
        sentence="the first one",
        evidence=(),
        ruled_at=datetime.now(UTC),
    )
