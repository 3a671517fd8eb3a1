"""One place for all predictions, by whichever way they are asked for: access, limits, and then `answer`."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Mapping

from relevo.serving.predict import PredictResponse, answer, ask, refusal
from relevo.serving.served_case import ServedCase
from relevo_inference_api.exchange import (
    Disconnected,
    Facts,
    Receive,
    Refused,
    read_body,
)
from relevo_inference_api.together import Together

log = logging.getLogger(__name__)

INLINE_BYTES = (
    16_384  # what takes longer than a request should wait for another goes to a thread
)
GONE = PredictResponse(
    499, b""
)  # the client has closed the connection: for the metrics, nobody reads it


class Predictor:
    def __init__(
        self, cases: Mapping[str, ServedCase], key: str, max_bytes: int
    ) -> None:
        self.cases, self._key, self.max_bytes = cases, key.encode(), max_bytes
        self._together = Together()

    async def __call__(
        self, name: str, facts: Facts, receive: Receive, *, contract: bool = False
    ) -> PredictResponse:
        """`contract`: in the shape of the house prices contract. Never raises."""
        try:
            case = self.case(name)
            self.require_key(facts)
            body = await read_body(receive, facts.length, self.max_bytes)
            if len(body) <= INLINE_BYTES:
                asked = ask(case, body, contract=contract)
                return (
                    asked
                    if isinstance(asked, PredictResponse)
                    else await self._together(case, asked)
                )
            return await asyncio.to_thread(answer, case, body, contract=contract)
        except Refused as refused:
            return refused.answered
        except Disconnected:
            return GONE
        except Exception:  # noqa: BLE001
            return internal_error(facts)

    def case(self, name: str) -> ServedCase:
        if (case := self.cases.get(name)) is None:
            raise Refused(
                refusal(
                    404,
                    f"no use case {name!r} is served here; there are {', '.join(self.cases)}",
                )
            )
        return case

    def require_key(self, facts: Facts) -> None:
        if self._key and not hmac.compare_digest(facts.key, self._key):
            raise Refused(refusal(401, "send the key of this API as X-API-Key"))


def internal_error(facts: Facts) -> PredictResponse:
    """Called while an exception is handled: the log has it, the client does not."""
    request_id = facts.request_id.decode()
    log.exception("request %s failed", request_id)
    return refusal(
        500,
        f"something failed here; whoever runs this API finds it in the log under {request_id}",
    )
