"""Both handlers, loaded as Lambda loads them, on tables of their own."""

import hashlib
import itertools
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore.exceptions import EndpointConnectionError
from starlette.datastructures import Headers

from local import aws, functions, gateway, poller, template
from surewrite.commit.ledger import IdempotencyKey, Record
from surewrite.model.json import loads
from surewrite.model.wire import image_from_wire, image_to_wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROOT = Path(__file__).resolve().parent.parent.parent
EVENTS = ROOT / "events"

RAINMAKER = "/books/John%20Grisham/The%20Rainmaker"
RAINMAKER_KEY = {"Author": "John Grisham", "Title": "The Rainmaker"}
BOOK = {"Category": "Suspense", "Formats": {"Hardcover": "J4SUKVGU", "Paperback": "D7YF4FCX"}}
STORED_BOOK = {**RAINMAKER_KEY, **BOOK, "Stock": 0, "Views": 0}

# Nothing listens here: a test that reaches SQS without a stand-in fails at once.
_NO_SQS = "http://127.0.0.1:9"

Event = dict[str, Any]


class Answer:
    """What API Gateway would send to the client."""

    def __init__(self, response: gateway.Response) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.headers}
        self.body = response.body

    @property
    def json(self) -> Any:
        """The body, with every digit of its numbers."""
        return loads(self.body)

    @property
    def etag(self) -> str:
        return self.headers["etag"]

    @property
    def replayed(self) -> str | None:
        return self.headers.get("idempotency-replayed")

    @property
    def pointers(self) -> list[str]:
        return [error["pointer"] for error in self.json["errors"]]

    def __repr__(self) -> str:
        return f"{self.status} {self.headers} {self.body[:2000]!r}"


