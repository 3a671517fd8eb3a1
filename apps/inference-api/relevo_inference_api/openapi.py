"""The OpenAPI document: FastAPI's own, with each use case's paths spelled out and examples made from its release."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from relevo.serving.field_defaults import default_row
from relevo.serving.model import ServedModel
from relevo.serving.served_case import ServedCase

Document = dict[str, Any]
TOKEN, KEY = "token", "key"
ORDERS = ("labels", "reload", "promote", "rollback")
JSON = "application/json"
RECEIPT = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
REASON = {"type": "string", "minLength": 1, "maxLength": 1000, "pattern": "\\S"}


def documented(app: FastAPI, cases: Mapping[str, ServedCase]) -> Callable[[], Document]:
    """Made anew when asked for: a swap may bring another range, or another word."""

    def openapi() -> Document:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        paths: Document = {}
        for path, operations in document["paths"].items():
            if "{case}" not in path:
                paths[path] = operations
                continue
            for case in cases.values():
                paths[path.replace("{case}", case.name)] = {
                    method: _of_case(operation, path.rsplit("/", 1)[1], case)
                    for method, operation in operations.items()
                }
        document["paths"] = paths
        for case in cases.values():
            if "/predict" in paths and case.model is not None:
                paths["/predict"]["post"]["requestBody"] = _body(
                    _row(case.model, strict=False), _example(case.model)
                )
        document["components"]["securitySchemes"] = {
            TOKEN: {"type": "http", "scheme": "bearer"},
            KEY: {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
        return document

    return openapi


def _of_case(operation: Document, what: str, case: ServedCase) -> Document:
    found = deepcopy(operation)
    found["parameters"] = [
        one for one in found.get("parameters", ()) if one["name"] != "case"
    ]
    found["operationId"] = f"{what}_{case.name}"
    found["tags"] = [case.name]
    if what in ORDERS:
        found["security"] = [{TOKEN: []}]
    elif what in ("predict", "explain"):
        found["security"] = [{}, {KEY: []}]
    if (body := _request(what, case)) is not None:
        found["requestBody"] = body
    return found


def _request(what: str, case: ServedCase) -> Document | None:
    if what == "labels":
        return _label(case)
    if what == "promote":
        schema = {
            "version": {"type": "string", "pattern": "^[0-9]{1,18}$"},
            "reason": REASON,
        }
        return _body(
            _object(schema),
            {"version": "3", "reason": "the slice of new houses is better"},
        )
    if what == "rollback":
        return _body(_object({"reason": REASON}), {"reason": "complaints about condos"})
    if what not in ("predict", "explain") or case.model is None:
        return None
    row = _row(case.model, strict=True)
    return _body(
        _one_or_many(row, case.max_rows) if what == "predict" else row,
        _example(case.model),
    )


def _label(case: ServedCase) -> Document:
    classes = case.model.release.classes if case.model is not None else ()
    truth = (
        {"type": ["string", "number", "boolean"], "maxLength": 1000}
        if classes
        else {"type": "number"}
    )
    example = {
        "receipt": "0193a2b4c5d60123456789abcdef0123",
        "truth": classes[0] if classes else 512000,
    }
    return _body(
        _one_or_many(_object({"receipt": RECEIPT, "truth": truth}), case.max_rows),
        example,
    )


def _body(schema: Document, example: Any) -> Document:
    return {"required": True, "content": {JSON: {"schema": schema, "example": example}}}


def _one_or_many(schema: Document, most: int) -> Document:
    return {"anyOf": [schema, {"type": "array", "items": schema, "maxItems": most}]}


def _object(properties: Document) -> Document:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _row(model: ServedModel, *, strict: bool) -> Document:
    fields = model.release.fields
    return {
        "type": "object",
        "properties": {field.name: field.kind.json_schema(field) for field in fields},
        "required": [field.name for field in fields if not field.nullable],
        "additionalProperties": not strict,
    }


def _example(model: ServedModel) -> Document:
    return default_row(model.release.fields, model.profile)
