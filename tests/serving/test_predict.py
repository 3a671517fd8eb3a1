"""One answer is one line in the log, and what the native model says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from relevo.bootstrap import load_use_case
from relevo.domain.dialect import Dialect, PredictedRow
from relevo.errors import LogUnwritable
from relevo.serving.model import ServedModel
from relevo.serving.predict import answer, predict_together, read_request
from relevo.serving.served_case import ServedCase
from relevo.settings import Settings
from tests.serving.conftest import served
from tests.serving.releases import HOUSE, HOUSES, LINEAR, TREES, fitted, rows_of, sides
from tests.unit.learning.tables import iris


def ask(case: ServedCase, body: Any, **how: Any) -> Any:
    answered = answer(case, json.dumps(body).encode(), **how)
    assert answered.status == 200, answered.body
    return json.loads(answered.body)


def logged(case: ServedCase) -> list[dict[str, Any]]:
    return [json.loads(line) for line in case.log.lines]  # type: ignore[attr-defined]


@pytest.mark.parametrize("candidate", [TREES, LINEAR], ids=["trees", "linear"])
def test_every_holdout_row_is_answered_as_the_native_model_answers_it(
    candidate: Any, trees: ServedModel, linear: ServedModel
) -> None:
    _, holdout = sides()
    case = served(trees if candidate is TREES else linear)
    native = fitted(candidate).predict(holdout)
    answers = []
    rows = rows_of(holdout, trees.columns)
    for start in range(0, len(rows), 1000):
        answers += [
            item["prediction"]
            for item in ask(case, rows[start : start + 1000])["predictions"]
        ]
    assert len(answers) == len(holdout) > 4000
    assert np.max(np.abs(np.array(answers) - native) / np.abs(native)) < 1e-4


def test_one_row_is_answered_as_in_a_list(case: ServedCase, trees: ServedModel) -> None:
    rows = rows_of(sides()[1], trees.columns)[:50]
    together = [item["prediction"] for item in ask(case, rows)["predictions"]]
    alone = [ask(case, row)["prediction"] for row in rows]
    assert alone == pytest.approx(together, rel=1e-6)


def test_an_answer_names_its_release_and_its_line_in_the_log(case: ServedCase) -> None:
    said = ask(case, HOUSE)
    assert set(said) == {
        "receipt",
        "prediction",
        "unit",
        "version",
        "alias",
        "warnings",
    }
    assert (said["unit"], said["version"], said["alias"], said["warnings"]) == (
        "USD",
        "1",
        "champion",
        [],
    )
    (line,) = logged(case)
    assert list(line) == [
        "receipt", "case", "environment", "at", "version", "input", "output", "output_text", "status", "error", "latency_ms",
    ]  # fmt: skip
    assert (line["receipt"], line["output"], line["version"]) == (
        said["receipt"],
        said["prediction"],
        "1",
    )
    assert line["input"] == {**HOUSE, "zip_code": "98103"}
    assert line["at"].endswith("Z")
    assert line["latency_ms"] > 0


def test_receipts_are_in_order_of_time_and_never_the_same(case: ServedCase) -> None:
    receipts = [ask(case, HOUSE)["receipt"] for _ in range(20)]
    receipts += [item["receipt"] for item in ask(case, [HOUSE] * 500)["predictions"]]
    assert len(set(receipts)) == 520
    assert all(len(receipt) == 32 and int(receipt, 16) >= 0 for receipt in receipts)
    assert [receipt[:12] for receipt in receipts] == sorted(
        receipt[:12] for receipt in receipts
    )


def test_a_word_that_training_never_saw_is_answered_with_a_warning(
    case: ServedCase,
) -> None:
    said = ask(case, HOUSE | {"city": "Atlantis"})
    assert [(w["field"], w["value"]) for w in said["warnings"]] == [
        ("city", "Atlantis")
    ]
    listed = ask(case, [HOUSE, HOUSE | {"city": "Atlantis"}])["predictions"]
    assert [len(item["warnings"]) for item in listed] == [0, 1]


def test_a_missing_name_is_null(case: ServedCase) -> None:
    assert (
        ask(case, {"city": "Seattle"})["prediction"]
        == ask(case, {"city": "Seattle", "bed": None})["prediction"]
    )


def test_classes_are_answered_with_their_probabilities(species: ServedModel) -> None:
    case = served(species)
    rows = rows_of(iris(), species.columns)[:150:10]
    for item in ask(case, rows)["predictions"]:
        assert (
            max(item["probabilities"], key=item["probabilities"].get)
            == item["prediction"]
        )
        assert sum(item["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    line = logged(case)[0]
    assert line["output_text"] in species.release.classes
    assert 0.3 < line["output"] <= 1


def test_the_contract_shape_echoes_the_input_as_it_came(case: ServedCase) -> None:
    dialect = load_use_case(HOUSES, Settings(_env_file=None)).dialect  # type: ignore[call-arg]
    said = ask(case, HOUSE | {"brokered_by": 7}, dialect=dialect)
    assert list(said) == [
        "predicted_price",
        "model_alias",
        "model_version",
        "input_features",
    ]
    assert said["input_features"] == HOUSE | {"brokered_by": 7}
    assert answer(case, b"[]", dialect=dialect).status == 422


def test_what_is_refused_is_counted_and_not_logged(case: ServedCase) -> None:
    assert answer(case, b'{"bed": -3}').status == 422
    assert (case.refused, logged(case)) == (1, [])


def test_an_empty_list_has_no_answers(case: ServedCase) -> None:
    assert ask(case, [])["predictions"] == []


def test_no_answer_leaves_that_could_not_be_logged(case: ServedCase) -> None:
    def full(_: bytes) -> None:
        raise LogUnwritable("the disk is full")

    case.log.append = full  # type: ignore[method-assign]
    answered = answer(case, json.dumps(HOUSE).encode())
    assert answered.status == 503
    assert b"the disk is full" in answered.body


def test_a_model_that_fails_is_logged_as_it_failed(trees: ServedModel) -> None:
    broken = served(trees)
    broken.model = msgspec_replace(trees, onnx=None)
    answered = answer(broken, json.dumps(HOUSE).encode())
    (line,) = logged(broken)
    assert answered.status == line["status"] == 500
    assert line["output"] is None
    assert line["receipt"] in answered.body.decode()
    assert "Traceback" not in answered.body.decode()


def msgspec_replace(model: ServedModel, **changed: Any) -> ServedModel:
    from dataclasses import replace

    return replace(model, **changed)


def test_an_input_without_a_finite_answer_is_refused(
    linear: ServedModel, tmp_path: Path
) -> None:
    case = served(linear)

    class Endless:
        def run(self, _: object) -> Any:
            return np.array([[np.inf]], np.float32)

    case.model = msgspec_replace(linear, onnx=Endless())
    answered = answer(case, json.dumps(HOUSE).encode())
    assert answered.status == 422
    assert (
        msgspec.json.decode(answered.body)["detail"][0]["message"]
        == "leads to no finite answer"
    )


def test_answers_are_spread_over_the_targets_own_quantiles(
    case: ServedCase, trees: ServedModel
) -> None:
    ask(case, rows_of(sides()[1], trees.columns)[:1000])
    assert case.spread is not None
    assert sum(case.spread.counts) == 1000
    assert sum(count > 0 for count in case.spread.counts) > 5


def test_inputs_like_those_of_training_have_not_drifted_and_others_have(
    case: ServedCase, trees: ServedModel
) -> None:
    rows = rows_of(sides()[1], trees.columns)[:2000]
    ask(case, rows)
    case.measure_drift()
    assert set(case.drift) == set(HOUSE)
    assert max(case.drift.values()) < 0.05
    case.recent.clear()
    ask(case, [row | {"house_size": 90_000} for row in rows])
    case.measure_drift()
    assert (
        case.drift["house_size"]
        > 1
        > max(v for name, v in case.drift.items() if name != "house_size")
    )


def test_requests_answered_together_get_what_each_gets_alone(
    case: ServedCase, trees: ServedModel
) -> None:
    rows: list[Any] = [
        *rows_of(sides()[1], trees.columns)[:40],
        rows_of(sides()[1], trees.columns)[40:60],
        [],
    ]
    alone = [ask(case, row) for row in rows]
    before = len(logged(case))
    asked = [read_request(case, json.dumps(row).encode()) for row in rows]
    together = [json.loads(one.body) for one in predict_together(case, asked)]  # type: ignore[arg-type]
    assert [prices(one) for one in together] == [
        pytest.approx(prices(one), rel=1e-6) for one in alone
    ]
    receipts = [line["receipt"] for line in logged(case)[before:]]
    assert receipts == [receipt for one in together for receipt in receipts_of(one)]
    assert len(set(receipts)) == 60


def prices(answered: dict[str, Any]) -> list[float]:
    return [one["prediction"] for one in answered.get("predictions", [answered])]


def receipts_of(answered: dict[str, Any]) -> list[str]:
    return [one["receipt"] for one in answered.get("predictions", [answered])]


def test_a_request_that_fails_or_has_no_answer_spoils_no_other(
    trees: ServedModel,
) -> None:
    class Touchy:
        """Fails on one city, and answers another with infinity."""

        def run(self, feed: dict[str, Any]) -> Any:
            cities = feed["city"][:, 0].tolist()
            if "Failing" in cities:
                raise ValueError("no luck")
            answers = np.array(trees.onnx.run(feed))
            answers[[city == "Endless" for city in cities]] = np.inf
            return answers

    case = served(msgspec_replace(trees, onnx=Touchy()))
    cities = ["Seattle", "Failing", "Endless", "Kent"]
    asked = [
        read_request(case, json.dumps(HOUSE | {"city": city}).encode())
        for city in cities
    ]
    answered = predict_together(case, asked)  # type: ignore[arg-type]
    assert [one.status for one in answered] == [200, 500, 422, 200]
    assert sorted(line["status"] for line in logged(case)) == [200, 200, 500]


def test_a_dialect_that_fails_is_answered_500_and_spoils_no_other(
    case: ServedCase, caplog: pytest.LogCaptureFixture
) -> None:
    def respond(row: PredictedRow) -> None:
        raise ValueError(f"{row.version} and {row.alias} do not please me")

    broken = Dialect(paths=("/old",), response=dict, respond=respond)
    body = json.dumps(HOUSE).encode()
    requests = [read_request(case, body, broken), read_request(case, body)]
    answered = predict_together(case, requests)  # type: ignore[arg-type]
    assert [one.status for one in answered] == [500, 200]
    assert "1 and champion do not please me" in caplog.text
    receipt = logged(case)[0]["receipt"]
    assert receipt in answered[0].body.decode()
