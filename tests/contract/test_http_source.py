"""What a server can do wrong, and whether a batch may have been lost by it."""

import socket
import struct
import threading
from collections.abc import Callable

import pytest

from relevo.adapters.http_source import HttpSource
from relevo.errors import SourceError, SourceUnavailable
from tests.contract.data_servers import (
    END,
    Query,
    RightAnswers,
    answering,
    detail,
    speaking,
)
from tests.servers import free_port

Script = Callable[[socket.socket], None]


def ask(url: str, timeout: float = 0.3) -> bytes | None:
    with HttpSource(url, 1, timeout=timeout).next(None) as answer:
        return None if answer is None else b"".join(answer.chunks)


def always(status: int, body: bytes) -> Callable[[str, Query], tuple[int, bytes]]:
    return lambda _path, _query: (status, body)


def ask_answered(status: int, body: bytes) -> bytes | None:
    with answering(always(status, body)) as url:
        return ask(url, timeout=5)


@pytest.mark.parametrize(
    "spelling",
    [
        END,
        "Ya se recolectó toda la información minima necesaria",
        END.upper(),
        f" {END.replace('ó', 'ó')} ",
    ],
)
def test_the_end_of_data_is_known_in_every_spelling(spelling: str) -> None:
    assert ask_answered(400, detail(spelling)) is None


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 429])
def test_a_failing_server_may_have_moved_on_and_is_never_the_end_even_if_it_says_so(
    status: int,
) -> None:
    with pytest.raises(
        SourceUnavailable, match=f"group_number=1 answered {status}: Ya se"
    ) as failed:
        ask_answered(status, detail(END))
    assert failed.value.maybe_answered


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (
            400,
            detail("group 1 does not exist; the groups are 2"),
            "answered 400: group 1 does not exist",
        ),
        (400, detail(f"{END}, o no"), "answered 400"),
        (400, END.encode(), "answered 400"),
        (400, b'{"detail": {"msg": "no"}}', "answered 400"),
        (401, b"", "answered 401"),
        (404, detail(END), "answered 404"),
        (404, b"<html>no such page</html>", "answered 404: '<html>"),
        (422, b'{"detail": [{"msg": "wrong"}]}', "answered 422"),
        (302, b"", "redirects to http://login.example/sign-in; give"),
    ],
)
def test_a_clear_no_is_not_asked_again_and_not_the_end(
    status: int, body: bytes, why: str
) -> None:
    with pytest.raises(SourceError, match=why) as refused:
        ask_answered(status, body)
    assert not isinstance(refused.value, SourceUnavailable)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}", "http://no-such-host.invalid:{port}"]
)
def test_a_server_that_was_never_reached_has_surely_not_moved_on(url: str) -> None:
    with pytest.raises(SourceUnavailable, match="cannot be reached") as failed:
        ask(url.format(port=free_port()), timeout=2)
    assert not failed.value.maybe_answered


def send(text: bytes) -> Script:
    return lambda connection: connection.sendall(text)


def send_and_reset(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + bytes(10))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


BROKEN: dict[str, Script] = {
    "it closes without a word": send(b""),
    "it does not speak HTTP": send(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "its head is cut": send(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "its body is shorter than it said": send(
        b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"data":['
    ),
    "its last chunk is missing": send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{data\r\n"
    ),
    "it resets the connection": send_and_reset,
    "its compression is broken": send(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"
    ),
    "its refusal is cut": send(
        b'HTTP/1.1 400 Bad Request\r\nContent-Length: 1000\r\n\r\n{"detail": "Ya se'
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_breaks_off_may_be_a_batch_lost(name: str) -> None:
    with (
        speaking(BROKEN[name]) as url,
        pytest.raises(SourceUnavailable, match="/data broke off") as failed,
    ):
        ask(url)
    assert failed.value.maybe_answered


@pytest.mark.parametrize(
    "before", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"]
)
def test_a_server_that_falls_silent_may_have_moved_on(before: bytes) -> None:
    asked_enough = threading.Event()

    def fall_silent(connection: socket.socket) -> None:
        connection.sendall(before)
        asked_enough.wait(10)

    with speaking(fall_silent) as url:
        with pytest.raises(
            SourceUnavailable,
            match=r"sent nothing for 0.3 s; raise RELEVO_SOURCE_TIMEOUT",
        ) as failed:
            ask(url)
        asked_enough.set()
    assert failed.value.maybe_answered


def test_a_slow_server_is_waited_for_as_long_as_bytes_come() -> None:
    pause = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
        for _ in range(6):
            pause.wait(0.15)
            connection.sendall(b"x")

    with speaking(drip) as url:
        assert ask(url) == b"xxxxxx"


def test_what_says_it_is_something_else_is_handed_on_as_it_is() -> None:
    assert ask_answered(200, b"<html>hello</html>") == b"<html>hello</html>"


def test_an_error_of_whoever_reads_the_batch_passes_as_it_is() -> None:
    with (
        answering(RightAnswers([b"[]"])) as url,
        pytest.raises(ZeroDivisionError),
        HttpSource(url, 1).next(None),
    ):
        raise ZeroDivisionError


def test_an_unknown_group_is_an_error() -> None:
    answers = RightAnswers([b"[]"])
    with (
        answering(answers) as url,
        pytest.raises(SourceError, match="group 9 "),
        HttpSource(url, 9).next(None),
    ):
        pass


def test_a_url_may_have_a_path_and_a_login_which_no_error_shows() -> None:
    with pytest.raises(
        SourceUnavailable, match=r"http://127.0.0.1:\d+/api/data "
    ) as failed:
        ask(f"http://user:secret@127.0.0.1:{free_port()}/api/?token=secret")
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8000", "ftp://host", "http://", "http://host:port"]
)
def test_a_url_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(SourceError, match="write http://host:port"):
        HttpSource(url, 1)


def test_a_server_is_not_asked_for_what_it_was_not_said_to_know() -> None:
    source = HttpSource(f"http://127.0.0.1:{free_port()}", 1)
    with pytest.raises(SourceError, match="can_repeat=True"):
        source.repeat(0)
    with pytest.raises(SourceError, match="may_restart=True"):
        source.restart()


@pytest.mark.parametrize(
    ("status", "body"), [(200, b'{"ok": false}'), (200, b"<html>"), (404, b"")]
)
def test_a_restart_that_is_not_confirmed_is_an_error(status: int, body: bytes) -> None:
    with (
        answering(always(status, body)) as url,
        pytest.raises(SourceError, match="restart_data_generation"),
    ):
        HttpSource(url, 1, may_restart=True).restart()


def test_a_failing_server_is_asked_to_start_over_again() -> None:
    with answering(always(503, b"")) as url, pytest.raises(SourceUnavailable):
        HttpSource(url, 1, may_restart=True).restart()


def test_a_repeat_that_fails_otherwise_is_an_error() -> None:
    with (
        answering(always(404, detail("Not Found"))) as url,
        pytest.raises(SourceError, match="Not Found"),
        HttpSource(url, 1, can_repeat=True).repeat(0),
    ):
        pass
