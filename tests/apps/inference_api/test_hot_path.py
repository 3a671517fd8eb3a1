"""The hot path and FastAPI's own routes are one: status, body and headers, whatever is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.apps.inference_api.conftest import Place, opened
from tests.serving.releases import HOUSE

PATHS = ("/v1/house_prices/predict", "/predict", "/predict/")
COMPARED = ("content-type", "content-length", "connection", "www-authenticate")
Both = tuple[TestClient, TestClient]

BODIES: dict[str, bytes] = {
    "good": json.dumps(HOUSE).encode(),
    "a list": json.dumps([HOUSE] * 3).encode(),
    "an empty list": b"[]",
    "an empty object": b"{}",
    "nothing": b"",
    "spaces": b"   ",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "half an object": b'{"bed": 1',
    "null": b"null",
    "a number": b"3",
    "text": b'"a house"',
    "a list of lists": b"[[1]]",
    "NaN": b'{"bed": NaN}',
    "1e400": b'{"bed": 1e400}',
    "a huge integer": b'{"bed": ' + b"9" * 6000 + b"}",
    "nested deeply": b'{"bed": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "nested too deeply": b"[" * 20_000,
    "a name twice": b'{"bed": 1, "bed": 2}',
    "a lone surrogate": b'{"city": "\\ud800"}',
    "no UTF-8": b'{"city": "\xff\xfe"}',
    "NUL": b'{"city": "\\u0000"}',
    "an unknown name": b'{"beds": 1}',
    "out of range": b'{"bed": -3, "house_size": 0}',
    "an unseen word": json.dumps(HOUSE | {"city": "Atlantis"}).encode(),
    "many rows": json.dumps([HOUSE] * 300).encode(),
    "too many rows": json.dumps([{}] * 1001).encode(),
    "too many bytes": json.dumps([HOUSE] * 5000).encode(),
    "binary": bytes(range(256)),
}
HEADERS: dict[str, dict[str, str]] = {
    "plain": {},
    "a form": {"content-type": "application/x-www-form-urlencoded"},
    "XML": {"content-type": "text/xml; charset=utf-16"},
    "a wrong key": {"x-api-key": "wrong"},
    "a length that is no number": {"content-length": "many"},
}


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, make_place: Callable[[Path], Place]
) -> Iterator[Both]:
    limits: dict[str, Any] = {"max_rows": 1000, "max_bytes": 200_000}
    homes = [make_place(tmp_path_factory.mktemp(name)) for name in ("hot", "plain")]
    with (
        opened(homes[0], **limits) as hot,
        opened(homes[1], hot=False, **limits) as plain,
    ):
        yield hot, plain


def same(both: Both, path: str, body: bytes, headers: dict[str, str]) -> int:
    hot, plain = (client.post(path, content=body, headers=headers) for client in both)
    assert hot.status_code == plain.status_code
    assert without_receipts(hot.content) == without_receipts(plain.content)
    assert [hot.headers.get(name) for name in COMPARED] == [
        plain.headers.get(name) for name in COMPARED
    ]
    assert set(hot.headers) == set(plain.headers)
    assert hot.status_code < 500
    return hot.status_code


def without_receipts(body: bytes) -> Any:
    found = json.loads(body)
    for one in [found, *found.get("predictions", ())]:
        one.pop("receipt", None)
    return found


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_every_body_is_answered_alike(both: Both, path: str, body: bytes) -> None:
    same(both, path, body, {})


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
def test_every_header_is_taken_alike(
    both: Both, path: str, headers: dict[str, str]
) -> None:
    assert same(both, path, BODIES["good"], headers) == 200


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.one_of(
                st.none(),
                st.booleans(),
                st.floats(),
                st.integers(),
                st.text(max_size=5),
            ),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(
                    st.one_of(st.sampled_from(list(HOUSE)), st.text(max_size=3)),
                    inner,
                    max_size=6,
                ),
            ),
        ).map(lambda value: json.dumps(value).encode()),
    ),
    path=st.sampled_from(PATHS),
)
def test_no_body_makes_a_difference_or_an_error_of_ours(
    both: Both, body: bytes, path: str
) -> None:
    assert same(both, path, body, {}) in (200, 413, 422)


def test_the_key_is_asked_for_alike(
    tmp_path: Path, make_place: Callable[[Path], Place]
) -> None:
    homes = [make_place(tmp_path / name) for name in ("hot", "plain")]
    with (
        opened(homes[0], key="open") as hot,
        opened(homes[1], hot=False, key="open") as plain,
    ):
        for path in PATHS:
            assert same((hot, plain), path, BODIES["good"], {}) == 401
            assert (
                same((hot, plain), path, BODIES["good"], {"x-api-key": "wrong"}) == 401
            )
            assert (
                same((hot, plain), path, BODIES["good"], {"x-api-key": "open"}) == 200
            )


def test_a_case_that_is_not_served_is_named_alike(both: Both) -> None:
    assert same(both, "/v1/castles/predict", BODIES["good"], {}) == 404


def test_a_body_that_comes_in_pieces_is_limited_while_it_is_read(both: Both) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"["
        for _ in range(300):
            yield b"{}," * 400

    for client in both:
        answer = client.post(PATHS[0], content=pieces())
        assert answer.status_code == 413
        assert "200000 bytes" in answer.json()["detail"]


@pytest.mark.parametrize("given", ["abc-123", "A.b:c_9"])
def test_a_sane_request_id_is_kept(both: Both, given: str) -> None:
    for client in both:
        assert (
            client.post(PATHS[0], json=HOUSE, headers={"x-request-id": given}).headers[
                "x-request-id"
            ]
            == given
        )


@pytest.mark.parametrize(
    "given", ["", "a b", "<script>", "x" * 101, "é".encode("latin-1")]
)
def test_any_other_request_id_is_replaced(both: Both, given: str | bytes) -> None:
    for client in both:
        for path in (PATHS[0], "/health", "/nowhere"):
            answer = client.request(
                "POST", path, json=HOUSE, headers={"x-request-id": given}
            )
            assert answer.headers["x-request-id"] not in ("", given)
            assert answer.headers["x-request-id"].isalnum()


def test_both_ways_count_in_the_same_families(both: Both) -> None:
    for client in both:
        before = requests_counted(client)
        client.post(PATHS[0], json=HOUSE)
        client.post(PATHS[0], json={"bed": -1})
        after = requests_counted(client)
        assert {
            key: after[key] - before.get(key, 0)
            for key in after
            if "predict" in key and after[key] != before.get(key)
        } == {
            'http_requests_total{handler="/v1/{case}/predict",method="POST",status="2xx"}': 1,
            'http_requests_total{handler="/v1/{case}/predict",method="POST",status="4xx"}': 1,
            'http_request_duration_seconds_count{handler="/v1/{case}/predict",method="POST"}': 2,
        }


def requests_counted(client: TestClient) -> dict[str, float]:
    lines = [
        line
        for line in client.get("/metrics").text.splitlines()
        if line.startswith("http_request")
    ]
    named = (
        line.rpartition(" ")
        for line in lines
        if "_bucket" not in line and "_sum" not in line
    )
    return {name: float(value) for name, _, value in named}
