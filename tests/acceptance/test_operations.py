"""Asynchronous writes from end to end: the API's handler, the message, the worker's handler, the operation."""

import json
from typing import Any

import pytest

from surewrite.testing import Crash, RecordingSQS, client_error, sqs_record
from tests.acceptance.harness import BOOK, RAINMAKER, RAINMAKER_KEY, STORED_BOOK, Api, Store, Worker
from tests.acceptance.operations import ALICE, ASYNC, BOB, KINDS, REQUESTS, Line, accepted, preferring, status


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_sync_then_async(rainmaker: Api, line: Line, kind: Any) -> None:
    """One effect: the second is a replay of the first, and nothing is queued."""
    request, headers = kind
    first = rainmaker(*request, idempotency_key="k", **headers)
    assert first.status in (200, 201, 204)
    tables = rainmaker.store.tables()
    second = rainmaker(*request, idempotency_key="k", **preferring(headers))
    assert (second.status, second.body, second.replayed) == (first.status, first.body, "true")
    assert second.headers.get("etag") == first.headers.get("etag")
    assert "preference-applied" not in second.headers
    assert (rainmaker.store.tables(), line.sent) == (tables, [])


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_async_then_sync(rainmaker: Api, worker: Worker, line: Line, kind: Any) -> None:
    """The same effect as without the queue, once; what it returned is the operation's, and a replay's."""
    request, headers = kind
    accepted(rainmaker(*request, idempotency_key="k", **preferring(headers)), "k")
    assert status(rainmaker, "k") == "pending"
    assert worker(*line.receive()) == []
    operation = rainmaker("GET", "/operations/k").json
    assert operation.pop("status") == "applied", operation

    tables = rainmaker.store.tables()
    again = rainmaker(*request, idempotency_key="k", **headers)
    assert again.replayed == "true"
    assert (again.json if again.body else None) == operation.get("attributes")
    assert again.headers.get("etag") == operation.get("etag")
    assert rainmaker.store.tables() == tables


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_async_is_what_sync_is(rainmaker: Api, worker: Worker, line: Line, store: Store, kind: Any) -> None:
    request, headers = kind
    rainmaker(*request, idempotency_key="k", **preferring(headers))
    assert worker(*line.receive()) == []
    found = store.item("Books", RAINMAKER_KEY)
    store.client.delete_item(
        TableName=store.names["Books"], Key={name: {"S": value} for name, value in RAINMAKER_KEY.items()}
    )
    assert rainmaker("PUT", RAINMAKER, BOOK).status == 201
    assert rainmaker(*request, idempotency_key="sync", **headers).status < 300
    expected = store.item("Books", RAINMAKER_KEY)
    assert (found is None) == (expected is None)
    assert {**(found or {}), "_v": ""} == {**(expected or {}), "_v": ""}


def test_async_while_pending_then_sync(rainmaker: Api, worker: Worker, line: Line) -> None:
    request = REQUESTS["counter"]
    accepted(rainmaker(*request, idempotency_key="k", prefer=ASYNC), "k")
    accepted(rainmaker(*request, idempotency_key="k", prefer=ASYNC), "k")
    sync = rainmaker(*request, idempotency_key="k")
    assert (sync.status, sync.json, sync.replayed) == (200, {"Views": 5}, None)
    assert worker(*line.receive()) == []
    assert (len(line.sent), rainmaker.store.book()["Views"]) == (2, 5)
    assert line.rejected == []


def test_another_request_under_the_key(rainmaker: Api, worker: Worker, line: Line) -> None:
    rainmaker("POST", f"{RAINMAKER}/counters/Views", {"by": 1}, idempotency_key="k", prefer=ASYNC)
    other = ("POST", f"{RAINMAKER}/counters/Views", {"by": 2})
    pending = rainmaker(*other, idempotency_key="k", prefer=ASYNC)
    assert worker(*line.receive()) == []
    applied = [rainmaker(*other, idempotency_key="k", prefer=prefer) for prefer in (ASYNC, "return=representation")]
    assert {answer.status for answer in (pending, *applied)} == {422}
    assert len({answer.body for answer in (pending, *applied)}) == 1
    assert (len(line.sent), rainmaker.store.book()["Views"]) == (1, 1)


