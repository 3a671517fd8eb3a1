"""The HTTP contract, asked of a real server."""

import json

import pytest
from relevo_data_api.streams.campaign import Campaign
from relevo_data_api.streams.king_county import KingCounty

END = {"detail": "Ya se recolectó toda la información mínima necesaria"}
FIELDS = [
    *("brokered_by", "status", "price", "bed", "bath", "acre_lot"),
    *("street", "city", "state", "zip_code", "house_size", "prev_sold_date"),
]


def test_health_answers_ok(shared):
    answer = shared.client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "OK"})


@pytest.mark.parametrize("group", [1, 2])
def test_a_batch_has_the_shape_of_the_contract(serve, group):
    answer = serve().get("/data", params={"group_number": group, "day": "Tuesday"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert list(body) == ["group_number", "batch_number", "data"]
    assert (body["group_number"], body["batch_number"]) == (group, 0)
    for row in body["data"]:
        assert list(row) == FIELDS
        assert all(
            type(row[name]) is float
            for name in ("brokered_by", "street", "zip_code", "price")
        )
        assert all(
            type(row[name]) in (float, type(None))
            for name in ("bed", "bath", "acre_lot", "house_size")
        )
        assert row["status"] in ("for_sale", "sold")


def test_every_get_advances_the_cursor_until_the_end_of_data(serve):
    client = serve()
    answers = [
        client.get("/data", params={"group_number": 2}).json()["batch_number"]
        for _ in range(6)
    ]
    assert answers == [0, 1, 2, 3, 4, 5]
    for _ in range(2):
        answer = client.get("/data", params={"group_number": 2})
        assert (answer.status_code, answer.json()) == (400, END)


def test_either_day_moves_the_one_cursor(serve):
    client = serve()
    days = ["Tuesday", "Wednesday", None]
    params = [{"group_number": 1} | ({"day": day} if day else {}) for day in days]
    assert [client.get("/data", params=p).json()["batch_number"] for p in params] == [
        0,
        1,
        2,
    ]


def test_groups_of_the_same_stream_have_cursors_of_their_own(serve):
    client = serve()
    first, other = (
        client.get("/data", params={"group_number": group}) for group in (1, 3)
    )
    assert (first.json()["group_number"], other.json()["group_number"]) == (1, 3)
    assert first.json()["batch_number"] == other.json()["batch_number"] == 0
    assert first.json()["data"] == other.json()["data"]


def test_restart_puts_the_cursor_back_to_0(serve):
    client = serve()
    first = client.get("/data", params={"group_number": 2}).content
    client.get("/data", params={"group_number": 2})
    answer = client.get("/restart_data_generation", params={"group_number": 2})
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert client.get("/data", params={"group_number": 2}).content == first


def test_restart_opens_a_group_that_was_at_its_end(serve):
    client = serve(campaign_scale=0.0001)
    while client.get("/data", params={"group_number": 2}).status_code == 200:
        pass
    client.get("/restart_data_generation", params={"group_number": 2})
    assert client.get("/data", params={"group_number": 2}).json()["batch_number"] == 0


def test_an_answered_batch_is_answered_again_without_moving_the_cursor(serve):
    client = serve()
    bodies = [client.get("/data", params={"group_number": 1}).content for _ in range(3)]
    again = [
        client.get("/data", params={"group_number": 1, "batch_number": k}).content
        for k in (2, 0, 1, 1)
    ]
    assert again == [bodies[2], bodies[0], bodies[1], bodies[1]]
    assert client.get("/data", params={"group_number": 1}).json()["batch_number"] == 3


def test_the_last_batch_is_answered_again_after_the_end_of_data(serve):
    client = serve(campaign_scale=0.0001)
    bodies = [client.get("/data", params={"group_number": 2}).content for _ in range(7)]
    assert json.loads(bodies[6]) == END
    assert (
        client.get("/data", params={"group_number": 2, "batch_number": 5}).content
        == bodies[5]
    )


def test_a_batch_not_answered_yet_is_refused_and_the_cursor_stays(serve):
    client = serve()
    client.get("/data", params={"group_number": 1})
    for number in (1, 12):
        answer = client.get("/data", params={"group_number": 1, "batch_number": number})
        assert answer.status_code == 404
        assert answer.json()["detail"].startswith(
            f"batch {number} of group 1 has not been answered yet; "
        )
    assert client.get("/data", params={"group_number": 1}).json()["batch_number"] == 1


@pytest.mark.parametrize("number", [-1, 13, 10**30])
def test_a_batch_that_the_stream_never_has_is_refused_by_name(shared, number):
    answer = shared.client.get(
        "/data", params={"group_number": 1, "batch_number": number}
    )
    assert answer.status_code == 404
    assert f"batch {number} of group 1 does not exist" in answer.json()["detail"]
    assert "0 to 12" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/data", "/restart_data_generation"])
@pytest.mark.parametrize("group", [0, -1, 99, 10**30])
def test_an_unknown_group_is_a_400_that_names_the_groups(shared, path, group):
    answer = shared.client.get(path, params={"group_number": group})
    assert answer.status_code == 400
    assert answer.json() == {
        "detail": f"group {group} does not exist; the groups are 1, 7"
    }


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "group_number"),
        ("group_number=", "group_number"),
        ("group_number=one", "group_number"),
        ("group_number=1.5", "group_number"),
        ("group_number=NaN", "group_number"),
        ("group_number=" + "9" * 5000, "group_number"),
        ("group_number=%00", "group_number"),
        ("group_number=%ff%fe", "group_number"),
        ("group_number=1&day=Sunday", "day"),
        ("group_number=1&day=tuesday", "day"),
        ("group_number=1&day=", "day"),
        ("group_number=1&batch_number=x", "batch_number"),
        ("group_number=1&batch_number=", "batch_number"),
    ],
)
def test_a_bad_parameter_is_a_422_that_names_it_and_moves_nothing(shared, query, name):
    answer = shared.client.get(f"/data?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(f"{name}: ")
    assert list(shared.state_dir.glob("*.json")) == []


def test_the_body_is_the_streams_own_bytes(serve):
    client = serve()
    king_county = client.get("/data", params={"group_number": 4}).content
    campaign = client.get("/data", params={"group_number": 2}).content
    assert king_county == b"".join(KingCounty().stream(0, group_number=4))
    assert campaign == b"".join(Campaign(scale=0.01).stream(0, group_number=2))


def test_openapi_shows_the_twelve_fields_and_the_end_of_data(shared):
    responses = shared.client.get("/openapi.json").json()["paths"]["/data"]["get"][
        "responses"
    ]
    batch = responses["200"]["content"]["application/json"]
    assert list(batch["schema"]["properties"]["data"]["items"]["properties"]) == FIELDS
    assert list(batch["example"]["data"][0]) == FIELDS
    assert (
        responses["400"]["content"]["application/json"]["examples"]["end"]["value"]
        == END
    )
