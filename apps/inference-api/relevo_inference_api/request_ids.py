"""Every answer carries the id of its request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from relevo_inference_api.exchange import (
    REQUEST_ID,
    Facts,
    Message,
    Receive,
    Scope,
    Send,
    facts_of,
)

Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
STATE = "facts"


class RequestIds:
    """Outside all of FastAPI, so that its own errors carry the id too. Routes find the facts in the request's state."""

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        facts: Facts = facts_of(scope["headers"])
        answering = False
        scope.setdefault("state", {})[STATE] = facts

        async def send_with_id(message: Message) -> None:
            nonlocal answering
            if message["type"] == "http.response.start":
                answering = True
                message["headers"] = [
                    *message.get("headers", ()),
                    (REQUEST_ID, facts.request_id),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            if not answering:  # what was answered has been logged with its id, and would be logged again
                raise