def test_an_operation_is_shown_to_its_caller_only(rainmaker: Api, worker: Worker, line: Line) -> None:
    counter = REQUESTS["counter"]
    accepted(rainmaker(*counter, idempotency_key="k", prefer=ASYNC, authorizer=ALICE), "k")
    assert status(rainmaker, "k", authorizer=ALICE) == "pending"
    for other in (None, BOB):
        assert rainmaker("GET", "/operations/k", authorizer=other).status == 404
    # Bob's key of the same name is another one
    accepted(rainmaker(*counter, idempotency_key="k", prefer=ASYNC, authorizer=BOB), "k")
    assert worker(*line.receive()) == []
    assert rainmaker.store.book()["Views"] == 10
    assert status(rainmaker, "k", authorizer=ALICE) == status(rainmaker, "k", authorizer=BOB) == "applied"
    assert rainmaker("GET", "/operations/k").status == 404
    anonymous = {"jwt": {"claims": {"iss": "https://issuer.example"}}}
    assert rainmaker("GET", "/operations/k", authorizer=anonymous).status == 400


@pytest.mark.parametrize(
    ("mine", "other"),
    [
        ({"iam": {"userArn": "arn:aws:iam::123456789012:user/alice"}}, {"iam": {"userArn": "arn:aws:iam::1:user/bob"}}),
        ({"iam": {"cognitoIdentity": {"identityId": "pool:alice"}}}, {"iam": {"cognitoIdentity": {"identityId": "b"}}}),
        ({"lambda": {"principalId": "alice"}}, {"lambda": {"principalId": "bob"}}),
    ],
    ids=["iam", "cognito", "lambda"],
)
def test_the_callers_of_every_authorizer(rainmaker: Api, worker: Worker, line: Line, mine: Any, other: Any) -> None:
    accepted(rainmaker(*REQUESTS["counter"], idempotency_key="a/b", prefer=ASYNC, authorizer=mine), "a/b")
    assert worker(*line.receive()) == []
    assert status(rainmaker, "a/b", authorizer=mine) == "applied"
    for stranger in (None, ALICE, other):
        assert rainmaker("GET", "/operations/a%2Fb", authorizer=stranger).status == 404


def test_a_synchronous_request_has_an_operation_too(rainmaker: Api) -> None:
    assert rainmaker("GET", "/operations/k").status == 404
    done = rainmaker("PATCH", RAINMAKER, {"add": {"Views": 1}}, idempotency_key="k")
    answer = rainmaker("GET", "/operations/k")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json == {"status": "applied", "created": False, "etag": done.etag, "attributes": done.json}
    # refusals consume no key
    refused = rainmaker("PATCH", RAINMAKER, {"add": {"Stock": -9}}, idempotency_key="refused")
    assert (refused.status, rainmaker("GET", "/operations/refused").status) == (422, 404)


def test_what_is_not_kept_is_not_shown(api: Api, worker: Worker, line: Line) -> None:
    api("PUT", RAINMAKER, {"Category": "x" * 320_000}, idempotency_key="k", prefer=ASYNC)
    assert worker(*line.receive()) == []
    assert api("GET", "/operations/k").json == {"status": "applied"}
    minimal = api("PUT", RAINMAKER, {}, idempotency_key="minimal", prefer=f"{ASYNC}, return=minimal")
    assert minimal.status == 202
    assert worker(*line.receive()) == []
    assert api("GET", "/operations/minimal").json == {"status": "applied"}
    gone = api("DELETE", "/books/nobody/nothing", idempotency_key="gone", prefer=ASYNC)
    assert gone.status == 202
    assert worker(*line.receive()) == []
    assert api("GET", "/operations/gone").json == {"status": "applied", "created": False}


def test_rejected_with_its_reason(rainmaker: Api, worker: Worker, line: Line) -> None:
    sold = ("PATCH", RAINMAKER, {"add": {"Stock": -1}, "set": {"Category": "a secret"}})
    accepted(rainmaker(*sold, idempotency_key="k", prefer=ASYNC), "k")
    (record,) = line.receive()
    for _ in range(2):  # the worker dies before SQS deletes the message
        assert worker(record) == []
    answer = rainmaker("GET", "/operations/k")
    reason = "InvalidItem: Stock: Input should be greater than or equal to 0"
    assert (answer.status, answer.json) == (200, {"status": "rejected", "reason": reason})
    assert b"secret" not in answer.body
    copy = line.rejected[0]
    assert copy["MessageAttributes"]["Reason"]["StringValue"] == reason
    assert copy["MessageAttributes"]["SourceQueue"]["StringValue"] == line.name

    # the key is free: the same request may succeed once its cause has gone
    assert rainmaker("PATCH", RAINMAKER, {"set": {"Stock": 1}}).status == 200
    accepted(rainmaker(*sold, idempotency_key="k", prefer=ASYNC), "k")
    assert status(rainmaker, "k") == "pending"
    assert worker(*line.receive()) == []
    assert status(rainmaker, "k") == "applied"
    # an operator moves the copy back all the same
    moved = sqs_record(copy["MessageBody"], queue=line.name, attributes={"IdempotencyKey": "k", "Reason": reason})
    assert worker(moved) == []
    assert rainmaker.store.book()["Stock"] == 0


