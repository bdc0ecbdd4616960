"""Where one request could stand in the way of others, or be taken for another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from surewrite import Boto3Transport, Client, Deadline, Ledger, attr
from surewrite.commit.many import Entry
from surewrite.errors import ConditionFailed, InvalidCondition, KeyReused
from surewrite.expressions.merge_patch import merge_actions
from surewrite.requests import Catalogue
from surewrite.sqs import Consumer
from surewrite.testing import Exactly, Fault, FaultTransport, RejectedMessages, sqs_record
from surewrite.writes import Write
from tests.engine.house import Keys
from tests.models import MODELS, Book, Thread

BOOK = ("A", "T")


def writer_on(transport: Any, names: Mapping[str, str]) -> Client:
    return Client(Ledger(names["Ledger"]), transport=transport, sleep=lambda _: None, tables=names)


@pytest.fixture
def writer(dynamodb_client: Any, table_names: dict[str, str]) -> Client:
    return writer_on(Boto3Transport(dynamodb_client), table_names)


def test_a_sum_with_too_many_digits_is_committed_apart(writer: Client, key: Keys) -> None:
    huge = [Write.update(Thread, ("f", "s"), {attr("Answered").add(10**38)}) for _ in range(2)]
    other = Write.update(Book, BOOK, {attr("Views").add(1)})
    results = writer.commit_many(
        [*(Entry(write, key(f"h{n}")) for n, write in enumerate(huge)), Entry(other, key("o"))]
    )
    assert [result.final for result in results] == [True, True, True]
    assert results[2].outcome is not None


def test_a_wide_condition_is_refused_with_its_reason(writer: Client) -> None:
    from surewrite.expressions.condition_json import condition_from_json

    with pytest.raises(InvalidCondition, match="300 operators"):
        condition_from_json(Book, {"or": [{"Stock": {"ge": 0}}] * 5000})


@pytest.mark.parametrize(
    "record",
    [
        {"messageId": "1"},
        {"messageId": "1", "body": None, "attributes": None, "messageAttributes": None},
        {"messageId": "1", "body": "{}", "messageAttributes": {"IdempotencyKey": None}},
        {"messageId": "1", "body": "[" * 5000},
    ],
)
def test_odd_records_are_rejected_and_hold_nobody_up(writer: Client, record: dict[str, Any]) -> None:
    good = {
        "messageId": "2",
        "body": '{"op":"update","collection":"books","key":{"Author":"A","Title":"T"},"add":{"Views":1}}',
    }
    rejected = RejectedMessages()
    report = Consumer(writer, Catalogue(*MODELS), rejected).process([record, good], deadline=Deadline.after(10))
    assert (report.failures, report.applied, rejected.keys) == ([], 1, ["1"])


def test_a_merge_is_not_the_set_that_looks_like_it(writer: Client) -> None:
    books = writer.table(Book)
    books.put(Book(author="A", title="T", formats={"Hardcover": "H"}))
    books.commit(Write.update(Book, BOOK, merge_actions(Book, {"Formats": {"Audiobook": "x"}})), "m")
    with pytest.raises(KeyReused):
        books.update(BOOK, {attr("Formats").set({"Audiobook": "x"})}, idempotency_key="m")


def test_nobody_is_refused_for_one_that_was_not_applied(
    dynamodb_client: Any, table_names: dict[str, str], key: Keys
) -> None:
    """Between the walk and the next commit somebody takes the stock that the first of two was to have."""
    inner = Boto3Transport(dynamodb_client)
    transactions = 0

    def transport(operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        nonlocal transactions
        transactions += operation == "TransactWriteItems"
        if operation == "TransactWriteItems" and transactions == 2:
            writer_on(inner, table_names).table(Book).update(BOOK, {attr("Stock").set(2)})
        return inner(operation, request)

    writer = writer_on(transport, table_names)
    writer.table(Book).put(Book(author="A", title="T", stock=3))
    wanted = [Write.update(Book, BOOK, {attr("Stock").add(-n)}) for n in (3, 1)]
    three, one = writer.commit_many([Entry(write, key(str(n))) for n, write in enumerate(wanted)])
    assert three.error is not None
    assert one.outcome is not None
    assert (writer.table(Book).image(BOOK, consistent=True) or {})["Stock"] == 1


@pytest.mark.parametrize("conditional", [True, False])
def test_a_plain_write_knows_its_own_work_again(
    dynamodb_client: Any, table_names: dict[str, str], conditional: bool
) -> None:
    transport = FaultTransport(Boto3Transport(dynamodb_client), Exactly({1: Fault.DROP_RESPONSE}))
    books = writer_on(transport, table_names).table(Book)
    if conditional:
        books.put(Book(author="A", title="T"), absent=True)
    else:
        writer_on(Boto3Transport(dynamodb_client), table_names).table(Book).put(Book(author="A", title="T"))
        books.update(BOOK, {attr("Price").set(8)}, when=attr("Price").not_exists())
    with pytest.raises(ConditionFailed):
        books.put(Book(author="A", title="T"), absent=True)


def test_a_batch_and_a_write_do_not_share_a_key(writer: Client, key: Keys) -> None:
    from surewrite.writes import BulkWrite

    writer.bulk_write(BulkWrite.of([Write.put(Book(author="A", title="T"))]), key("same"))
    with pytest.raises(KeyReused):
        writer.commit(Write.update(Book, BOOK, {attr("Views").add(1)}), key("same"))


@pytest.mark.parametrize("taken", [True, False])
def test_a_group_waits_until_its_rejection_is_settled(writer: Client, taken: bool) -> None:
    def record(name: str, body: str, group: str) -> dict[str, Any]:
        return sqs_record(body, message_id=name, group=group, deduplication_id=name, queue="q.fifo")

    target = '"op":"update","collection":"books","key":{"Author":"A","Title":"T"}'
    count, oversell = f'{{{target},"add":{{"Views":1}}}}', f'{{{target},"add":{{"Stock":-1}}}}'
    records = [
        record("1", count, "g"), record("2", "poison", "g"), record("3", count, "g"), record("4", oversell, "g"),
        record("5", count, "g"), record("6", count, "other"),
    ]  # fmt: skip
    queue = RejectedMessages()
    queue.down = not taken
    report = Consumer(writer, Catalogue(*MODELS), queue).process(records, deadline=Deadline.after(10))
    assert report.failures == ([] if taken else ["2", "3", "4", "5"])
    assert (report.applied, len(report.rejected), queue.keys) == ((4, 2, ["g 2", "g 4"]) if taken else (2, 0, []))
