"""The routes: each translates, and hands the work on."""

import asyncio
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Request, Response

from relevo.domain.evidence import Move
from relevo.serving.case_responses import case_health, case_schema, model_info
from relevo.serving.explain import explain
from relevo.serving.model import ServedModel
from relevo.serving.predict import no_model, one_row
from relevo.serving.request.typed_body import read_body_as
from relevo.serving.responses import (
    AcceptedLabels,
    CaseSchema,
    EncodedResponse,
    Explanation,
    Health,
    ModelInfo,
    MovedAlias,
    Notified,
    Prediction,
    PredictionList,
    Problems,
    Readiness,
    Receipt,
    Refusal,
    Reloaded,
    encode,
)
from relevo.serving.served_case import ServedCase
from relevo_inference_api.admin_actions import PromoteBody, RollbackBody, read_labels
from relevo_inference_api.dialect_paths import DialectPath
from relevo_inference_api.exchange import (
    STATE,
    HttpRefusal,
    RequestHead,
    headers_of,
    read_body,
)
from relevo_inference_api.openapi import documented
from relevo_inference_api.predictor import Predictor
from relevo_inference_api.service import Service

Authorization = Annotated[str, Header(alias="Authorization", include_in_schema=False)]

REFUSED = documented(Refusal, 401, 404, 503)
INPUT = documented(Refusal, 413, 500) | documented(Problems, 422)
ACTION = REFUSED | documented(Refusal, 403, 409)


def head_of(request: Request) -> RequestHead:
    head: RequestHead = request.scope["state"][STATE]
    return head


def as_response(encoded: EncodedResponse) -> Response:
    response = Response(encoded.body, encoded.status)
    response.raw_headers = headers_of(encoded)
    return response


def respond(shape: msgspec.Struct, status: int = 200) -> Response:
    return as_response(EncodedResponse(status, encode(shape)))


