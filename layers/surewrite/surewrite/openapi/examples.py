"""Examples: requests that were made, and what came back, in the place of the document where they belong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .common import Object


def add_examples(document: Object, examples: Iterable[Mapping[str, Any]]) -> None:
    """Puts each example into its operation; one that has no operation there is left out.

        {"name": "counter", "summary": "increases a counter", "method": "post", "status": 200,
         "target": "/books/John%20Grisham/The%20Rainmaker/counters/Views",
         "media_type": "application/json", "body": {"by": 5}, "response": {"Views": 5}}

    `body` and `response` are missing where there is none.
    """
    for example in examples:
        operation = operation_of(document, example)
        if operation is None:
            continue
        contents = operation.get("requestBody", {}).get("content", {})
        if "body" in example and example["status"] < 400:
            _add(contents.get(example["media_type"]), example, "body")
        if "response" in example:
            response = operation["responses"].get(str(example["status"]), {})
            for content in response.get("content", {}).values():
                _add(content, example, "response")


def operation_of(document: Object, example: Mapping[str, Any]) -> Object | None:
    """What the document says of an example's method and target, None if it has no such operation."""
    item = document["paths"].get(_path(document, example["target"].partition("?")[0]), {})
    operation: Object | None = item.get(example["method"])
    return operation


def _add(content: Object | None, example: Mapping[str, Any], member: str) -> None:
    if content is not None:
        shown = {"summary": example["summary"], "value": example[member]}
        content.setdefault("examples", {})[example["name"]] = shown


def _path(document: Object, target: str) -> str:
    """The path of the document that the target has; one that is written out comes before a parameter."""
    segments = target.split("/")
    found = [path for path in document["paths"] if _fits(path.split("/"), segments)]
    return min(found, key=lambda path: path.count("{"), default="")


def _fits(pattern: list[str], segments: list[str]) -> bool:
    return len(pattern) == len(segments) and all(
        expected == segment or expected.startswith("{") for expected, segment in zip(pattern, segments, strict=True)
    )