@pytest.mark.parametrize("condition", ["unmet", "stale", "exists"])
def test_a_condition_is_looked_at_when_it_is_committed(
    rainmaker: Api, worker: Worker, line: Line, condition: str
) -> None:
    unmet = {"when": {"Stock": {"eq": 5}}}
    request, headers = {
        "unmet": (("DELETE", RAINMAKER, unmet), {}),
        "stale": (("PATCH", RAINMAKER, {"set": {"Stock": 5}}), {"if_match": '"stale"'}),
        "exists": (("PUT", RAINMAKER, BOOK), {"if_none_match": "*"}),
    }[condition]
    assert rainmaker(*request, **headers).status in (409, 412)
    accepted(rainmaker(*request, idempotency_key="k", prefer=ASYNC, **headers), "k")
    assert worker(*line.receive()) == []
    operation = rainmaker("GET", "/operations/k").json
    assert operation == {"status": "rejected", "reason": "ConditionFailed: the condition is not met"}
    assert rainmaker.store.book()["Stock"] == 0


def test_a_version_that_is_still_there(rainmaker: Api, worker: Worker, line: Line) -> None:
    etag = rainmaker("GET", RAINMAKER).etag
    rainmaker("PATCH", RAINMAKER, {"set": {"Stock": 5}}, idempotency_key="k", prefer=ASYNC, if_match=etag)
    assert worker(*line.receive()) == []
    operation = rainmaker("GET", "/operations/k").json
    assert operation["attributes"] == {**STORED_BOOK, "Stock": 5}
    assert rainmaker("PATCH", RAINMAKER, {"set": {"Stock": 6}}, if_match=operation["etag"]).status == 200


def test_the_queue_takes_nothing(rainmaker: Api, worker: Worker, line: Line, caplog: pytest.LogCaptureFixture) -> None:
    line.sqs.down = True
    for _ in range(2):
        answer = rainmaker(*REQUESTS["counter"], idempotency_key="k", prefer=ASYNC)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert any(getattr(one, "code", "") == "EndpointConnectionError" for one in caplog.records)
    line.sqs.down = False
    # nothing is consumed: the same request, either way
    accepted(rainmaker(*REQUESTS["counter"], idempotency_key="k", prefer=ASYNC), "k")
    assert rainmaker(*REQUESTS["counter"], idempotency_key="k").replayed is None
    assert worker(*line.receive()) == []
    assert rainmaker.store.book()["Views"] == 5


