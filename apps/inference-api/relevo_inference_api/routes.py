"""The routes: each translates, and hands the work on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import JSONResponse

from relevo.domain.evidence import Move
from relevo.serving.explain import Explanation, explain
from relevo.serving.model import ServedModel
from relevo.serving.predict import PredictResponse, no_model, one_row, refusal
from relevo.serving.responses import health_of, model_of, schema_of
from relevo.serving.served_case import ServedCase
from relevo_inference_api import shapes
from relevo_inference_api.access import TokenGate
from relevo_inference_api.exchange import Facts, Refused, headers_of, read_body
from relevo_inference_api.hot_path import CONTRACT_CASE, CONTRACT_PATHS, speaks_contract
from relevo_inference_api.orders import Promote, Rollback, read_labels, read_order
from relevo_inference_api.predictor import Predictor
from relevo_inference_api.request_ids import STATE
from relevo_inference_api.service import Service

Asked = Annotated[str, Header(alias="Authorization", include_in_schema=False)]


def facts(request: Request) -> Facts:
    found: Facts = request.scope["state"][STATE]
    return found


def respond(answered: PredictResponse) -> Response:
    response = Response(answered.body, answered.status)
    response.raw_headers = headers_of(answered)
    return response


def told(status: int, *models: type) -> dict[int | str, dict[str, Any]]:
    """One more answer for the documents."""
    shape: Any = models[0]
    for model in models[1:]:
        shape = shape | model
    return {status: {"model": shape}}


REFUSED = (
    told(404, shapes.Refusal) | told(401, shapes.Refusal) | told(503, shapes.Refusal)
)
INPUT = (
    told(422, shapes.Problems) | told(413, shapes.Refusal) | told(500, shapes.Refusal)
)
ORDER = REFUSED | told(403, shapes.Refusal) | told(409, shapes.Refusal)


@dataclass(frozen=True, slots=True)
class Routes:
    service: Service
    predictor: Predictor
    gate: TokenGate

    def router(self) -> APIRouter:
        router = APIRouter()
        router.get("/health", response_model=shapes.Health, tags=["operations"])(
            self.health
        )
        router.get(
            "/ready",
            response_model=shapes.Ready,
            responses=told(503, shapes.Ready),
            tags=["operations"],
        )(self.ready)
        router.post(
            "/load_model", response_model=shapes.Hinted, include_in_schema=False
        )(self.hint)
        router.post("/load_model/", response_model=shapes.Hinted, tags=["operations"])(
            self.hint
        )
        router.get(
            "/v1/receipts/{receipt}",
            response_model=shapes.Receipt,
            responses=REFUSED,
            tags=["receipts"],
        )(self.receipt)
        if speaks_contract(self.service.settings.cases):
            for path in CONTRACT_PATHS:
                shown = told(200, shapes.HousePrice) | REFUSED | INPUT
                hidden = path != CONTRACT_PATHS[0]
                router.post(
                    path,
                    responses=shown,
                    tags=["contract"],
                    include_in_schema=not hidden,
                )(self.price)
        self._case_routes(router)
        return router

    def _case_routes(self, router: APIRouter) -> None:
        get, post = router.get, router.post
        get("/v1/{case}/schema", response_model=shapes.Schema, responses=REFUSED)(
            self.schema
        )
        get("/v1/{case}/model", response_model=shapes.Model, responses=REFUSED)(
            self.model
        )
        post(
            "/v1/{case}/predict",
            responses=told(200, shapes.Prediction, shapes.Predictions)
            | REFUSED
            | INPUT,
        )(self.predict)
        explained = REFUSED | INPUT | told(409, shapes.Refusal)
        post(
            "/v1/{case}/explain", response_model=shapes.Explanation, responses=explained
        )(self.explain)
        orders = [Depends(self.may_order)]
        labels = ORDER | INPUT
        post(
            "/v1/{case}/labels",
            response_model=shapes.Accepted,
            responses=labels,
            dependencies=orders,
        )(self.label)
        post(
            "/v1/{case}/reload",
            response_model=shapes.Reloaded,
            responses=ORDER,
            dependencies=orders,
        )(self.reload)
        post(
            "/v1/{case}/promote",
            response_model=shapes.Moved,
            responses=labels,
            dependencies=orders,
        )(self.promote)
        post(
            "/v1/{case}/rollback",
            response_model=shapes.Moved,
            responses=labels,
            dependencies=orders,
        )(self.rollback)

    # operations
    async def health(self) -> dict[str, Any]:
        """The process lives. What it serves, and whether it could look for something newer, is in the body."""
        cases = self.service.cases.values()
        return {"status": "OK", "cases": {case.name: health_of(case) for case in cases}}

    async def ready(self) -> Response:
        """Each case has a model, or the registry confirms that there is none yet."""
        cases = {case.name: case.is_ready for case in self.service.cases.values()}
        ready = all(cases.values())
        return JSONResponse({"ready": ready, "cases": cases}, 200 if ready else 503)

    async def hint(self) -> dict[str, str]:
        """Look at the alias soon. It chooses no version, and hints that come together count as one."""
        self.service.watcher.hint()
        return {"status": "OK"}

    # predictions
    async def predict(self, case: str, request: Request) -> Response:
        """The champion's answer to one row, or to a list of rows; each with a receipt."""
        return respond(await self.predictor(case, facts(request), request.receive))

    async def price(self, request: Request) -> Response:
        """The champion's answer to one house."""
        return respond(
            await self.predictor(
                CONTRACT_CASE, facts(request), request.receive, contract=True
            )
        )

    async def explain(self, case: str, request: Request) -> Response:
        """What each field adds to this answer, exactly. It is no prediction, and leaves no receipt."""
        served = self.predictor.case(case)
        self.predictor.require_key(facts(request))
        model = self._model(served)
        body = await self._body(request)
        # bodies are read in threads: megabytes of JSON must not keep other requests waiting
        explanation = await asyncio.to_thread(_explain, model, body)
        return respond(PredictResponse(200, msgspec.json.encode(explanation)))

    # what is known
    async def schema(self, case: str) -> dict[str, Any]:
        """The fields of a row: what each may be, what it usually is, and how far off an answer usually is."""
        model = self._model(self.predictor.case(case))
        return schema_of(model, self.predictor.max_bytes)

    def model(self, case: str) -> dict[str, Any]:
        """The release that serves: where it comes from, how good it is, and why it was made champion."""
        served = self.predictor.case(case)
        return model_of(served, self._model(served), self.service.ports.record)

    def receipt(self, receipt: str) -> dict[str, Any]:
        """From one prediction to its input, its release, that release's data and commit, and what was decided."""
        return self.service.trace(receipt)

    # orders
    def may_order(self, authorization: Asked = "") -> None:
        self.gate.check(authorization)

    async def label(self, case: str, request: Request) -> dict[str, int]:
        """What turned out to be true, by receipt: one object or a list."""
        served = self.predictor.case(case)
        return await asyncio.to_thread(self._label, served, await self._body(request))

    def _label(self, case: ServedCase, body: bytes) -> dict[str, int]:
        labels = read_labels(body, case)
        self.service.label(labels)
        return {"accepted": len(labels)}

    def reload(self, case: str) -> dict[str, Any]:
        """Look at the alias now, and swap the model if it leads elsewhere."""
        served = self.predictor.case(case)
        changed = self.service.reload(case)
        return {
            "version": served.model.version if served.model else None,
            "changed": changed,
        }

    async def promote(self, case: str, request: Request) -> dict[str, Any]:
        """Make a version champion; the reason is kept."""
        self.predictor.case(case)
        body = await self._body(request)
        return await asyncio.to_thread(self._promote, case, body)

    def _promote(self, case: str, body: bytes) -> dict[str, Any]:
        order = read_order(body, Promote)
        return _moved(self.service.promote(case, order.version, order.reason))

    async def rollback(self, case: str, request: Request) -> dict[str, Any]:
        """Hand the baton back to the champion before this one; the reason is kept."""
        self.predictor.case(case)
        body = await self._body(request)
        return await asyncio.to_thread(self._rollback, case, body)

    def _rollback(self, case: str, body: bytes) -> dict[str, Any]:
        order = read_order(body, Rollback)
        return _moved(self.service.rollback(case, order.reason))

    async def _body(self, request: Request) -> bytes:
        return await read_body(
            request.receive, facts(request).length, self.predictor.max_bytes
        )

    def _model(self, case: ServedCase) -> ServedModel:
        if case.model is None:
            raise Refused(refusal(503, no_model(case)))
        return case.model


def _explain(model: ServedModel, body: bytes) -> Explanation:
    return explain(model, one_row(model.strict, body))


def _moved(move: Move) -> dict[str, Any]:
    return {"version": move.version, "was": move.previous, "reason": move.reason}
