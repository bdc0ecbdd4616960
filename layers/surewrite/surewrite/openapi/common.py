"""What all operations of the document share: headers, parameters, problems, responses."""

from __future__ import annotations

from typing import Any, TypeAlias

from ..commit.idempotency_key import MAX_KEY_LENGTH
from ..queries import MAX_LIMIT
from .schemas import JSONSchema, ref

Object: TypeAlias = dict[str, Any]

JSON, MERGE_PATCH, PROBLEM = "application/json", "application/merge-patch+json", "application/problem+json"

_TAG = {"type": "string", "pattern": '^("[!#-~]*"|\\*)$'}


def _flag(name: str, description: str) -> Object:
    """A parameter that is true where it stands alone."""
    schema = {"type": "boolean", "default": False}
    return {"name": name, "in": "query", "description": description, "allowEmptyValue": True, "schema": schema}


PARAMETERS: dict[str, Object] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes the write happen once, however often it is sent: a UUID of version 7, say.",
        "schema": {
            "type": "string",
            "pattern": f"^[!-~]([ -~]{{0,{MAX_KEY_LENGTH - 2}}}[!-~])?$",
            "not": {"const": '""'},
        },
        "example": "019b76da-b78f-79b6-a346-c31577915602",
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "The ETag that the item must still have, or * for any item.",
        "schema": _TAG,
    },
    "Create": {
        "name": "If-None-Match",
        "in": "header",
        "description": "Only * : there must be no item yet.",
        "schema": {"type": "string", "enum": ["*"]},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The ETag that the client has, or several: 304 if the item still has it.",
        "schema": {"type": "string"},
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "description": "RFC 7240. `return=minimal`: nothing is returned, which saves a round trip. `respond-async`, "
        "with an Idempotency-Key: the write is queued and committed later; `Location` tells what became of it.",
        "schema": {"type": "string", "examples": ["return=minimal", "respond-async, return=minimal"]},
    },
    "When": {
        "name": "when",
        "in": "query",
        "description": "A condition on the item that is there, as in the body of a PATCH.",
        # a schema rather than `content`, which client generators do not know in a parameter
        "schema": {
            "type": "string",
            "pattern": r'^\s*\{\s*"',
            "contentMediaType": "application/json",
            "contentSchema": {"type": "object", "minProperties": 1},
        },
    },
    "ReturnConsumedCapacity": {
        "name": "return_consumed_capacity",
        "in": "query",
        "description": "The response has the header Consumed-Capacity.",
        "schema": ref("ConsumedCapacityLevel"),
    },
    "ReturnItemCollectionMetrics": {
        "name": "return_item_collection_metrics",
        "in": "query",
        "description": "The response has the header Item-Collection-Metrics, if the table has local indexes.",
        "schema": ref("ItemCollectionMetricsLevel"),
    },
    "ReturnValuesOnConditionCheckFailure": {
        "name": "return_values_on_condition_check_failure",
        "in": "query",
        "description": "NONE: a condition that is not met does not bring the item.",
        "schema": ref("OnConditionCheckFailure"),
    },
    "Consistent": _flag("consistent", "Reads strongly consistent; not of a global index."),
    "Descending": _flag("descending", "From the last sort key to the first. A scan has no order."),
    "Count": _flag("count", "Returns only how many items the page has."),
    "Limit": {
        "name": "limit",
        "in": "query",
        "description": "How many items are read for the page, before `where`.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
    },
    "Segment": {
        "name": "segment",
        "in": "query",
        "description": "`0,4` to `3,4`: a quarter of a scan each, for clients in parallel.",
        "explode": False,
        "schema": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 2, "maxItems": 2},
    },
    "Next": {
        "name": "next",
        "in": "query",
        "description": "The cursor of the page before, whose request was the same but for its `limit`.",
        "schema": {"type": "string"},
    },
}

HEADERS: dict[str, Object] = {
    "Consumed-Capacity": {
        "description": "Where return_consumed_capacity asked for it: JSON, the units of each table over all calls.",
        "schema": {"type": "string"},
    },
    "Item-Collection-Metrics": {
        "description": "Where return_item_collection_metrics asked for it: JSON, the item collections of each table.",
        "schema": {"type": "string"},
    },
    "ETag": {"description": "The item's version, for If-Match and If-None-Match.", "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "The response is that of the first request; `current`: it was too large to keep, this is the "
        "item as it is now.",
        "schema": {"type": "string", "enum": ["true", "current"]},
    },
    "Link": {
        "description": 'The page that follows, `<?…>; rel="next"`, relative to the URL of the request.',
        "schema": {"type": "string"},
    },
    "Location": {
        "description": "The operation that tells what becomes of the write.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Preference-Applied": {
        "description": "The preference that was followed.",
        "schema": {"type": "string", "enum": ["respond-async"]},
    },
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 0}},
}

