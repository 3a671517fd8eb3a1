"""The cursor on disk: it survives kills, is never shared by two answers, and is never guessed."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from relevo_data_api.cursor import Cursor
from relevo_data_api.groups import ConsumerGroup
from relevo_data_api.streams.campaign import Campaign
from relevo_data_api.streams.stream import Listing, Stream


def test_a_killed_server_goes_on_where_it_was(spawn):
    first = spawn()
    bodies = [
        first.client.get("/data", params={"group_number": 1}).content for _ in range(2)
    ]
    first.popen.kill()
    first.popen.wait()
    second = spawn()
    again = [
        second.client.get("/data", params={"group_number": 1, "batch_number": k})
        for k in (0, 1)
    ]
    assert [answer.content for answer in again] == bodies
    assert (
        second.client.get("/data", params={"group_number": 1}).json()["batch_number"]
        == 2
    )


def test_the_cursor_has_moved_before_the_body_leaves(spawn, state_dir):
    process = spawn(campaign_scale=1.0)
    with process.client.stream("GET", "/data", params={"group_number": 2}) as answer:
        assert answer.status_code == 200
        process.popen.kill()
    campaign = Campaign()
    assert Cursor(state_dir, 2, campaign.identity, campaign.batches).read() == 1


def test_sigterm_ends_the_server_with_status_0(spawn):
    process = spawn()
    process.client.get("/data", params={"group_number": 1})
    process.popen.send_signal(signal.SIGTERM)
    assert process.popen.wait(timeout=10) == 0


def test_concurrent_requests_get_distinct_batches(serve):
    client = serve()
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(
                lambda _: client.get("/data", params={"group_number": 1}), range(16)
            )
        )
    served = [
        answer.json()["batch_number"] for answer in answers if answer.status_code == 200
    ]
    assert sorted(served) == list(range(13))
    assert [answer.status_code for answer in answers].count(400) == 3


def test_two_servers_on_one_state_directory_never_answer_the_same_batch(serve):
    clients = [serve(), serve()]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda n: clients[n % 2].get("/data", params={"group_number": 1}),
                range(12),
            )
        )
    assert sorted(answer.json()["batch_number"] for answer in answers) == list(
        range(12)
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"3",
        b"\xff\xfe",
        b'{"stream":"king-county"}',
        b'{"stream":"king-county","next_batch":"3"}',
        b'{"stream":"king-county","next_batch":1.5}',
        b'{"stream":"king-county","next_batch":-1}',
        b'{"stream":"king-county","next_batch":14}',
        b'{"stream":"king-county","next_batch":3',
    ],
)
def test_a_corrupt_cursor_is_a_500_that_names_the_file_until_a_restart(shared, content):
    client, state_dir = shared
    file = state_dir / "group-1.json"
    file.write_bytes(content)
    for params in ({"group_number": 1}, {"group_number": 1, "batch_number": 0}):
        answer = client.get("/data", params=params)
        assert answer.status_code == 500
        assert str(file) in answer.json()["detail"]
        assert "/restart_data_generation?group_number=1" in answer.json()["detail"]
    assert file.read_bytes() == content
    assert (
        client.get("/data", params={"group_number": 7, "batch_number": 0}).status_code
        == 404
    )
    assert client.get(
        "/restart_data_generation", params={"group_number": 1}
    ).json() == {"ok": True}
    assert client.get("/data", params={"group_number": 1}).json()["batch_number"] == 0


def test_a_cursor_of_another_stream_is_refused(serve, state_dir):
    serve(groups="1=campaign", campaign_scale=0.01).get(
        "/data", params={"group_number": 1}
    )
    answer = serve(groups="1=campaign", campaign_scale=0.02).get(
        "/data", params={"group_number": 1}
    )
    assert answer.status_code == 500
    assert "scale=0.01" in answer.json()["detail"]
    assert "scale=0.02" in answer.json()["detail"]


def test_a_cursor_that_cannot_be_written_costs_no_batch(serve, state_dir):
    client = serve()
    obstacle = state_dir / "group-1.tmp"
    obstacle.mkdir()
    answer = client.get("/data", params={"group_number": 1})
    assert answer.status_code == 500
    assert str(state_dir / "group-1.json") in answer.json()["detail"]
    obstacle.rmdir()
    assert client.get("/data", params={"group_number": 1}).json()["batch_number"] == 0


def test_a_half_written_cursor_left_by_a_kill_is_ignored(serve, state_dir):
    client = serve()
    client.get("/data", params={"group_number": 1})
    (state_dir / "group-1.tmp").write_bytes(b'{"stream":"king')
    assert client.get("/data", params={"group_number": 1}).json()["batch_number"] == 1


class Failing(Stream):
    name = identity = "failing"
    sizes = (1, 1)

    def rows(self, batch_number: int) -> Iterator[list[Listing]]:
        raise RuntimeError("no rows today")


def test_a_stream_that_cannot_answer_costs_no_batch(tmp_path):
    cursor = Cursor(tmp_path, 1, "failing", 2)
    with pytest.raises(RuntimeError, match="no rows today"):
        ConsumerGroup(1, Failing(), cursor).next_batch()
    assert cursor.read() == 0