class Store:
    """The template's tables, empty at first, and what loads its functions."""

    def __init__(self, client: "DynamoDBClient", names: Mapping[str, str], endpoint: str) -> None:
        self.client, self.names = client, names
        self.definition = template.read(ROOT / "template.yaml", names)
        self.variables = aws.environment(endpoint, _NO_SQS)

    def environment(self, name: str) -> dict[str, str]:
        return functions.environment(self.definition.functions[name], self.variables)

    def load(self, name: str) -> ModuleType:
        """A fresh copy of the function's module."""
        functions.load(self.definition.functions[name], self.environment(name))
        return sys.modules[f"{name}_app"]

    def tables(self) -> dict[str, list[Any]]:
        """Every item of every table, on the wire."""
        return {
            name: sorted(self.client.scan(TableName=physical, ConsistentRead=True)["Items"], key=repr)
            for name, physical in self.names.items()
        }

    def item(self, table: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
        """One item, with its version."""
        found = self.client.get_item(TableName=self.names[table], Key=image_to_wire(dict(key)), ConsistentRead=True)
        return image_from_wire(found["Item"]) if "Item" in found else None

    def book(self) -> dict[str, Any]:
        """The Rainmaker as it is stored."""
        book = self.item("Books", RAINMAKER_KEY)
        assert book is not None
        return book

    def record(self, scope: str, key: str) -> Record | None:
        """What the ledger holds of a key."""
        item = self.item("Ledger", {"id": IdempotencyKey(scope, key).record_id})
        return Record.from_wire(image_to_wire(item)) if item else None


class Api:
    """The API's handler behind API Gateway's routes and event format."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.module = store.load("ApiFunction")
        self._definition = store.definition.functions["ApiFunction"]

    def __call__(
        self, method: str, target: str, body: Any = None, /, *, authorizer: Any = None, **headers: str
    ) -> Answer:
        """One request. Headers are keywords: `idempotency_key="k"` is `Idempotency-Key: k`."""
        event = self.event(method, target, body, **headers)
        if authorizer is not None:
            event["requestContext"]["authorizer"] = authorizer
        return self.invoke(event)

    def event(self, method: str, target: str, body: Any = None, /, **headers: str) -> Event:
        sent = {"content_type": "application/json", "host": "localhost", **headers}
        named = Headers({name.replace("_", "-"): value for name, value in sent.items()})
        content = body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()
        request = gateway.Request(method, target, named, content)
        matched = gateway.match(self.store.definition.routes, method, request.path)
        assert matched is not None
        return gateway.event(request, matched)

    def invoke(self, event: Event) -> Answer:
        answer = self.module.handler(event, functions.Context(self._definition))
        return Answer(gateway.response(json.loads(json.dumps(answer))))


class RejectedQueue:
    """Stands for the SQS client that the worker sends rejected messages with."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.down = False

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        if self.down:
            raise EndpointConnectionError(endpoint_url=QueueUrl)
        assert QueueUrl.endswith("/RejectedQueue")
        assert 1 <= len(Entries) <= 10
        assert len({entry["Id"] for entry in Entries}) == len(Entries)
        self.messages.extend(Entries)
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    @property
    def bodies(self) -> list[str]:
        return [message["MessageBody"] for message in self.messages]

    def attribute(self, name: str) -> list[str]:
        return [message["MessageAttributes"][name]["StringValue"] for message in self.messages]


class Worker:
    """The worker's handler behind an event source mapping."""

    def __init__(self, store: Store, rejected: RejectedQueue) -> None:
        self.store, self.rejected = store, rejected
        self.module = store.load("WorkerFunction")
        self._definition = store.definition.functions["WorkerFunction"]

    def __call__(self, *records: Event, timeout: float | None = None) -> list[str]:
        """One batch; the message ids that SQS would deliver again."""
        definition = self._definition.model_copy(update={"timeout": timeout} if timeout else {})
        answer = self.module.handler({"Records": list(records)}, functions.Context(definition))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def break_calls(self, fault: Callable[[str, Mapping[str, Any]], None]) -> None:
        """Calls `fault` before every call to DynamoDB; it raises what the engine shall raise."""
        real = self.module.writer.dynamodb.transport

        def transport(operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
            fault(operation, request)
            response: dict[str, Any] = real(operation, request)
            return response

        self.module.writer.dynamodb.transport = transport


_numbers = itertools.count(1)


def message(
    body: Any,
    *,
    message_id: str | None = None,
    attributes: Mapping[str, str] | None = None,
    group: str | None = None,
    deduplication_id: str | None = None,
    queue: str = "WritesQueue",
) -> Event:
    """A record of an SQS event, as the poller makes it from what SQS hands over."""
    text = body if isinstance(body, str) else json.dumps(body)
    number = next(_numbers)
    system = {
        "ApproximateReceiveCount": "1",
        "SentTimestamp": "1700000000000",
        "SenderId": aws.ACCOUNT,
        "ApproximateFirstReceiveTimestamp": "1700000000001",
    }
    if group is not None:
        system |= {
            "MessageGroupId": group,
            "MessageDeduplicationId": deduplication_id or f"deduplication-{number}",
            "SequenceNumber": str(18_849_496_460_467_696_128 + number),
        }
    received: Any = {
        "MessageId": message_id or f"00000000-0000-4000-8000-{number:012}",
        "ReceiptHandle": f"receipt-{number}",
        "Body": text,
        "MD5OfBody": hashlib.md5(text.encode()).hexdigest(),  # noqa: S324 - what SQS computes
        "Attributes": system,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()
        },
    }
    return poller.record(received, aws.arn("sqs", queue))


def redriven(copy: Mapping[str, Any], queue: str = "WritesQueue") -> Event:
    """A message of the rejected queue, moved back: the body and the attributes stay, the message id is new."""
    attributes = {name: value["StringValue"] for name, value in copy["MessageAttributes"].items()}
    return message(copy["MessageBody"], attributes=attributes, queue=queue)


def add(attribute: str, value: Any, key: str | None = None, **members: Any) -> dict[str, Any]:
    """The body of a message that adds to an attribute of The Rainmaker."""
    body: dict[str, Any] = {"op": "update", "collection": "books", "key": RAINMAKER_KEY, "add": {attribute: value}}
    return body | ({"idempotency_key": key} if key else {}) | members


def saved_event(name: str) -> Event:
    """The event of a file in events/."""
    event: Event = json.loads((EVENTS / name).read_text())
    return event


def target_of(event: Event) -> str:
    """The undecoded path and query that an API event came from."""
    segments = [quote(part, safe="") for part in event.get("pathParameters", {}).values()]
    if "counters" in event["routeKey"]:
        segments.insert(-1, "counters")
    query = event["rawQueryString"]
    return "/" + "/".join(segments) + (f"?{query}" if query else "")
