"""Both handlers, loaded as Lambda loads them, on tables of their own."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.datastructures import Headers

from local import aws, functions, gateway, template
from surewrite import Boto3Transport, Client, IdempotencyKey, Record
from surewrite.model.json import loads
from surewrite.model.wire import image_from_wire, image_to_wire
from surewrite.settings import table_variable
from surewrite.testing import InterceptingTransport, RecordingSQS, sqs_record
from tests import models

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


def load(function: template.Function, variables: Mapping[str, str], served: ModuleType = models) -> ModuleType:
    """A fresh copy of the function's module. It serves the tests' models, or others, whatever the deployment's are."""
    name = "bookstore.models"
    deployed = sys.modules.get(name)
    sys.modules[name] = served
    try:
        functions.load(function, variables)
    finally:
        del sys.modules[name]
        if deployed is not None:
            sys.modules[name] = deployed
    return sys.modules[f"{function.logical_id}_app"]


class Store:
    """The tests' tables, empty at first, and what loads the template's functions."""

    def __init__(
        self,
        client: "DynamoDBClient",
        names: Mapping[str, str],
        endpoint: str,
        path: Path = ROOT / "template.yaml",
        served: ModuleType = models,
    ) -> None:
        self.client, self.names, self._served = client, names, served
        self.definition = template.read(path, names)
        self.variables = aws.environment(endpoint, _NO_SQS)

    def environment(self, name: str) -> dict[str, str]:
        tables = {table_variable(logical): physical for logical, physical in self.names.items()}
        return functions.environment(self.definition.functions[name], self.variables) | tables

    def load(self, name: str) -> ModuleType:
        return load(self.definition.functions[name], self.environment(name), self._served)

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
        client = Client.from_env(
            [], variables=self.environment("WorkerFunction"), transport=Boto3Transport(self.client)
        )
        return client.find(IdempotencyKey(scope, key))


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

    def within(self, seconds: float) -> None:
        """From now on a request has so much time."""
        self._definition = self._definition.model_copy(update={"timeout": seconds})

    def invoke(self, event: Event) -> Answer:
        answer = self.module.handler(event, functions.Context(self._definition))
        return Answer(gateway.response(json.loads(json.dumps(answer))))


class Worker:
    """The worker's handler behind an event source mapping."""

    def __init__(self, store: Store, rejected: RecordingSQS) -> None:
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
        session = self.module.db.session
        session.transport = InterceptingTransport(session.transport, fault)


def redriven(copy: Mapping[str, Any], queue: str = "WritesQueue") -> Event:
    """A message of the rejected queue, moved back: the body and the attributes stay, the message id is new."""
    attributes = {name: value["StringValue"] for name, value in copy["MessageAttributes"].items()}
    return sqs_record(copy["MessageBody"], attributes=attributes, queue=queue)


def timed(name: str) -> str:
    """A key that carries its time, so that it shares a slot where the ledger packs."""
    return f"1767225600000-{name}"


def add(attribute: str, value: Any, key: str | None = None, **members: Any) -> dict[str, Any]:
    """The body of a message that adds to an attribute of The Rainmaker; `key` is the name of a timed one."""
    body: dict[str, Any] = {"op": "update", "collection": "books", "key": RAINMAKER_KEY, "add": {attribute: value}}
    return body | ({"idempotency_key": timed(key)} if key else {}) | members


def saved_event(name: str) -> Event:
    """The event of a file in events/."""
    event: Event = json.loads((EVENTS / name).read_text())
    return event


def target_of(event: Event) -> str:
    """The undecoded path and query that an API event came from."""
    parameters = {name: quote(part, safe="") for name, part in event.get("pathParameters", {}).items()}
    path = event["routeKey"].partition(" ")[2].format(**parameters) or "/"
    query = event["rawQueryString"]
    return path + (f"?{query}" if query else "")
