"""What became of a key: GET /operations/{key}."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

import callers
import inputs
import problems
import responses
from event import new_router
from service import deadline, operations, request
from surewrite import IdempotencyKey

router = new_router()

OPERATION = "/operations/<key>"
METHODS = ("GET", "HEAD", "OPTIONS")


@router.route(OPERATION, method=["GET", "HEAD"])
def read_operation(key: str) -> Response[str]:
    """200 with its status, 404 where the caller has used no such key, or not any more."""
    inputs.Query.of(request())  # takes no parameters
    found = operations.find(IdempotencyKey(callers.scope(request()), inputs.key(key)), deadline=deadline())
    if found is None:
        return problems.problem(HTTPStatus.NOT_FOUND, "there is no such operation", headers=responses.NOT_STORED)
    return responses.operation(found)


@router.route(OPERATION, method=["POST", "PUT", "PATCH", "DELETE"])
def refuse_method(key: str) -> Response[str]:
    """No collection is called operations: otherwise the path would be that of an item in it."""
    raise NotFoundError
