"""Who may give orders."""

from __future__ import annotations

import hmac

from relevo.serving.predict import refusal
from relevo_inference_api.exchange import Refused


class TokenGate:
    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def check(self, authorization: str) -> None:
        """Compares in constant time."""
        if not self._token:
            raise Refused(
                refusal(
                    403,
                    "orders are switched off here; set RELEVO_API_TOKEN to allow them",
                )
            )
        scheme, _, given = authorization.partition(" ")
        right = hmac.compare_digest(given.strip().encode(), self._token)
        if scheme.lower() != "bearer" or not right:
            raise Refused(
                refusal(401, "send the token of this API as Authorization: Bearer …")
            )
