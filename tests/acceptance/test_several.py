"""Transactions and batches of several collections, over HTTP and as messages."""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surewrite.testing import InterceptingTransport, RecordingSQS, client_error, sqs_record
from tests.acceptance.harness import BOOK, RAINMAKER, RAINMAKER_KEY, Api, Store, Worker, timed

KEY = "019b76da-a825-758f-869b-d7da359200f0"


def sale(copies: int = 1, **check: Any) -> dict[str, Any]:
    """Takes copies of The Rainmaker, makes a product of it, and checks that a user is not there."""
    user = {"username": "johndoe", "last_name": "Doe"}
    return {
        "writes": [
            {"update": {"collection": "books", "key": RAINMAKER_KEY, "add": {"Stock": -copies}}},
            {"put": {"collection": "products", "item": {"Id": 601}, "if_none_match": "*"}},
            {"delete": {"collection": "threads", "key": {"ForumName": "f", "Subject": "s"}}},
            {"check": {"collection": "users", "key": user, **(check or {"when": {"username": {"not_exists": True}}})}},
        ]
    }


@pytest.fixture
def stocked(api: Api) -> Api:
    assert api("PUT", RAINMAKER, {**BOOK, "Stock": 2}).status == 201
    return api


# --- POST /transactions ----------------------------------------------------------------------------------------------


def test_a_transaction_is_applied_once(stocked: Api, store: Store) -> None:
    first = stocked("POST", "/transactions", sale(), idempotency_key=KEY)
    assert (first.status, first.replayed) == (200, None)
    again = stocked("POST", "/transactions", sale(), idempotency_key=KEY)
    assert (again.status, again.replayed, again.json) == (200, "true", first.json)
    put, added, deleted, checked = first.json["etags"]
    assert put == added == stocked("GET", RAINMAKER).etag == stocked("GET", "/products/601").etag
    assert (deleted, checked) == (None, None)
    assert store.book()["Stock"] == 1
    other = stocked("POST", "/transactions", sale(2), idempotency_key=KEY)
    assert other.status == 422


def test_without_a_key_and_without_a_body(stocked: Api, store: Store) -> None:
    answer = stocked("POST", "/transactions", {"writes": sale()["writes"][::2]}, prefer="return=minimal")
    assert (answer.status, answer.body) == (204, b"")
    assert store.book()["Stock"] == 1


@pytest.mark.parametrize("keyed", [True, False])
def test_a_refusal_names_the_write(stocked: Api, store: Store, keyed: bool) -> None:
    headers = {"idempotency_key": KEY} if keyed else {}
    unmet = stocked("POST", "/transactions", sale(when={"username": {"exists": True}}), **headers)
    assert (unmet.status, unmet.pointers, unmet.json["item"]) == (412, ["/writes/3"], None)
    sold_out = stocked("POST", "/transactions", sale(3), **headers)
    assert (sold_out.status, sold_out.pointers) == (422, ["/writes/0/Stock"])
    assert store.book()["Stock"] == 2
    assert store.item("ProductCatalog", {"Id": 601}) is None
    assert stocked("POST", "/transactions", sale(), **headers).status == 200
    exists = stocked("POST", "/transactions", sale(), idempotency_key="another")
    assert (exists.status, exists.pointers) == (412, ["/writes/1"])
    assert exists.json["item"]["Id"] == 601


BOOK_KEY = {"collection": "books", "key": RAINMAKER_KEY}
PRODUCTS = {"collection": "products"}


