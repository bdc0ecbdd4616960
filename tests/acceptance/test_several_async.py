"""`Prefer: respond-async` on transactions and batches."""

import json
from typing import Any

import pytest

from surewrite.testing import InterceptingTransport, client_error
from tests.acceptance.harness import BOOK, RAINMAKER, RAINMAKER_KEY, Api, Worker
from tests.acceptance.operations import ALICE, ASYNC, BOB, Line, accepted, status

KEY = "019b76da-a825-758f-869b-d7da359200f0"
SALE = {
    "writes": [
        {"update": {"collection": "books", "key": RAINMAKER_KEY, "add": {"Stock": -1}}},
        {"put": {"collection": "products", "item": {"Id": 601, "Price": 1.25}, "if_none_match": "*"}},
    ]
}
BATCH = {
    "writes": [
        {"put": {"collection": "products", "item": {"Id": number, "QuantityOnHand": 1}}} for number in range(250)
    ]
}


@pytest.fixture
def stocked(api: Api) -> Api:
    assert api("PUT", RAINMAKER, {**BOOK, "Stock": 2}).status == 201
    return api


def test_a_transaction_is_committed_by_the_worker(stocked: Api, worker: Worker, line: Line) -> None:
    answer = stocked("POST", "/transactions", SALE, idempotency_key=KEY, prefer=ASYNC)
    accepted(answer, KEY)
    assert stocked("GET", "/products/601").status == 404
    assert status(stocked, KEY) == "pending"
    assert worker(*line.receive()) == []
    assert status(stocked, KEY) == "applied"
    assert stocked("GET", RAINMAKER).json["Stock"] == 1
    for prefer in ({"prefer": ASYNC}, {}):
        again = stocked("POST", "/transactions", SALE, idempotency_key=KEY, **prefer)
        assert (again.status, again.replayed) == (200, "true")
        assert again.json["etags"] == [stocked("GET", "/products/601").etag] * 2
    assert len(line.sent) == 1
    assert stocked("GET", RAINMAKER).json["Stock"] == 1


def test_a_transaction_that_was_committed_meanwhile(stocked: Api, worker: Worker, line: Line) -> None:
    accepted(stocked("POST", "/transactions", SALE, idempotency_key=KEY, prefer=ASYNC), KEY)
    assert stocked("POST", "/transactions", SALE, idempotency_key=KEY).replayed is None
    assert worker(*line.receive()) == []
    assert stocked("GET", RAINMAKER).json["Stock"] == 1
    assert line.rejected == []


def test_what_the_worker_refuses_is_told(stocked: Api, worker: Worker, line: Line) -> None:
    assert stocked("PUT", "/products/601", {}).status == 201
    accepted(stocked("POST", "/transactions", SALE, idempotency_key=KEY, prefer=ASYNC), KEY)
    assert worker(*line.receive()) == []
    operation = stocked("GET", f"/operations/{KEY}").json
    assert operation == {"status": "rejected", "reason": "ConditionFailed: writes 1: the condition is not met"}
    assert stocked("GET", RAINMAKER).json["Stock"] == 2
    assert len(line.rejected) == 1


def test_a_batch_is_committed_by_the_worker(api: Api, worker: Worker, line: Line) -> None:
    accepted(api("POST", "/batch-write", BATCH, idempotency_key=KEY, prefer=ASYNC), KEY)
    assert status(api, KEY) == "pending"
    assert worker(*line.receive()) == []
    assert status(api, KEY) == "applied"
    assert api("GET", "/products?count").json["count"] == 250
    again = api("POST", "/batch-write", BATCH, idempotency_key=KEY)
    assert (again.status, again.replayed, again.json) == (200, "true", {"written": 250})


