"""What is read of a request before its body, how the body is read within its limit, and what an answer carries."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple

from relevo.serving.predict import PredictResponse, refusal
from relevo.serving.random_hex import random_hex

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
RawHeaders = Iterable[tuple[bytes, bytes]]

_SANE_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_JSON = (b"content-type", b"application/json")
REQUEST_ID = b"x-request-id"


class Refused(Exception):
    """The request goes no further."""

    def __init__(self, answered: PredictResponse) -> None:
        super().__init__(answered.body)
        self.answered = answered


class Disconnected(Exception):
    """The client has gone; nobody waits for an answer."""


class Facts(NamedTuple):
    request_id: bytes
    length: int
    key: bytes


def facts_of(headers: RawHeaders) -> Facts:
    """An X-Request-ID that is sane is kept; else there is a new one. A length that is no number counts as 0."""
    request_id, length, key = b"", 0, b""
    for name, value in headers:
        if name == b"content-length":
            length = int(value) if value.isdigit() and len(value) < 20 else 0
        elif name == REQUEST_ID and _SANE_ID.fullmatch(value):
            request_id = value
        elif name == b"x-api-key":
            key = value
    return Facts(request_id or random_hex(16).encode(), length, key)


async def read_body(receive: Receive, length: int, most: int) -> bytes:
    """Refused (413) as soon as it is known to be too large."""
    if length > most:
        raise _too_large(most)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Disconnected
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts, size = [body], len(body)
        while message.get("more_body") and size <= most:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            parts.append(message.get("body", b""))
            size += len(parts[-1])
        body = b"".join(parts)
    if len(body) > most:
        raise _too_large(most)
    return body


def _too_large(most: int) -> Refused:
    return Refused(
        refusal(413, f"the body is larger than {most} bytes; send fewer rows a request")
    )


def headers_of(answered: PredictResponse) -> list[tuple[bytes, bytes]]:
    """The same whichever way the request came."""
    headers = [(b"content-length", b"%d" % len(answered.body)), _JSON]
    if answered.receipt:
        headers.append((b"x-receipt", answered.receipt.encode()))
    if answered.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    elif answered.status == 413:
        headers.append((b"connection", b"close"))
    return headers
