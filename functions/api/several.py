"""Routes of several writes at once: POST /transactions, POST /batch-write."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

import callers
import inputs
import preconditions
import problems
import responses
from event import close, new_router
from service import catalogue, count, counted, db, deadline, request, submit
from surewrite import Outcome, errors
from surewrite.messages import BatchBody, TransactionBody
from surewrite.writes import BulkWrite, TransactWrite

router = new_router()

TRANSACTIONS, BATCH_WRITE = "/transactions", "/batch-write"
METHODS = ("POST", "OPTIONS")
close(router, TRANSACTIONS, METHODS)
close(router, BATCH_WRITE, METHODS)


@router.post(TRANSACTIONS)
def transact() -> Response[str]:
    """200 with the ETag of each item that was put or updated; 202 where the client prefers that and has a key."""
    inputs.ConditionalQuery.of(request())
    given = inputs.json_object(request())
    writes = TransactionBody.model_validate(given).members(catalogue)
    key = callers.idempotency_key(request())
    with counted():
        if key is None or not preconditions.prefers_async(request().headers):
            done = db.transact(writes, key, deadline=deadline())
        elif (known := submit(TransactWrite.of(writes), {"op": "transaction", **given}, key)) is not None:
            done = known
        else:
            return responses.accepted(key)
    return _done(done, {"etags": [responses.etag(done.version) if write.stamps else None for write in writes]})


@router.post(BATCH_WRITE)
def write_batch() -> Response[str]:
    """200 with how many were written; 503 with those that were not, as far as is known; 202 as for a transaction."""
    inputs.MeteredQuery.of(request())
    given = inputs.json_object(request())
    body = BatchBody.model_validate(given)
    bulk = body.to_write(catalogue)
    key = callers.idempotency_key(request())
    try:
        with counted():
            if key is not None and preconditions.prefers_async(request().headers):
                submit(bulk, {"op": "batch", **given}, key)
                return responses.accepted(key)
            done = db.bulk_write(bulk, key, deadline=deadline())
    except errors.BulkIncomplete as error:
        return problems.of_error(error, unprocessed=_unprocessed(body, bulk, error))
    return _done(done, {"written": len(bulk.writes)})


def _done(done: Outcome, body: dict[str, Any]) -> Response[str]:
    count("Replayed" if done.replayed else "Applied")
    headers = responses.replayed(done)
    if preconditions.prefers_minimal(request().headers):
        return Response(HTTPStatus.NO_CONTENT, headers=headers, body="")
    return responses.item(body, None, headers=headers)


def _unprocessed(body: BatchBody, bulk: BulkWrite, error: errors.BulkIncomplete) -> list[dict[str, Any]]:
    """Where each of those writes stands in the request, and the collection and the key of its item."""
    places, given = body.members(catalogue)
    pairs = list(zip(places, given, strict=True))
    if body.duplicates != "last":
        pairs.reverse()
    pointers = {write.target: errors.Problem(place, "").pointer for place, write in pairs}
    missing = [bulk.writes[position] for position in error.positions]
    return [
        {"pointer": pointers[write.target], "collection": write.model.schema_.collection, "key": write.key}
        for write in missing
    ]