@pytest.mark.parametrize(
    ("body", "status", "pointers"),
    [
        ({}, 400, ["/writes"]),
        ({"writes": []}, 400, ["/writes"]),
        ({"writes": [{}]}, 400, ["/writes/0"]),
        ({"writes": [{"put": None}]}, 400, ["/writes/0"]),
        ({"writes": [{"delete": BOOK_KEY, "check": BOOK_KEY}]}, 400, ["/writes/0"]),
        ({"writes": [{"replace": BOOK_KEY}]}, 400, ["/writes/0/replace"]),
        ({"writes": [{"check": BOOK_KEY}]}, 400, ["/writes/0/check/when"]),
        ({"writes": [{"delete": {**BOOK_KEY, "collection": "nope"}}]}, 400, ["/writes/0/delete/collection"]),
        ({"writes": [{"delete": {**BOOK_KEY, "key": {"Author": "a"}}}]}, 400, ["/writes/0/delete/key/Title"]),
        ({"writes": [{"put": {**PRODUCTS, "item": {"Id": 1, "Price": -1}}}]}, 422, ["/writes/0/put/item/Price"]),
        ({"writes": [{"update": {**BOOK_KEY, "set": {"Views": "x"}}}]}, 422, ["/writes/0/update/set/Views"]),
        ({"writes": [{"delete": BOOK_KEY}, {"delete": BOOK_KEY}]}, 400, ["/writes/1"]),
        ({"writes": [{"delete": {**BOOK_KEY, "return_values": "ALL_OLD"}}]}, 400, ["/writes/0/return_values"]),
        ({"writes": [{"delete": BOOK_KEY}], "when": {}}, 400, ["/when"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_pointed_at(api: Api, body: Any, status: int, pointers: list[str]) -> None:
    answer = api("POST", "/transactions", body)
    assert (answer.status, answer.pointers) == (status, pointers), answer


@pytest.mark.parametrize("path", ["/transactions", "/batch-write"])
def test_the_paths_take_one_method_and_no_parameters(api: Api, path: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = api(method, path)
        assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")
    assert api("OPTIONS", path).headers["allow"] == "POST, OPTIONS"
    assert api("POST", f"{path}?consistent", sale()).status == 400


# --- POST /batch-write -----------------------------------------------------------------------------------------------


def load(count: int = 120) -> dict[str, Any]:
    puts = [{"put": {"collection": "products", "item": {"Id": number}}} for number in range(count)]
    return {"writes": [{"delete": BOOK_KEY}, *puts]}


@pytest.mark.parametrize("keyed", [True, False])
def test_a_batch_writes_several_collections(stocked: Api, store: Store, keyed: bool) -> None:
    answer = stocked("POST", "/batch-write", load(), **({"idempotency_key": KEY} if keyed else {}))
    assert (answer.status, answer.json) == (200, {"written": 121})
    assert len(store.tables()["ProductCatalog"]) == 120
    assert store.item("Books", RAINMAKER_KEY) is None
    if keyed:
        again = stocked("POST", "/batch-write", load(), idempotency_key=KEY)
        assert (again.status, again.replayed, again.json) == (200, "true", {"written": 121})
        assert stocked("POST", "/batch-write", load(119), idempotency_key=KEY).status == 422


def test_the_order_counts(stocked: Api, store: Store) -> None:
    twice = [{"put": {"collection": "books", "item": {**RAINMAKER_KEY, "Stock": 9}}}, {"delete": BOOK_KEY}]
    refused = stocked("POST", "/batch-write", {"writes": twice})
    assert (refused.status, refused.pointers) == (400, ["/writes/1"])
    assert stocked("POST", "/batch-write", {"writes": twice, "duplicates": "first"}).status == 200
    assert store.book()["Stock"] == 9
    assert stocked("POST", "/batch-write", {"writes": twice, "duplicates": "last"}).status == 200
    assert store.item("Books", RAINMAKER_KEY) is None


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"writes": []}, [""]),
        ({"writes": [{"update": BOOK_KEY}]}, ["/writes/0/update"]),
        ({"writes": [{"delete": {**BOOK_KEY, "when": {"Price": {"eq": 1}}}}]}, ["/writes/0"]),
        ({"writes": [{"put": {"collection": "nope", "item": {}}}]}, ["/writes/0/put/collection"]),
        ({"writes": [{"put": {"collection": "books"}}]}, ["/writes/0/put/item"]),
        ({"writes": [{"delete": BOOK_KEY}], "duplicates": "fist"}, ["/duplicates"]),
    ],
)
def test_what_is_wrong_in_a_batch_is_pointed_at(api: Api, body: Any, pointers: list[str]) -> None:
    answer = api("POST", "/batch-write", body)
    assert (answer.status, answer.pointers) == (400, pointers), answer


@pytest.mark.parametrize("keyed", [True, False])
def test_what_was_not_written_is_named(stocked: Api, store: Store, keyed: bool) -> None:
    session = stocked.module.db.session

    def throttle(operation: str, request: Mapping[str, Any]) -> None:
        if "Books" in str(request):
            raise _throttled(operation)

    session.transport = InterceptingTransport(session.transport, throttle)
    stocked.within(1.5)
    body = {"writes": [*load(99)["writes"][1:], {"delete": BOOK_KEY}]}
    answer = stocked("POST", "/batch-write", body, **({"idempotency_key": KEY} if keyed else {}))
    assert answer.status == 503
    left = answer.json["unprocessed"]
    assert left[-1] == {"pointer": "/writes/99", **BOOK_KEY}
    assert len(left) + len(store.tables()["ProductCatalog"]) == 100
    assert "retry-after" in answer.headers


def _throttled(operation: str) -> ClientError:
    return client_error(operation, "ThrottlingException")


# --- messages --------------------------------------------------------------------------------------------------------


def test_a_transaction_as_a_message(stocked: Api, worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    message = {"op": "transaction", **sale(), "idempotency_key": timed("sale")}
    refused = {"op": "transaction", **sale(), "idempotency_key": timed("again")}
    assert worker(sqs_record(message), sqs_record(message), sqs_record(refused)) == []
    assert store.book()["Stock"] == 1
    assert rejected.attribute("Reason") == ["ConditionFailed: writes 1: the condition is not met"]
    assert worker(sqs_record(message)) == []
    assert store.book()["Stock"] == 1


def test_a_batch_of_several_collections_as_a_message(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    twice = [{"delete": BOOK_KEY}, {"put": {"collection": "books", "item": RAINMAKER_KEY}}]
    puts = load(3)["writes"][1:]
    assert worker(sqs_record({"op": "batch", "writes": [*puts, *twice], "duplicates": "last"})) == []
    assert store.book()
    assert len(store.tables()["ProductCatalog"]) == 3
    assert worker(
        sqs_record({"op": "batch", "writes": twice}),
        sqs_record({"op": "batch", "put": [{"Id": 1}]}),
        sqs_record({"op": "batch", "writes": [{"put": {"collection": "nope", "item": {}}}]}),
    ) == []  # fmt: skip
    assert [reason.partition(";")[0] for reason in rejected.attribute("Reason")] == [
        "InvalidRequest: writes 1: a second write of the same item",
        "InvalidRequest: put and delete need a collection; writes name their own where there is none".partition(";")[0],
        "InvalidRequest: writes 0 put collection: unknown collection",
    ]


@pytest.mark.parametrize("path", ["/transactions", "/batch-write"])
def test_what_it_has_consumed(api: Api, path: str) -> None:
    body = {"writes": [{"put": {"collection": "products", "item": {"Id": 1}}}]}
    answer = api("POST", f"{path}?return_consumed_capacity=TOTAL", body, idempotency_key=KEY)
    assert set(answer.json) <= {"etags", "written"}
    assert "consumed-capacity" in answer.headers
