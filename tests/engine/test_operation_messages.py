"""The messages of operations: who may speak for a caller, what they carry, and what is wrong with one."""

from __future__ import annotations

from typing import Any

import pytest

from surewrite import (
    ConfigurationError,
    Deadline,
    InvalidRequest,
    MessageTooLarge,
    Write,
    attr,
)
from surewrite.model.json import loads
from surewrite.operations import MAX_MESSAGE_BYTES, message_of, read_message
from surewrite.requests import Catalogue
from surewrite.sqs import Consumer
from surewrite.testing import (
    sqs_record,
)
from tests.engine.desk import KEY, QUEUE, RAINMAKER, Desk, add, write_of
from tests.models import Book


def test_only_its_own_queue_says_whose_key_it_is(desk: Desk) -> None:
    """The same message in any other queue is refused, under the scope of that queue."""
    body = message_of(KEY, add("Views", 1))
    report = desk.work([sqs_record(body, queue="WritesQueue"), sqs_record(body, queue="OperationsQueue")])
    assert (report.applied, len(report.rejected), desk.views, desk.status()) == (0, 2, None, None)
    assert {rejection.key.scope for rejection in desk.others.rejections} == {
        "queue:WritesQueue",
        "queue:OperationsQueue",
    }
    assert desk.copies.rejections == []
    # and without the setting no queue does
    consumer = Consumer(desk.house.db, Catalogue(Book), desk.others)
    (rejection,) = consumer.process([sqs_record(body, queue=QUEUE)], deadline=Deadline.after(10)).rejected
    assert rejection.key.scope == f"queue:{QUEUE}"


@pytest.mark.parametrize(
    "body",
    [
        add("Views", 1),
        {"scope": "a", "key": "k"},
        {"scope": "a", "key": "k", "write": {}, "more": 1},
        {"scope": 1, "key": "k", "write": {}},
        {"scope": "a", "key": "", "write": {}},
        [],
    ],
)
def test_a_message_that_is_no_operation(desk: Desk, body: Any) -> None:
    with pytest.raises(InvalidRequest):
        read_message(body)
    report = desk.work([sqs_record(body, queue=QUEUE)])
    assert [rejection.key.scope for rejection in report.rejected] == [f"queue:{QUEUE}"]


def test_a_write_that_is_no_longer_valid_is_rejected_under_its_key(desk: Desk) -> None:
    """As after a deploy that changes the model."""
    report = desk.work([sqs_record(message_of(KEY, add("Nowhere", 1)), queue=QUEUE)])
    assert [rejection.key for rejection in report.rejected] == [KEY]
    operation = desk.operations.find(KEY)
    assert operation is not None
    assert (operation.reason or "").startswith("InvalidUpdate: add Nowhere: ")


def test_a_message_of_any_text(desk: Desk) -> None:
    text = "\ufffe\uffff\x00\x1f 😀 é \\ufffe"
    item = {**RAINMAKER, "Category": text}
    body = message_of(KEY, {"op": "put", "collection": "books", "item": item})
    assert not set(body) & {"\ufffe", "\uffff", "\x00", "\x1f"}
    assert loads(body)["write"]["item"] == item


def test_a_message_that_is_another_write(desk: Desk) -> None:
    """A condition that is lost on the way, say, would not be noticed by anyone."""
    write = write_of(add("Views", 1, when={"Stock": {"gt": 0}}))
    with pytest.raises(ConfigurationError, match="another write"):
        desk.operations.submit(write, add("Views", 1), KEY, deadline=Deadline.after(10))
    assert (desk.status(), desk.sqs.bodies) == (None, [])


def test_a_message_that_is_too_large(desk: Desk) -> None:
    item = {**RAINMAKER, "Category": "x" * MAX_MESSAGE_BYTES}
    with pytest.raises(MessageTooLarge, match="send it without respond-async"):
        message_of(KEY, {"op": "put", "collection": "books", "item": item})


def test_what_its_headers_demand_travels_along(desk: Desk) -> None:
    book = Book(author="John Grisham", title="The Rainmaker")
    put = {"op": "put", "collection": "books", "item": RAINMAKER, "if_none_match": "*"}
    assert write_of(put).fingerprint == Write.put(book, absent=True).fingerprint
    key = Book.schema_.key(RAINMAKER)
    stale = {"op": "delete", "collection": "books", "key": RAINMAKER, "if_match": "v1", "return_values": "ALL_OLD"}
    assert write_of(stale).fingerprint == Write.delete(Book, key, version="v1", return_values="ALL_OLD").fingerprint
    anything = add("Views", 1, if_match="*", when={"Stock": {"eq": 1}})
    present = attr("Stock").eq(1) & attr("Author").exists()
    assert write_of(anything).fingerprint == Write.update(Book, key, {attr("Views").add(1)}, present).fingerprint
    merge = {
        "op": "merge",
        "collection": "books",
        "key": RAINMAKER,
        "patch": {"Formats": {"Ebook": "E", "Hardcover": None}},
    }
    assert write_of(merge).kind == "update"
    with pytest.raises(InvalidRequest) as caught:
        write_of({**merge, "patch": {"Stock": "many"}})
    assert caught.value.problems[0].location == ("patch", "Stock")
