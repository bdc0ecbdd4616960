"""Records that SQS never sends, and bodies that nobody meant: each is its own message's alone."""

import json
from typing import Any

import pytest

from local import functions
from surewrite.testing import RecordingSQS, sqs_record
from tests.acceptance.harness import RAINMAKER_KEY, Event, Store, Worker, add
from tests.models import Book

HALF = "\ud83d"


def odd(**members: Any) -> Event:
    """A record with other members; None leaves one out."""
    record = {**sqs_record("poison", message_id="odd"), **members}
    return {name: member for name, member in record.items() if member is not None}


ODD: dict[str, tuple[Any, str]] = {
    "null": (None, ""),
    "a number": (17, ""),
    "empty": ({}, ""),
    "no message id": (odd(messageId=None), "poison"),
    "a message id that is a number": (odd(messageId=7), "poison"),
    "no body": (odd(body=None), ""),
    "a body that is an object": (odd(body=add("Views", 1, "k")), json.dumps(add("Views", 1, "k"))),
    "half a surrogate pair": (odd(body=json.dumps(add("Views", 1)).replace("Views", HALF)), "?"),
    "half a surrogate pair, no JSON": (odd(body=f"poison {HALF}"), "poison ?"),
    "attributes that are a list": (odd(messageAttributes=[], attributes=[]), "poison"),
    "an attribute without dataType": (odd(messageAttributes={"a": {"stringValue": "x"}}), "poison"),
    "an attribute that is null": (odd(messageAttributes={"a": None, "IdempotencyKey": None}), "poison"),
    "a binary attribute that is not base64": (odd(messageAttributes={"a": {"binaryValue": "%"}}), "poison"),
    "a key that is binary": (odd(messageAttributes={"IdempotencyKey": {"binaryValue": "AAAA"}}), "poison"),
    "no queue": (odd(eventSourceARN=None), "poison"),
    "a queue that is a number": (odd(eventSourceARN=5), "poison"),
}


@pytest.mark.parametrize(("record", "body"), ODD.values(), ids=ODD)
def test_its_neighbours_are_applied(
    worker: Worker, store: Store, rejected: RecordingSQS, record: Any, body: str
) -> None:
    assert worker(sqs_record(add("Views", 1, "before")), record, sqs_record(add("Views", 1, "after"))) == []
    assert store.book()["Views"] == 2
    (copy,) = rejected.bodies
    assert body in copy
    copy.encode()


def test_without_an_id_a_message_may_be_applied_by_its_key(worker: Worker, store: Store) -> None:
    record = odd(messageId=None, body=json.dumps(add("Views", 1, "k")))
    assert worker(record, record) == []
    assert store.book()["Views"] == 1


def test_what_cannot_be_reported_fails_the_delivery(worker: Worker, rejected: RecordingSQS) -> None:
    """SQS takes an empty identifier for the failure of all messages."""
    rejected.down = True
    assert worker(odd(messageId=None), sqs_record(add("Views", 1, "k"))) == [""]


@pytest.mark.parametrize("event", [{}, {"Records": None}, {"records": []}, [], None])
def test_an_event_of_another_shape_is_named(worker: Worker, event: Any) -> None:
    with pytest.raises(ValueError, match="no SQS event"):
        worker.module.handler(event, functions.Context(worker.store.definition.functions["WorkerFunction"]))


def test_what_a_validator_raises_is_its_messages_alone(
    worker: Worker, store: Store, rejected: RecordingSQS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even an error of the model fails the batch: that message is delivered again, and moved by SQS at last."""

    def validate(*_: Any, **__: Any) -> Any:
        raise TypeError("unsupported operand")

    monkeypatch.setattr(Book, "model_validate", validate)
    broken = sqs_record({"op": "put", "collection": "books", "item": RAINMAKER_KEY}, message_id="broken")
    assert worker(sqs_record(add("Views", 1, "before")), broken, sqs_record(add("Views", 1, "after"))) == ["broken"]
    assert (store.book()["Views"], rejected.messages) == (2, [])
