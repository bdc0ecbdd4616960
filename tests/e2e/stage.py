"""`make serve` with the bookstore, and every file of events/ through functions that run beside it."""

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeAlias

from local import aws, functions, gateway, template
from local.resources import Resources
from tests.acceptance.expectations import API, WORKER, Answered, Processed, problem
from tests.acceptance.harness import Answer, Store
from tests.models import BOOKSTORE
from tests.serving import Serving, eventually

COLLECTIONS = ", ".join(sorted(model.schema_.collection for model in BOOKSTORE))
EXPECTED: dict[str, Answered | Processed] = {
    **API,
    **WORKER,
    # The bookstore's collections rather than those of the tests' models.
    "api-unknown-collection.json": problem(404, "Not Found", f"unknown collection; there are: {COLLECTIONS}"),
    # The worker of `make serve` may be faster than the question.
    "api-get-operation.json": Answered(
        200, {"status": "applied"}, (*API["api-get-operation.json"].after, "worker-operations.json")
    ),
}

Invoke: TypeAlias = Callable[[str], Any]
"""The name of an event -> what its function returns."""


def function_of(event: str) -> str:
    return "WorkerFunction" if event in WORKER else "ApiFunction"


class Stage:
    """The running stack, and what is in it."""

    def __init__(self, resources: Resources, path: Path, port: str = "") -> None:
        """`path` is the template of the stack, `port` where it listens."""
        self.resources, self.port = resources, port
        self._sqs = aws.sqs_client(self.resources.sqs)
        self._dynamodb = aws.dynamodb_client(self.resources.dynamodb)
        self.store = Store(self._dynamodb, self.resources.tables, self.resources.dynamodb, path)
        self._path = path

    @classmethod
    def of(cls, serving: Serving, path: Path) -> Self:
        """What `make serve` runs."""
        with urllib.request.urlopen(f"{serving.url}/_local/resources", timeout=10) as response:
            return cls(Resources.from_json(json.load(response)), path, serving.url.rpartition(":")[2])

    def functions(self) -> list[tuple[template.Function, dict[str, str]]]:
        """Each function of the template, with its variables."""
        engines = aws.environment(self.resources.dynamodb, self.resources.sqs)
        definitions = template.read(self._path, self.resources.references).functions.values()
        return [(definition, functions.environment(definition, engines)) for definition in definitions]

    def play(self, event: str, invoke: Invoke, before: Invoke) -> None:
        """Fails where an event is not what is expected; those before it go through `before`."""
        self._clear()
        expected = EXPECTED[event]
        for earlier in expected.after:
            before(earlier)
        returned = invoke(event)
        if isinstance(expected, Answered):
            expected.check(event, Answer(gateway.response(returned)))
        else:
            assert [failure["itemIdentifier"] for failure in returned["batchItemFailures"]] == list(expected.failures)
            expected.check(self.store, self._rejected())

    def _clear(self) -> None:
        """No operation is under way, and every table is empty."""
        assert eventually(lambda: self._waiting(self.resources.queues["OperationsQueue"]) == 0)
        for logical_id, items in self.store.tables().items():
            key = self.store.definition.tables[logical_id].key
            for item in items:
                self._dynamodb.delete_item(
                    TableName=self.resources.tables[logical_id], Key={name: item[name] for name in key}
                )

    def _waiting(self, queue: str) -> int:
        counted = self._sqs.get_queue_attributes(
            QueueUrl=queue,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )
        return sum(map(int, counted["Attributes"].values()))

    def _rejected(self) -> dict[str, str]:
        """Takes the rejected messages out: their bodies, and the reasons."""
        queue = self.resources.queues["RejectedQueue"]
        found = self._sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        messages = found.get("Messages", [])
        for message in messages:
            self._sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return {message["Body"]: message["MessageAttributes"]["Reason"]["StringValue"] for message in messages}
