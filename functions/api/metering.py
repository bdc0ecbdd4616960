"""What a request has consumed, over all calls that it took, as headers of its response."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import Response

from event import Resolver
from service import db, request
from surewrite.model.json import dumps


def metered(app: Resolver, following: Callable[[Resolver], Response[str]]) -> Response[str]:
    """Measures the routes whose request asks for it. What is wrong with the parameters is for the route to say."""
    asked: dict[str, Any] = request().query_string_parameters
    level = asked.get("return_consumed_capacity")
    metrics = asked.get("return_item_collection_metrics") == "SIZE"
    if level not in ("TOTAL", "INDEXES"):
        level = "NONE"
    if level == "NONE" and not metrics:
        return following(app)
    with db.measure(level, item_collections=metrics) as usage:
        response = following(app)
    if usage.consumed:
        response.headers["Consumed-Capacity"] = dumps(usage.capacity)
    if usage.item_collections:
        response.headers["Item-Collection-Metrics"] = dumps(usage.item_collections)
    return response