def test_the_queue_denies_it(rainmaker: Api, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(**_: Any) -> Any:
        raise client_error("SendMessage", "AccessDenied", status=403)

    monkeypatch.setattr(line.sqs, "send_message", deny)
    answer = rainmaker(*REQUESTS["counter"], idempotency_key="k", prefer=ASYNC)
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


def test_what_is_too_large_for_a_message(api: Api, line: Line) -> None:
    """An item of 400 KB may be far larger as JSON; it is refused before its key is marked, and may be put at once."""
    body = json.dumps({"Category": "\x01" * 390_000})
    answer = api("PUT", RAINMAKER, body, idempotency_key="k", prefer=ASYNC)
    assert answer.status == 413
    assert "without respond-async" in answer.json["detail"]
    assert (api("GET", "/operations/k").status, line.sent) == (404, [])
    assert api("PUT", RAINMAKER, body, idempotency_key="k").status == 201


@pytest.mark.parametrize("committed", [False, True])
def test_the_worker_dies(rainmaker: Api, worker: Worker, line: Line, committed: bool) -> None:
    rainmaker(*REQUESTS["counter"], idempotency_key="k", prefer=ASYNC)
    records = line.receive()
    session, inner = worker.module.db.session, worker.module.db.session.transport

    def dying(operation: str, request: Any) -> Any:
        if committed or operation != "TransactWriteItems":
            inner(operation, request)
        if operation == "TransactWriteItems":
            raise Crash
        return inner(operation, request)

    session.transport = dying
    with pytest.raises(Crash):
        worker(*records)
    session.transport = inner
    assert status(rainmaker, "k") == ("applied" if committed else "pending")
    assert worker(*records) == []
    assert (status(rainmaker, "k"), rainmaker.store.book()["Views"]) == ("applied", 5)


def test_what_ends_in_the_dead_letter_queue_is_pending(rainmaker: Api, worker: Worker, line: Line) -> None:
    """SQS moves it after five attempts. It may still be applied: by a redrive, or by the client's repetition."""
    rainmaker(*REQUESTS["counter"], idempotency_key="k", prefer=ASYNC)
    (record,) = line.receive()
    inner = worker.module.db.session.transport

    def throttle(operation: str, request: Any) -> None:
        raise client_error(operation, "ThrottlingException")

    worker.break_calls(throttle)
    for attempt in range(1, 6):
        received = {**record["attributes"], "ApproximateReceiveCount": str(attempt)}
        assert worker({**record, "attributes": received}, timeout=0.5) == [record["messageId"]]
    worker.module.db.session.transport = inner
    assert status(rainmaker, "k") == "pending"
    moved = sqs_record(record["body"], queue=line.name)
    assert worker(moved) == []
    assert (status(rainmaker, "k"), rainmaker.store.book()["Views"]) == ("applied", 5)


def test_no_other_queue_speaks_for_a_caller(rainmaker: Api, worker: Worker, line: Line) -> None:
    """The very message of an operation, sent to another queue: it is no message there."""
    rainmaker(*REQUESTS["counter"], idempotency_key="k", prefer=ASYNC)
    (record,) = line.receive()
    for queue in ("WritesQueue", "OrderedWritesQueue.fifo", "RejectedOperationsQueue"):
        assert worker(sqs_record(record["body"], queue=queue)) == []
    assert (status(rainmaker, "k"), rainmaker.store.book()["Views"]) == ("pending", 0)
    scoped = {"op": "update", "collection": "books", "key": RAINMAKER_KEY, "add": {"Views": 1}, "scope": "anonymous"}
    assert worker(sqs_record(scoped)) == []
    assert rainmaker.store.book()["Views"] == 0
    assert line.rejected == []


def test_clicks_behind_http_become_one_write(rainmaker: Api, worker: Worker, line: Line) -> None:
    for number in range(40):
        prefer = f"{ASYNC}, return=minimal"
        rainmaker("POST", f"{RAINMAKER}/counters/Views", idempotency_key=f"k{number}", prefer=prefer)
    sent: list[str] = []
    worker.break_calls(lambda operation, request: sent.append(operation))
    assert worker(*line.receive()) == []
    assert sent == ["TransactWriteItems"]
    assert rainmaker.store.book()["Views"] == 40


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_an_operation_is_only_read(api: Api, method: str) -> None:
    answer = api(method, "/operations/k", {})
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_the_methods_of_an_operation(api: Api) -> None:
    options = api("OPTIONS", "/operations/k")
    assert (options.status, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    assert api("HEAD", "/operations/k").status == 404
    assert api("GET", "/operations/k?verbose").status == 400
    assert api("GET", f"/operations/{'k' * 256}").status == 400
    assert api("GET", "/operations").status == 404
    assert api("GET", "/operations/k/more").status == 404


def test_any_message_may_merge_and_demand_a_version(rainmaker: Api, worker: Worker, rejected: RecordingSQS) -> None:
    """What operations need of the language of messages is there for every producer."""
    of_book = {"collection": "books", "key": RAINMAKER_KEY}
    merge = {"op": "merge", **of_book, "patch": {"Category": None, "Formats": {"Paperback": None}}}
    assert worker(sqs_record({**merge, "if_match": rainmaker("GET", RAINMAKER).etag.strip('"')})) == []
    book = rainmaker("GET", RAINMAKER).json
    assert ("Category" in book, book["Formats"]) == (False, {"Hardcover": BOOK["Formats"]["Hardcover"]})  # type: ignore[index]

    refused = [
        {**merge, "if_match": "stale"},
        {"op": "put", "collection": "books", "item": RAINMAKER_KEY, "if_none_match": "*"},
        {"op": "put", "collection": "books", "item": RAINMAKER_KEY, "if_none_match": "stale"},
        {"op": "merge", **of_book, "patch": {"Nowhere": 1, "Stock": "many"}},
        {"op": "merge", **of_book},
    ]
    assert worker(*map(sqs_record, refused)) == []
    assert rejected.attribute("Reason") == [
        "ConditionFailed: the condition is not met",
        "ConditionFailed: the condition is not met",
        "InvalidRequest: if_none_match: Input should be '*'",
        "InvalidItem: patch Nowhere: unknown attribute",
        "InvalidRequest: patch: Field required",
    ]
    assert rainmaker("GET", RAINMAKER).json == book
