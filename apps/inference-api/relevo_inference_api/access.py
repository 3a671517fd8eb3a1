"""Who may send admin actions."""

from __future__ import annotations

import hmac

from relevo_inference_api.exchange import HttpRefusal


class TokenGate:
    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def check(self, authorization: str) -> None:
        """Compares in constant time."""
        if not self._token:
            raise HttpRefusal(
                403,
                "admin actions are switched off here; set RELEVO_API_TOKEN to allow them",
            )
        scheme, _, token = authorization.partition(" ")
        is_right = hmac.compare_digest(token.strip().encode(), self._token)
        if scheme.lower() != "bearer" or not is_right:
            raise HttpRefusal(
                401, "send the token of this API as Authorization: Bearer …"
            )