_PROBLEM: JSONSchema = {
    "description": "RFC 9457.",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "errors": {
            "description": "Each mistake, with a JSON pointer into the request.",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
                "required": ["pointer", "detail"],
            },
        },
        "item": {"description": "The item as it is, null if there is none.", "type": ["object", "null"]},
        "unprocessed": {
            "description": "What a batch has not written: where it stands in the request, and its item's key.",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "collection": {"type": "string"},
                    "key": {"type": "object"},
                },
                "required": ["pointer", "collection", "key"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}

_OPERATION: JSONSchema = {
    "description": "What became of a key.",
    "type": "object",
    "properties": {
        "status": {"type": "string", "enum": ["applied", "rejected", "pending"]},
        "since": {"description": "When it was accepted, if it is pending.", "type": "string", "format": "date-time"},
        "reason": {"description": "Why it was rejected. That consumes no key.", "type": "string"},
        "created": {"description": "Whether there was no item before.", "type": "boolean"},
        "etag": {"description": "The item's new version, for If-Match.", "type": "string"},
        "attributes": {"description": "What the write returned, if anything.", "type": "object"},
    },
    "required": ["status"],
}

SCHEMAS: dict[str, JSONSchema] = {
    "Problem": _PROBLEM,
    "Operation": _OPERATION,
    "ConsumedCapacityLevel": {"type": "string", "enum": ["TOTAL", "INDEXES", "NONE"]},
    "OnConditionCheckFailure": {"type": "string", "enum": ["ALL_OLD", "NONE"]},
    "ItemCollectionMetricsLevel": {"type": "string", "enum": ["SIZE", "NONE"]},
    "Path": {
        "description": "A document path. A name with a dot, a bracket or a backtick stands between backticks.",
        "type": "string",
        "minLength": 1,
        "examples": ["Formats.Audiobook", "items[1].qty"],
    },
}

_REASONS: dict[int, tuple[str, str]] = {
    400: ("BadRequest", "Not JSON, or not the shape of the request; a malformed key, header, query or condition."),
    404: ("NotFound", "No such item, or no such collection."),
    409: ("Conflict", "The item exists already; `item` is it."),
    412: ("PreconditionFailed", "`when` or `If-Match` does not hold; `item` is the item as it is."),
    413: ("ContentTooLarge", "The item would be over 400 KB, or the message of an asynchronous write over 1 MiB."),
    415: ("UnsupportedMediaType", "The body is not JSON."),
    422: ("UnprocessableContent", "The item would violate its model, or the key belongs to another request."),
    429: ("TooManyRequests", "Throttled: send the same request again."),
    500: ("InternalServerError", "A failure of the server."),
    503: ("ServiceUnavailable", "Lost too many races, or DynamoDB is out of reach: send the same request again."),
}

READ_PROBLEMS = (400, 404, 422, 429, 500, 503)
WRITE_PROBLEMS = (400, 404, 409, 412, 413, 415, 422, 429, 500, 503)


def problem_responses() -> Object:
    """The components that `problems` refers to."""
    return {name: _problem(status, reason) for status, (name, reason) in _REASONS.items()}


def _problem(status: int, reason: str) -> Object:
    response: Object = {"description": reason, "content": {PROBLEM: {"schema": ref("Problem")}}}
    return response | ({"headers": headers("Retry-After")} if status in (429, 503) else {})


def problems(*statuses: int) -> Object:
    """The responses of an operation that are problems."""
    return {str(status): {"$ref": f"#/components/responses/{_REASONS[status][0]}"} for status in statuses}


def parameter(name: str) -> Object:
    return {"$ref": f"#/components/parameters/{name}"}


def headers(*names: str) -> Object:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def response(description: str, schema: JSONSchema | None = None, *shown: str, media_type: str = JSON) -> Object:
    """A response with the headers that are `shown`; without a schema it has no body."""
    made: Object = {"description": description}
    if shown:
        made["headers"] = headers(*shown)
    return made | ({"content": {media_type: {"schema": schema}}} if schema is not None else {})
