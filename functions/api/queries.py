"""Routes that read several items: POST /batch-get."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

import inputs
import responses
from event import close, new_router
from service import catalogue, db, deadline, request
from surewrite.errors import InvalidRequest
from surewrite.model.json import dumps
from surewrite.reading import Wanted, read_many
from surewrite.requests import JSONObject, located, parse_key

router = new_router()

BATCH_GET = "/batch-get"
METHODS = ("POST", "OPTIONS")
close(router, BATCH_GET, METHODS)

# Lambda's limit for a response is 6 MB, of JSON that holds the body as a string
_MAX_RESPONSE_BYTES = 4_500_000


class BatchGetBody(BaseModel):
    """`{"keys": {"books": [{…}], "products": [{…}]}, "fields": {"books": ["Views"]}, "consistent": true}`"""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, strict=True)

    keys: dict[str, list[JSONObject]] = Field(min_length=1)
    fields: dict[str, list[str]] = Field(default_factory=dict)
    consistent: bool = False

    def wanted(self) -> list[Wanted[Any]]:
        """InvalidRequest, or a kind of it, names what is wrong."""
        if stray := [name for name in self.fields if name not in self.keys]:
            raise InvalidRequest.at("a collection of which no key is asked for", "fields", stray[0])
        return [self._of(collection, keys) for collection, keys in self.keys.items()]

    def _of(self, collection: str, keys: list[JSONObject]) -> Wanted[Any]:
        model = located(("keys",), catalogue.__getitem__, collection)
        parsed = [located(("keys", collection, n), parse_key, model, key) for n, key in enumerate(keys)]
        return Wanted(model, parsed, self.fields.get(collection))


@router.post(BATCH_GET)
def get_batch() -> Response[str]:
    """200 with the items of each collection in the order of their keys, and the keys that are missing."""
    capacity = inputs.CapacityQuery.of(request()).return_consumed_capacity
    body = BatchGetBody.model_validate(inputs.json_object(request()))
    wanted = body.wanted()
    call = db.session.begin(deadline(), capacity)
    found = read_many(db.session, wanted, body.consistent, call)
    items: dict[str, Any] = {}
    missing: dict[str, Any] = {}
    for one, images in zip(wanted, found, strict=True):
        schema = one.model.schema_
        present, missing[schema.collection] = one.split(images)
        items[schema.collection] = [schema.visible(image) for image in present]
    answer = {"items": items, "missing": {name: keys for name, keys in missing.items() if keys}}
    if len(dumps(answer).encode()) > _MAX_RESPONSE_BYTES:
        raise InvalidRequest.at("the items are too large for one response: ask for fewer", "keys")
    return responses.item(answer, None, headers=responses.consumed_capacity(call.consumed))
