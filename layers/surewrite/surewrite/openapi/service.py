"""The operations that belong to no one collection."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.item import Item
from .common import Object, problems, response
from .expressions import Expressions
from .schemas import ItemSchemas


def service_paths(models: Sequence[type[Item]], items: ItemSchemas, expressions: Expressions) -> Object:
    """What is there besides items."""
    return {"/openapi.json": {"get": _document()}, "/docs": {"get": _docs()}}


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
