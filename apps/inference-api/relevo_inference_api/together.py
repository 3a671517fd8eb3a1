"""Requests that arrive while the loop is busy with others are answered together.

All that were read in one round of the event loop wait for its end, not for each other: nobody is slower, and under load
one call of the model and one write of the log serve many.
"""

from __future__ import annotations

import asyncio
from itertools import groupby

from relevo.serving.predict import PredictRequest, PredictResponse, predict_together
from relevo.serving.served_case import ServedCase

Waiting = tuple[ServedCase, PredictRequest, "asyncio.Future[PredictResponse]"]


class Together:
    def __init__(self) -> None:
        self._waiting: list[Waiting] = []

    async def __call__(
        self, case: ServedCase, asked: PredictRequest
    ) -> PredictResponse:
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[PredictResponse] = loop.create_future()
        self._waiting.append((case, asked, answered))
        if len(self._waiting) == 1:
            loop.call_soon(self._answer)
        return await answered

    def _answer(self) -> None:
        waiting, self._waiting = self._waiting, []
        for _, group in groupby(waiting, lambda one: (one[0].name, id(one[1].model))):
            _settle(list(group))


def _settle(group: list[Waiting]) -> None:
    try:
        answers = predict_together(group[0][0], [asked for _, asked, _ in group])
    except Exception as error:  # noqa: BLE001
        for _, _, answered in group:
            if not answered.done():
                answered.set_exception(error)
        return
    for (_, _, answered), one in zip(group, answers, strict=True):
        if not answered.done():  # a client that has gone waits no more
            answered.set_result(one)