@dataclass(frozen=True, slots=True)
class Routes:
    service: Service
    predictor: Predictor

    def router(self, dialect_paths: Sequence[DialectPath]) -> APIRouter:
        router = APIRouter()
        self._add_operations(router)
        self._add_predictions(router)
        for dialect_path in dialect_paths:
            self._add_dialect(router, dialect_path)
        self._add_admin_actions(router)
        return router

    def _add_operations(self, router: APIRouter) -> None:
        tags: list[Any] = ["operations"]
        ready = documented(Readiness, 200, 503)
        router.get("/health", responses=documented(Health), tags=tags)(self.health)
        router.get("/ready", responses=ready, tags=tags)(self.ready)
        notify = router.post("/load_model/", responses=documented(Notified), tags=tags)
        notify(self.notify)
        router.post("/load_model", include_in_schema=False)(self.notify)

    def _add_predictions(self, router: APIRouter) -> None:
        get, post = router.get, router.post
        receipt = documented(Receipt) | REFUSED
        get("/v1/receipts/{receipt}", responses=receipt, tags=["receipts"])(
            self.receipt
        )
        get("/v1/{case}/schema", responses=documented(CaseSchema) | REFUSED)(
            self.schema
        )
        get("/v1/{case}/model", responses=documented(ModelInfo) | REFUSED)(self.model)
        predicted = documented(Prediction | PredictionList) | REFUSED | INPUT
        post("/v1/{case}/predict", responses=predicted)(self.predict)
        explained = documented(Explanation) | REFUSED | INPUT | documented(Refusal, 409)
        post("/v1/{case}/explain", responses=explained)(self.explain)

    def _add_dialect(self, router: APIRouter, dialect_path: DialectPath) -> None:
        async def predict(request: Request) -> Response:
            """The champion's prediction for one row."""
            return as_response(
                await self.predictor(
                    dialect_path.case,
                    head_of(request),
                    request.receive,
                    dialect_path.dialect,
                )
            )

        router.post(
            dialect_path.path,
            responses=documented(dialect_path.dialect.response) | REFUSED | INPUT,
            tags=["contract"],
            include_in_schema=dialect_path.is_documented,
            operation_id=f"dialect_{dialect_path.case}",
        )(predict)

    def _add_admin_actions(self, router: APIRouter) -> None:
        def add(path: str, action: Any, responses: dict[int | str, Any]) -> None:
            allowed = [Depends(self.require_token)]
            router.post(path, responses=responses, dependencies=allowed)(action)

        moved = documented(MovedAlias) | ACTION | INPUT
        add(
            "/v1/{case}/labels", self.label, documented(AcceptedLabels) | ACTION | INPUT
        )
        add("/v1/{case}/reload", self.reload, documented(Reloaded) | ACTION)
        add("/v1/{case}/promote", self.promote, moved)
        add("/v1/{case}/rollback", self.rollback, moved)

    # operations
    async def health(self) -> Response:
        """The process lives.

        What it serves, and whether it could look for something newer, is in the body.
        """
        cases = self.service.cases.values()
        return respond(Health("OK", {case.name: case_health(case) for case in cases}))

    async def ready(self) -> Response:
        """Each case has a model, or the registry confirms that there is none yet."""
        cases = {case.name: case.is_ready for case in self.service.cases.values()}
        if all(cases.values()):
            return respond(Readiness(True, cases))
        return respond(Readiness(False, cases), 503)

    async def notify(self) -> Response:
        """Poll the registry soon.

        It chooses no version, and notifications that come together count as one.
        """
        self.service.poller.notify()
        return respond(Notified("OK"))

    # predictions
    async def predict(self, case: str, request: Request) -> Response:
        """The champion's prediction for one row, or for each row of a list; each with a receipt."""
        return as_response(
            await self.predictor(case, head_of(request), request.receive)
        )

    async def explain(self, case: str, request: Request) -> Response:
        """What each field adds to this prediction, exactly.

        It is not logged, and leaves no receipt.
        """
        self.predictor.case(case)
        self.predictor.require_key(head_of(request))
        return await self._read(case, request, self._explain)

    def _explain(self, case: ServedCase, body: bytes) -> Explanation:
        model = self._model(case)
        return explain(model, one_row(model.strict, body))

    # what is known
    async def schema(self, case: str) -> Response:
        """The fields of a row: what each may be, what it usually is, and how far off a
        prediction usually is.
        """
        model = self._model(self.predictor.case(case))
        return respond(case_schema(model, self.predictor.max_bytes))

    def model(self, case: str) -> Response:
        """The release that serves: where it comes from, how good it is, and why it was made
        champion.
        """
        served = self.predictor.case(case)
        record = self.service.ports.record
        return respond(model_info(served, self._model(served), record))

    def receipt(self, receipt: str) -> Response:
        """From one prediction to its input, its release, that release's data and commit,
        and what was decided.
        """
        return respond(self.service.trace(receipt))

    # admin actions
    def require_token(self, authorization: Authorization = "") -> None:
        """Compares in constant time."""
        token = self.service.settings.token
        if not token:
            raise HttpRefusal(
                403,
                "admin actions are switched off here; set RELEVO_API_TOKEN to allow them",
            )
        scheme, _, sent = authorization.partition(" ")
        is_right = hmac.compare_digest(sent.strip().encode(), token.encode())
        if scheme.lower() != "bearer" or not is_right:
            raise HttpRefusal(
                401, "send the token of this API as Authorization: Bearer …"
            )

    async def label(self, case: str, request: Request) -> Response:
        """What turned out to be true, by receipt: one object or a list."""
        return await self._read(case, request, self._label)

    def _label(self, case: ServedCase, body: bytes) -> AcceptedLabels:
        labels = read_labels(body, case)
        self.service.label(labels)
        return AcceptedLabels(len(labels))

    def reload(self, case: str) -> Response:
        """Poll the registry now, and swap the model if the alias leads elsewhere."""
        served = self.predictor.case(case)
        changed = self.service.reload(case)
        if served.model is None:
            return respond(Reloaded(None, changed))
        return respond(Reloaded(served.model.version, changed))

    async def promote(self, case: str, request: Request) -> Response:
        """Make a version champion; the reason is kept."""
        return await self._read(case, request, self._promote)

    def _promote(self, case: ServedCase, body: bytes) -> MovedAlias:
        action = read_body_as(PromoteBody, body)
        return _moved(self.service.promote(case.name, action.version, action.reason))

    async def rollback(self, case: str, request: Request) -> Response:
        """Make the champion before this one champion again; the reason is kept."""
        return await self._read(case, request, self._rollback)

    def _rollback(self, case: ServedCase, body: bytes) -> MovedAlias:
        action = read_body_as(RollbackBody, body)
        return _moved(self.service.rollback(case.name, action.reason))

    async def _read(
        self,
        case: str,
        request: Request,
        respond_to: Callable[[ServedCase, bytes], msgspec.Struct],
    ) -> Response:
        """In a thread: megabytes of JSON must not keep other requests waiting."""
        served = self.predictor.case(case)
        body = await read_body(
            request.receive, head_of(request).length, self.predictor.max_bytes
        )
        return respond(await asyncio.to_thread(respond_to, served, body))

    def _model(self, case: ServedCase) -> ServedModel:
        if case.model is None:
            raise HttpRefusal(503, no_model(case))
        return case.model


def _moved(move: Move) -> MovedAlias:
    return MovedAlias(move.version, move.previous, move.reason)
