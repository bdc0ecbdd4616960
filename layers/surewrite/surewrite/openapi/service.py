"""The operations that belong to no one collection."""

from __future__ import annotations

from collections.abc import Sequence

from ..commit.idempotency_key import MAX_KEY_LENGTH
from ..model.item import Item
from .common import Object, problems, response
from .expressions import Expressions
from .schemas import ItemSchemas, ref
from .several import SeveralPaths

_OPERATION_PROBLEMS = (400, 404, 429, 500, 503)


def service_paths(models: Sequence[type[Item]], items: ItemSchemas, expressions: Expressions) -> Object:
    """What is there besides items."""
    return {
        **SeveralPaths(models, items, expressions).paths(),
        "/operations/{key}": _operation(),
        "/openapi.json": {"get": _document()},
        "/docs": {"get": _docs()},
    }


def _operation() -> Object:
    schema = {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": "^[ -~]*$"}
    key = {"name": "key", "in": "path", "required": True, "schema": schema}
    read = {
        "operationId": "getOperation",
        "summary": "What became of an idempotency key of the caller's.",
        "tags": ["operations"],
        "responses": {
            "200": response("Applied, rejected or pending.", ref("Operation"), "Retry-After"),
            **problems(*_OPERATION_PROBLEMS),
        },
    }
    unseen = {str(status): {"description": "As for GET, without a body."} for status in (200, *_OPERATION_PROBLEMS)}
    return {"parameters": [key], "get": read, "head": {**read, "operationId": "headOperation", "responses": unseen}}


def _document() -> Object:
    return {
        "operationId": "getDocument",
        "summary": "This document.",
        "tags": ["documentation"],
        "responses": {"200": response("OpenAPI 3.1.", {"type": "object"}), **problems(500)},
    }


def _docs() -> Object:
    page = {"type": "string"}
    return {
        "operationId": "getDocs",
        "summary": "This document as a page: Swagger UI.",
        "tags": ["documentation"],
        "responses": {"200": response("HTML.", page, media_type="text/html"), **problems(500)},
    }