def test_the_rest_of_a_batch_is_queued(api: Api, worker: Worker, line: Line) -> None:
    """What was applied of it when the request was cut off is applied once, and what was not by the worker."""
    session, calls = api.module.db.session, iter(range(1000))

    def fail_after_the_first(operation: str, request: Any) -> None:
        if operation == "TransactWriteItems" and next(calls) > 0:
            raise client_error(operation, "InternalServerError", status=500)

    whole, session.transport = session.transport, InterceptingTransport(session.transport, fail_after_the_first)
    api.within(2)
    assert api("POST", "/batch-write", BATCH, idempotency_key=KEY).status == 503
    session.transport = whole
    api.within(15)
    assert 0 < api("GET", "/products?count").json["count"] < 250
    polled = api("GET", f"/operations/{KEY}")
    assert (polled.json, polled.headers["retry-after"]) == ({"status": "pending"}, "1")
    assert api("PATCH", "/products/0", {"add": {"QuantityOnHand": 1}}).status == 200
    accepted(api("POST", "/batch-write", BATCH, idempotency_key=KEY, prefer=ASYNC), KEY)
    assert status(api, KEY) == "pending"
    assert worker(*line.receive()) == []
    assert status(api, KEY) == "applied"
    assert api("GET", "/products?count").json["count"] == 250
    assert api("GET", "/products/0").json["QuantityOnHand"] == 2


@pytest.mark.parametrize(("path", "body"), [("/transactions", SALE), ("/batch-write", BATCH)])
def test_a_key_is_of_one_request_and_of_one_caller(stocked: Api, line: Line, path: str, body: Any) -> None:
    accepted(stocked("POST", path, body, authorizer=ALICE, idempotency_key=KEY, prefer=ASYNC), KEY)
    other = {"writes": body["writes"][1:]}
    refused = stocked("POST", path, other, authorizer=ALICE, idempotency_key=KEY, prefer=ASYNC)
    assert (refused.status, "already used" in refused.json["detail"]) == (422, True)
    accepted(stocked("POST", path, body, authorizer=BOB, idempotency_key=KEY, prefer=ASYNC), KEY)
    assert stocked("GET", f"/operations/{KEY}").status == 404
    scopes = {json.loads(entry["MessageBody"])["scope"] for entry in line.sent}
    assert scopes == {"jwt:https://issuer.example alice", "jwt:https://issuer.example bob"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/transactions",
            {"writes": [{"update": {"collection": "books", "key": RAINMAKER_KEY, "add": {"Stock": "x"}}}]},
        ),
        ("/transactions", {"writes": SALE["writes"] * 2}),
        ("/transactions", {"writes": []}),
        ("/batch-write", {"writes": BATCH["writes"][:1] * 2}),
        ("/batch-write", {"writes": [{"put": {"collection": "nope", "item": {}}}]}),
        ("/batch-write?nowhere=1", BATCH),
    ],
)
def test_refused_as_a_synchronous_request_is(stocked: Api, line: Line, path: str, body: Any) -> None:
    tables = stocked.store.tables()
    expected = stocked("POST", path, body, idempotency_key=KEY)
    answer = stocked("POST", path, body, idempotency_key=KEY, prefer=ASYNC)
    assert expected.status in (400, 422)
    assert (answer.status, answer.body) == (expected.status, expected.body)
    assert (stocked.store.tables(), line.sent) == (tables, [])


def test_too_large_for_a_message(api: Api, line: Line) -> None:
    writes = [{"put": {"collection": "products", "item": {"Id": n, "Description": "x" * 300_000}}} for n in range(4)]
    refused = api("POST", "/batch-write", {"writes": writes}, idempotency_key=KEY, prefer=ASYNC)
    assert (refused.status, line.sent) == (413, [])
    assert api("POST", "/batch-write", {"writes": writes}, idempotency_key=KEY).status == 200


@pytest.mark.parametrize(("path", "body"), [("/transactions", SALE), ("/batch-write", BATCH)])
def test_without_a_key_it_is_answered_at_once(stocked: Api, line: Line, path: str, body: Any) -> None:
    answer = stocked("POST", path, body, prefer=ASYNC)
    assert (answer.status, line.sent) == (200, [])
    assert "preference-applied" not in answer.headers


def test_a_put_under_the_condition_of_its_query(stocked: Api, worker: Worker, line: Line) -> None:
    when = "%7B%22Stock%22%3A%7B%22eq%22%3A{}%7D%7D"
    for number, (stock, told) in enumerate(((7, "rejected"), (2, "applied"))):
        key = f"put {number}"
        body = {**BOOK, "Stock": 5}
        accepted(stocked("PUT", f"{RAINMAKER}?when={when.format(stock)}", body, idempotency_key=key, prefer=ASYNC), key)
        assert worker(*line.receive()) == []
        assert status(stocked, key) == told
    assert stocked("GET", RAINMAKER).json["Stock"] == 5
