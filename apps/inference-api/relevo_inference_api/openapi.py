"""The OpenAPI document: FastAPI's own, with each use case's paths spelled out and examples
made from its release.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from types import UnionType
from typing import Any, get_args

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from relevo.domain.dialect import Dialect
from relevo.serving.field_defaults import default_row
from relevo.serving.model import ServedModel
from relevo.serving.responses import ApiShape
from relevo.serving.served_case import ServedCase
from relevo_inference_api.admin_actions import LabelBody, PromoteBody, RollbackBody
from relevo_inference_api.dialect_paths import DialectPath

Json = dict[str, Any]
TOKEN, KEY = "token", "key"
ACTIONS = ("labels", "reload", "promote", "rollback")
REFERENCE = "#/components/schemas/{name}"


def documented(shape: Any, *statuses: int) -> dict[int | str, Json]:
    """What a route answers with these statuses, or with 200: a type that msgspec encodes."""
    content = {"application/json": {"schema": _schema(shape)}}
    return {status: {"content": content} for status in statuses or (200,)}


def document_of(
    app: FastAPI, cases: Mapping[str, ServedCase], dialect_paths: Sequence[DialectPath]
) -> Json:
    """Made anew when asked for: a swap may bring another range, or another category."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
    )
    document["paths"] = paths = dict(_by_case(document["paths"], cases.values()))
    for spoken in dialect_paths:
        model = cases[spoken.case].model
        if spoken.is_documented and model is not None:
            paths[spoken.path]["post"] |= _dialect_body(spoken.dialect, model)
    components = document["components"]
    components["schemas"] |= _components(spoken.dialect for spoken in dialect_paths)
    components["securitySchemes"] = {
        TOKEN: {"type": "http", "scheme": "bearer"},
        KEY: {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    return document


def _by_case(paths: Json, cases: Iterable[ServedCase]) -> Iterable[tuple[str, Json]]:
    for path, operations in paths.items():
        if "{case}" not in path:
            yield path, operations
            continue
        action = path.rsplit("/", 1)[1]
        for case in cases:
            of_case = {
                method: _of_case(operation, action, case)
                for method, operation in operations.items()
            }
            yield path.replace("{case}", case.name), of_case


def _of_case(operation: Json, action: str, case: ServedCase) -> Json:
    own = deepcopy(operation)
    own["parameters"] = [
        parameter for parameter in own["parameters"] if parameter["name"] != "case"
    ]
    own["operationId"] = f"{action}_{case.name}"
    own["tags"] = [case.name]
    if action in ACTIONS:
        own["security"] = [{TOKEN: []}]
    elif action in ("predict", "explain"):
        own["security"] = [{}, {KEY: []}]
    own |= _request_body(action, case)
    return own


def _request_body(action: str, case: ServedCase) -> Json:
    if action == "labels":
        return _labels(case)
    if action == "promote":
        example = {"version": "3", "reason": "better for customers of this year"}
        return _body(_inline_schema(PromoteBody), example)
    if action == "rollback":
        return _body(_inline_schema(RollbackBody), {"reason": "complaints from sales"})
    if action not in ("predict", "explain") or case.model is None:
        return {}
    schema = _row(case.model, strict=True)
    if action == "predict":
        schema = _one_or_many(schema, case.max_rows)
    return _body(schema, _example(case.model))


def _labels(case: ServedCase) -> Json:
    schema = _inline_schema(LabelBody)
    example: Json = {"receipt": "0193a2b4c5d60123456789abcdef0123", "truth": 512000}
    if case.model is not None and (classes := case.model.release.classes):
        example["truth"] = classes[0]
    else:
        schema["properties"]["truth"] = {"type": "number"}
    return _body(_one_or_many(schema, case.max_rows), example)


def _dialect_body(dialect: Dialect, model: ServedModel) -> Json:
    if dialect.request is None:
        example = dialect.example or _example(model)
        return _body(_row(model, strict=dialect.strict), example)
    return _body(_schema(dialect.request), dialect.example)


def _body(schema: Json, example: object) -> Json:
    content = {"application/json": {"schema": schema, "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def _one_or_many(schema: Json, most: int) -> Json:
    return {"anyOf": [schema, {"type": "array", "items": schema, "maxItems": most}]}


def _schema(shape: Any) -> Json:
    if isinstance(shape, UnionType):
        return {"anyOf": [_schema(member) for member in get_args(shape)]}
    (schema,), _ = msgspec.json.schema_components([shape], ref_template=REFERENCE)
    return schema


def _inline_schema(shape: Any) -> Json:
    """Of a request, which is no component."""
    _, components = msgspec.json.schema_components([shape])
    schema: Json = components[shape.__name__]
    return schema


def _components(dialects: Iterable[Dialect]) -> Json:
    shapes: list[Any] = [*ApiShape.__subclasses__()]
    for dialect in dialects:
        shapes += filter(None, (dialect.request, dialect.response))
    _, components = msgspec.json.schema_components(
        dict.fromkeys(shapes), ref_template=REFERENCE
    )
    return components


def _row(model: ServedModel, *, strict: bool) -> Json:
    fields = model.release.fields
    return {
        "type": "object",
        "properties": {field.name: field.kind.json_schema(field) for field in fields},
        "required": [field.name for field in fields if not field.nullable],
        "additionalProperties": not strict,
    }


def _example(model: ServedModel) -> Json:
    return default_row(model.release.fields, model.profile)
