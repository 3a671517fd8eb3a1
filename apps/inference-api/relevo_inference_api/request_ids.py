"""Every answer carries the id of its request."""

from __future__ import annotations

from relevo_inference_api.exchange import (
    REQUEST_ID,
    Asgi,
    Message,
    Receive,
    RequestHead,
    Scope,
    Send,
    read_head,
)

STATE = "request_head"


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
        head: RequestHead = read_head(scope["headers"])
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
