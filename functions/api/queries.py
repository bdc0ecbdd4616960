"""Routes that read several items: GET /{collection}, POST /{collection}/query, POST /batch-get."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from aws_lambda_powertools.event_handler import Response

import callers
import inputs
import responses
from event import close, new_router
from service import catalogue, deadline, reader, request
from surewrite.queries import QueryBody, QueryParameters
from surewrite.reader import BatchGetBody

router = new_router()

COLLECTION, QUERY = "/<collection>", "/<collection>/query"
BATCH_GET = "/batch-get"
METHODS = ("POST", "OPTIONS")
close(router, BATCH_GET, METHODS)


@router.route(COLLECTION, method=["GET", "HEAD"])
def list_items(collection: str) -> Response[str]:
    """200 with one page; the next one is linked."""
    model = inputs.collection(catalogue, collection)
    parameters = request().query_string_parameters
    asked = QueryParameters.model_validate(parameters)
    page = reader.page(asked, model, caller=callers.reader(request()), deadline=deadline())
    link = {}
    if page.next is not None:
        following = urlencode({**parameters, "next": page.next}, quote_via=quote)
        link["Link"] = (
            f'<?{following}>; rel="next"'  # relative to the URL of the request, whatever stands before its path
        )
    return responses.json(page.text, headers=link)


@router.post(QUERY)
def query_items(collection: str) -> Response[str]:
    """200 with one page; the cursor of the next one goes into the same body."""
    model = inputs.collection(catalogue, collection)
    inputs.CapacityQuery.of(request())
    asked = QueryBody.model_validate(inputs.json_object(request(), empty={}))
    return responses.json(reader.page(asked, model, caller=callers.reader(request()), deadline=deadline()).text)


@router.post(BATCH_GET)
def get_batch() -> Response[str]:
    """200 with the items of each collection in the order of their keys, and the keys that are missing."""
    inputs.CapacityQuery.of(request())
    asked = BatchGetBody.model_validate(inputs.json_object(request()))
    return responses.json(reader.many(asked, catalogue, deadline=deadline()))
