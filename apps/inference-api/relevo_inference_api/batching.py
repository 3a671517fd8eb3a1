"""Requests that arrive while the loop is busy with others are answered together.

All that were read in one round of the event loop wait for its end, not for each other: nobody is slower, and under load
one call of the model and one write of the log serve many.
"""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import NamedTuple

from relevo.serving.predict import PredictRequest, predict_together
from relevo.serving.responses import EncodedResponse
from relevo.serving.served_case import ServedCase


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
