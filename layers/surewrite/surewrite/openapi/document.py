"""The document: every path, what they share, and the examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from ..model.item import Item
from .common import HEADERS, PARAMETERS, SCHEMAS, Object, problem_responses
from .examples import add_examples
from .expressions import Expressions, operands, size_test
from .items import ItemPaths
from .queries import QueryPaths
from .schemas import ItemSchemas
from .service import service_paths

_DESCRIPTION = """\
Items of every collection, under the names of their attributes in DynamoDB.

Numbers have up to 38 digits, none of which is lost; sets are arrays without an order, binary values base64. With an
`Idempotency-Key` a write happens once: a replay has the first response, and `Idempotency-Replayed`. After 429, 503 or
no response at all send the same request again with the same key. Refusals consume no key."""


def document(
    models: Iterable[type[Item]],
    *,
    version: str = "1",
    examples: Iterable[Mapping[str, Any]] = (),
    server: str = "./",
) -> Object:
    """The OpenAPI 3.1 document of version `version` of an API that serves these models.

    `examples` are requests with their responses (`examples.add_examples`); those for other collections are left out.
    `server` is the URL that the paths belong to, by default the one that the document came from.
    """
    models = list(models)
    items = ItemSchemas(models)
    items.components |= {**deepcopy(SCHEMAS), "SizeTest": size_test(), **operands()}
    expressions = Expressions(items)
    paths: Object = {}
    for model in models:
        paths |= QueryPaths(model, items, expressions).paths()
        paths |= ItemPaths(model, items, expressions).paths()
    paths |= service_paths(models, items, expressions)
    made: Object = {
        "openapi": "3.1.0",
        "info": {"title": "surewrite", "version": version, "description": _DESCRIPTION},
        "servers": [{"url": server}],
        "tags": [*_collections(models), *_TAGS],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(items.components.items())),
            "parameters": deepcopy(PARAMETERS),
            "headers": deepcopy(HEADERS),
            "responses": problem_responses(),
        },
    }
    add_examples(made, examples)
    return made


_TAGS = [
    {"name": "transactions", "description": "Writes of distinct items, all together or not at all."},
    {"name": "batches", "description": "Any number of items of any collections."},
    {"name": "operations", "description": "What became of a write that was accepted with `Prefer: respond-async`."},
    {"name": "documentation", "description": "This document."},
]


def _collections(models: Iterable[type[Item]]) -> list[Object]:
    return [{"name": one.schema_.collection, "description": _first_line(one.__doc__)} for one in models]


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
