"""What became of a key: GET /operations/{key}."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

import callers
import inputs
import problems
import responses
from event import close, new_router
from service import deadline, operations, request
from surewrite import IdempotencyKey

router = new_router()

OPERATION = "/operations/<key>"
METHODS = ("GET", "HEAD", "OPTIONS")
close(router, OPERATION, METHODS)


@router.route(OPERATION, method=["GET", "HEAD"])
def read_operation(key: str) -> Response[str]:
    """200 with its status, 404 where the caller has used no such key, or not any more."""
    inputs.Query.of(request())  # takes no parameters
    found = operations.find(IdempotencyKey(callers.scope(request()), inputs.key(key)), deadline=deadline())
    if found is None:
        return problems.problem(HTTPStatus.NOT_FOUND, "there is no such operation", headers=responses.NOT_STORED)
    return responses.operation(found)
