"""One place for all predictions, by whichever way they are asked for: access, limits, and
then the model.
"""

import asyncio
import hmac
import logging
from collections.abc import Mapping
from itertools import groupby
from typing import NamedTuple

from relevo.domain.dialect import Dialect
from relevo.serving.predict import (
    PredictRequest,
    answer,
    predict_together,
    read_request,
)
from relevo.serving.responses import EncodedResponse, refusal
from relevo.serving.served_case import ServedCase
from relevo_inference_api.exchange import (
    GONE,
    Disconnected,
    HttpRefusal,
    Receive,
    RequestHead,
    read_body,
)

log = logging.getLogger(__name__)

# 16 kB of rows take about a millisecond: more would keep the requests behind waiting, and
# goes to a thread
INLINE_BYTES = 16_384


class WaitingRequest(NamedTuple):
    case: ServedCase
    request: PredictRequest
    response: asyncio.Future[EncodedResponse]

    def batch(self) -> tuple[str, int]:
        """Requests of one case may have begun with different models, where one was swapped
        in between.
        """
        return self.case.name, id(self.request.model)


class RequestBatcher:
    """Requests that arrive while the loop is busy with others are answered together.

    All that were read in one round of the event loop wait for its end, not for each other: nobody is slower, and
    under load one call of the model and one write of the log serve many.
    """

    def __init__(self) -> None:
        self._waiting: list[WaitingRequest] = []

    async def __call__(
        self, case: ServedCase, request: PredictRequest
    ) -> EncodedResponse:
        loop = asyncio.get_running_loop()
        response: asyncio.Future[EncodedResponse] = loop.create_future()
        self._waiting.append(WaitingRequest(case, request, response))
        if len(self._waiting) == 1:
            loop.call_soon(self._respond)
        return await response

    def _respond(self) -> None:
        waiting, self._waiting = self._waiting, []
        for _, batch in groupby(waiting, WaitingRequest.batch):
            _settle(list(batch))


def _settle(batch: list[WaitingRequest]) -> None:
    try:
        responses = predict_together(batch[0].case, [each.request for each in batch])
    except Exception as error:  # noqa: BLE001
        for each in batch:
            if not each.response.done():
                each.response.set_exception(error)
        return
    for each, response in zip(batch, responses, strict=True):
        if not each.response.done():  # a client that has gone waits no more
            each.response.set_result(response)


class Predictor:
    def __init__(
        self, cases: Mapping[str, ServedCase], key: str, max_bytes: int
    ) -> None:
        self.cases, self._key, self.max_bytes = cases, key.encode(), max_bytes
        self._batcher = RequestBatcher()

    async def __call__(
        self,
        name: str,
        head: RequestHead,
        receive: Receive,
        dialect: Dialect | None = None,
    ) -> EncodedResponse:
        """Never raises."""
        try:
            case = self.case(name)
            self.require_key(head)
            body = await read_body(receive, head.length, self.max_bytes)
            if len(body) > INLINE_BYTES:
                return await asyncio.to_thread(answer, case, body, dialect)
            request = read_request(case, body, dialect)
            if isinstance(request, EncodedResponse):
                return request
            return await self._batcher(case, request)
        except HttpRefusal as error:
            return refusal(error.http_status, str(error))
        except Disconnected:
            return GONE
        except Exception:  # noqa: BLE001
            return internal_error(head)

    def case(self, name: str) -> ServedCase:
        if (case := self.cases.get(name)) is None:
            raise HttpRefusal(
                404,
                f"no use case {name!r} is served here; there are {', '.join(self.cases)}",
            )
        return case

    def require_key(self, head: RequestHead) -> None:
        if self._key and not hmac.compare_digest(head.key, self._key):
            raise HttpRefusal(401, "send the key of this API as X-API-Key")


def internal_error(head: RequestHead) -> EncodedResponse:
    """Called while an exception is handled: the log has it, the client does not."""
    request_id = head.request_id.decode()
    log.exception("request %s failed", request_id)
    return refusal(
        500,
        f"something failed here; whoever runs this API finds it in the log under {request_id}",
    )
