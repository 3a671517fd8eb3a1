"""The HTTP face: routes translate, groups.py does the work."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse

from relevo_data_api import openapi
from relevo_data_api.errors import DataApiError, UnknownGroup
from relevo_data_api.groups import ConsumerGroup, open_groups
from relevo_data_api.settings import DataApiSettings

log = logging.getLogger(__name__)

GroupNumber = Annotated[int, Query(description="whose cursor", examples=[1])]
Day = Annotated[
    Literal["Tuesday", "Wednesday"] | None,
    Query(
        description="accepted for the clients that send it; the batch is the same on either day"
    ),
]
Repeat = Annotated[
    int | None,
    Query(
        description="answer this batch again, without moving the cursor; "
        "it must have been answered before"
    ),
]


def create_data_api(settings: DataApiSettings) -> FastAPI:
    """The application. Streams and cursors are opened when it starts, not here."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.groups = open_groups(settings)
        yield

    app = FastAPI(
        title="Relevo Data API",
        description="A batch source: each GET of /data answers the group's next batch.",
        lifespan=lifespan,
    )
    app.exception_handler(DataApiError)(refuse)
    app.exception_handler(RequestValidationError)(refuse_parameters)
    app.get("/health", responses=openapi.HEALTH)(health)
    app.get("/data", response_class=StreamingResponse, responses=openapi.DATA)(data)
    app.get("/restart_data_generation", responses=openapi.RESTART)(
        restart_data_generation
    )
    return app


async def health() -> dict[str, str]:
    """The process lives."""
    return {"status": "OK"}


def data(
    request: Request,
    group_number: GroupNumber,
    day: Day = None,  # noqa: ARG001 (checked by FastAPI, and changes nothing)
    batch_number: Repeat = None,
) -> StreamingResponse:
    """Answer the group's next batch and move its cursor on, or answer an earlier batch again."""
    group = _group(request, group_number)
    message = "group %d: batch %d of %s answered"
    if batch_number is None:
        batch_number, body = group.next_batch()
    else:
        body = group.answered_batch(batch_number)
        message += " again"
    log.info(message, group_number, batch_number, group.stream.name)
    return StreamingResponse(body, media_type="application/json")


def restart_data_generation(
    request: Request, group_number: GroupNumber
) -> dict[str, bool]:
    """Put the group's cursor back to 0."""
    _group(request, group_number).restart()
    log.info("group %d: restarted", group_number)
    return {"ok": True}


async def refuse(request: Request, error: DataApiError) -> JSONResponse:
    if error.status_code >= 500:
        log.error("%s %s: %s", request.method, request.url.path, error)
    return JSONResponse({"detail": str(error)}, error.status_code)


async def refuse_parameters(_: Request, error: RequestValidationError) -> JSONResponse:
    return JSONResponse({"detail": "; ".join(map(_sentence, error.errors()))}, 422)


def _sentence(problem: Mapping[str, Any]) -> str:
    sentence = f"{problem['loc'][-1]}: {problem['msg']}"
    if problem["type"] != "missing":
        sentence += f"; got {problem['input']!r:.60}"
    return sentence


def _group(request: Request, number: int) -> ConsumerGroup:
    groups: Mapping[int, ConsumerGroup] = request.app.state.groups
    if number not in groups:
        existing = ", ".join(map(str, groups))
        raise UnknownGroup(f"group {number} does not exist; the groups are {existing}")
    return groups[number]
