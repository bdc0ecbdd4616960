"""Routes of the API's own description."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

import documentation
import inputs
from event import new_router
from service import request

router = new_router()

DOCUMENT, PAGE = "/openapi.json", "/docs"


@router.route(DOCUMENT, method=["GET", "HEAD"])
def read_document() -> Response[str]:
    """The OpenAPI 3.1 document."""
    inputs.Query.of(request())  # takes no parameters
    return Response(HTTPStatus.OK, content_type="application/json", body=documentation.document())


@router.route(PAGE, method=["GET", "HEAD"])
def read_page() -> Response[str]:
    """The document as a page: Swagger UI, whole in one response."""
    inputs.Query.of(request())  # takes no parameters
    return Response(HTTPStatus.OK, content_type="text/html; charset=utf-8", body=documentation.page())
