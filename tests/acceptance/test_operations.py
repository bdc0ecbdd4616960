"""Asynchronous writes from end to end: the API's handler, the message, the worker's handler, the operation."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from surewrite.testing import Crash, RecordingSQS, client_error, sqs_record
from tests.acceptance.harness import BOOK, RAINMAKER, RAINMAKER_KEY, STORED_BOOK, Answer, Api, Store, Worker

ASYNC = "respond-async"
ALICE = {"jwt": {"claims": {"iss": "https://issuer.example", "sub": "alice"}}}
BOB = {"jwt": {"claims": {"iss": "https://issuer.example", "sub": "bob"}}}


class Line:
    """The queue of operations between the two handlers."""

    def __init__(self, store: Store, sqs: RecordingSQS) -> None:
        variables = store.environment("WorkerFunction")
        self.name = variables["OPERATIONS_QUEUE"]
        self.url = store.environment("ApiFunction")["OPERATIONS_QUEUE_URL"]
        self.rejected_url = variables["REJECTED_OPERATIONS_QUEUE_URL"]
        self.sqs = sqs
        self._received = 0

    def _sent_to(self, url: str) -> list[dict[str, Any]]:
        return [entry for entry in self.sqs.messages if entry["QueueUrl"] == url]

    @property
    def sent(self) -> list[dict[str, Any]]:
        return self._sent_to(self.url)

    @property
    def rejected(self) -> list[dict[str, Any]]:
        return self._sent_to(self.rejected_url)

    def receive(self) -> list[dict[str, Any]]:
        """The records of what was sent since the last time."""
        new = self.sent[self._received :]
        self._received += len(new)
        return [sqs_record(entry["MessageBody"], queue=self.name) for entry in new]


@pytest.fixture
def line(store: Store, sqs: RecordingSQS) -> Line:
    return Line(store, sqs)


def status(api: Api, key: str, **options: Any) -> Any:
    answer = api("GET", f"/operations/{quote(key, safe='')}", **options)
    assert answer.status in (200, 404), answer
    return answer.json["status"]


def accepted(answer: Answer, key: str) -> None:
    assert answer.status == 202, answer
    assert answer.headers["location"] == f"/operations/{quote(key, safe='')}"
    assert answer.headers["preference-applied"] == "respond-async"
    assert answer.json == {"status": "pending"}


REQUESTS: dict[str, tuple[Any, ...]] = {
    "put": ("PUT", RAINMAKER, '{"Category": "Law", "Price": 12.34567890123456789012345, "Tags": ["b", "a"]}'),
    "update": (
        "PATCH",
        RAINMAKER,
        {"set": {"Formats.Audiobook": "8WE3KPTP"}, "remove": ["Price"], "add": {"Views": 2}},
    ),
    "conditional": (
        "PATCH",
        RAINMAKER,
        {"set": {"Stock": 3}, "when": {"Stock": {"eq": 0}}, "return_values": "ALL_OLD"},
    ),
    "counter": ("POST", f"{RAINMAKER}/counters/Views", {"by": 5}),
    "counter without a body": ("POST", f"{RAINMAKER}/counters/Views"),
    "counter under a condition": ("POST", f"{RAINMAKER}/counters/Views", {"when": {"Views": {"eq": 0}}}),
    "delete": ("DELETE", RAINMAKER),
    "delete under a condition": ("DELETE", RAINMAKER, {"when": {"Stock": {"eq": 0}}}),
}
MERGE = ("PATCH", RAINMAKER, {"Category": None, "Formats": {"Hardcover": None, "Ebook": "E5UZKQ2M"}})
KINDS: dict[str, tuple[tuple[Any, ...], dict[str, str]]] = {
    **{name: (request, {}) for name, request in REQUESTS.items()},
    "merge patch": (MERGE, {"content_type": "application/merge-patch+json"}),
    "if there is one": (REQUESTS["update"], {"if_match": "*"}),
    "merge if there is one": (MERGE, {"content_type": "application/merge-patch+json", "if_match": "*"}),
    "counter if there is one": (REQUESTS["counter under a condition"], {"if_match": "*"}),
    "delete if there is one": (REQUESTS["delete"], {"if_match": "*"}),
    "minimal": (REQUESTS["counter"], {"prefer": "return=minimal"}),
    "as its query says": (("PATCH", f"{RAINMAKER}?return_values=UPDATED_OLD", {"add": {"Views": 2}}), {}),
}


def preferring(headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "prefer": ", ".join(filter(None, [ASYNC, headers.get("prefer")]))}


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


INVALID: list[tuple[tuple[Any, ...], dict[str, str]]] = [
    (("PUT", RAINMAKER, {"Stock": -1, "Nowhere": 1}), {}),
    (("PUT", RAINMAKER, {"Author": "Somebody"}), {}),
    (("PUT", RAINMAKER, {"Category": "x" * 410_000}), {}),
    (("PUT", RAINMAKER, '{"Category"'), {}),
    (("PUT", RAINMAKER, BOOK), {"if_match": "weak"}),
    (("PUT", RAINMAKER, BOOK), {"content_type": "text/plain"}),
    (("PUT", f"{RAINMAKER}?return_values=UPDATED_NEW", BOOK), {}),
    (("PUT", f"{RAINMAKER}?return_consumed_capacity=ALL", BOOK), {}),
    (("PATCH", f"{RAINMAKER}?nowhere=1", {"add": {"Views": 2}}), {}),
    (("PATCH", RAINMAKER, {}), {}),
    (("PATCH", RAINMAKER, {"set": {"Author": "x", "Views": "many"}}), {}),
    (("PATCH", RAINMAKER, {"set": {"Stock": 1}, "op": "delete"}), {}),
    (("PATCH", RAINMAKER, {"set": {"Stock": 1}, "when": {"Nowhere": {"eq": 1}}}), {}),
    (("PATCH", RAINMAKER, {"Stock": "many"}), {"content_type": "application/merge-patch+json"}),
    (("PATCH", "/nowhere/1", {"set": {"Stock": 1}}), {}),
    (("POST", f"{RAINMAKER}/counters/Category"), {}),
    (("POST", f"{RAINMAKER}/counters/Views", {"by": "many"}), {}),
    (("DELETE", RAINMAKER, {"return_values": "ALL_NEW"}), {}),
    (("DELETE", "/products/snow"), {}),
]


@pytest.mark.parametrize(("request_", "headers"), INVALID)
def test_refused_as_a_synchronous_request_is(
    rainmaker: Api, line: Line, request_: tuple[Any, ...], headers: dict[str, str]
) -> None:
    """By the same status and the same problem; nothing is marked and nothing is queued."""
    tables = rainmaker.store.tables()
    expected = rainmaker(*request_, idempotency_key="k", **headers)
    answer = rainmaker(*request_, idempotency_key="k", prefer=ASYNC, **headers)
    assert expected.status in (400, 404, 413, 415, 422)
    assert (answer.status, answer.body) == (expected.status, expected.body)
    assert (rainmaker.store.tables(), line.sent) == (tables, [])


@pytest.mark.parametrize("prefer", [ASYNC, f"{ASYNC};x=y", f"wait=10, {ASYNC}", "Respond-Async", f'a="b,c" ,{ASYNC}'])
def test_ways_to_prefer_it(rainmaker: Api, line: Line, prefer: str) -> None:
    accepted(rainmaker(*REQUESTS["counter"], idempotency_key="k", prefer=prefer), "k")
    assert len(line.sent) == 1


@pytest.mark.parametrize("prefer", ["", "respond-asynchronously", f'x="{ASYNC}"', f'x=",{ASYNC},"', f"{ASYNC}=no", '"'])
def test_what_does_not_prefer_it(rainmaker: Api, line: Line, prefer: str) -> None:
    answer = rainmaker(*REQUESTS["counter"], idempotency_key="k", prefer=prefer)
    assert (answer.status, answer.json, line.sent) == (200, {"Views": 5}, [])


def test_without_a_key_it_is_answered_at_once(rainmaker: Api, line: Line) -> None:
    """A preference may be ignored (RFC 7240): without a key there would be nothing to ask for."""
    answer = rainmaker(*REQUESTS["counter"], prefer=ASYNC)
    assert (answer.status, answer.json, line.sent) == (200, {"Views": 5}, [])
    assert "preference-applied" not in answer.headers
    assert rainmaker("GET", RAINMAKER, prefer=ASYNC, idempotency_key="k").status == 200


@pytest.mark.parametrize(
    "key", ["a/b", "100%", "key with spaces", '"quoted \\" key"', "~", "019b76da-a807-744a-ac5b-90fef52cff37"]
)
def test_the_location_is_followed(rainmaker: Api, worker: Worker, line: Line, key: str) -> None:
    answer = rainmaker(*REQUESTS["counter"], idempotency_key=key, prefer=ASYNC)
    assert answer.status == 202
    assert rainmaker("GET", answer.headers["location"]).json["status"] == "pending"
    assert worker(*line.receive()) == []
    assert rainmaker("GET", answer.headers["location"]).json["attributes"] == {"Views": 5}


def test_numbers_and_binary_keys_arrive_exactly(api: Api, worker: Worker, line: Line, store: Store) -> None:
    digits = "12345678901234567890.123456789012345678"
    api("PUT", "/products/601", f'{{"Price": {digits}}}', idempotency_key="k", prefer=ASYNC)
    assert worker(*line.receive()) == []
    assert digits.encode() in api("GET", "/products/601").body
    assert digits.encode() in api("GET", "/operations/k").body
    api("POST", "/products/601/counters/QuantityOnHand", idempotency_key="c", prefer=ASYNC)
    assert worker(*line.receive()) == []
    assert api("GET", "/products/601").json["QuantityOnHand"] == 1


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
