"""What is read of a request before its body, how the body is read within its limit, and the
headers of a response, the id of its request among them.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple

from relevo.errors import RelevoError
from relevo.serving.random_hex import random_hex
from relevo.serving.responses import EncodedResponse

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
RawHeaders = Iterable[tuple[bytes, bytes]]

_SANE_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_JSON = (b"content-type", b"application/json")
REQUEST_ID = b"x-request-id"
STATE = "request_head"
# the client has closed the connection: for the metrics, nobody reads it
GONE = EncodedResponse(499, b"")


class HttpRefusal(RelevoError):
    """The request goes no further."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.http_status = status


class Disconnected(Exception):
    """The client has gone; nobody waits for a response."""


class RequestHead(NamedTuple):
    request_id: bytes
    length: int
    key: bytes


def read_head(headers: RawHeaders) -> RequestHead:
    """An X-Request-ID that is sane is kept; else there is a new one.

    A length that is no number counts as 0.
    """
    request_id, length, key = b"", 0, b""
    for name, value in headers:
        if name == b"content-length":
            length = int(value) if value.isdigit() and len(value) < 20 else 0
        elif name == REQUEST_ID and _SANE_ID.fullmatch(value):
            request_id = value
        elif name == b"x-api-key":
            key = value
    return RequestHead(request_id or random_hex(16).encode(), length, key)


async def read_body(receive: Receive, length: int, most: int) -> bytes:
    """Refused (413) as soon as it is known to be too large."""
    parts: list[bytes] = []
    size = 0
    is_more = length <= most
    while is_more and size <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        is_more = message.get("more_body", False)
    if length > most or size > most:
        raise HttpRefusal(
            413, f"the body is larger than {most} bytes; send fewer rows a request"
        )
    # of a single part, as nearly always, no copy is made
    return b"".join(parts)


def headers_of(response: EncodedResponse) -> list[tuple[bytes, bytes]]:
    """The same whichever way the request came."""
    headers = [(b"content-length", b"%d" % len(response.body)), _JSON]
    if response.receipt:
        headers.append((b"x-receipt", response.receipt.encode()))
    if response.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    elif response.status == 413:
        # what the client still sends of its body is not read
        headers.append((b"connection", b"close"))
    return headers


class RequestIds:
    """Outside all of FastAPI, so that its own errors carry the id too.

    Routes find the head in the request's state.
    """

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = read_head(scope["headers"])
        has_begun = False
        scope.setdefault("state", {})[STATE] = head

        async def send_with_id(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                message["headers"] = [
                    *message.get("headers", ()),
                    (REQUEST_ID, head.request_id),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            # what was answered has been logged with its id, and would be logged again
            if not has_begun:
                raise
