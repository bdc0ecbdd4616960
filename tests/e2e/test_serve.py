"""`make serve` as a user meets it: real HTTP, real SQS with duplicated messages, Ctrl-C."""

import http.client
import json
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local import aws
from local.resources import Resources
from tests import serving as serve
from tests.serving import Serving, listening, serving

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

RAINMAKER = "/books/John%20Grisham/The%20Rainmaker"
KEY = {"Author": "John Grisham", "Title": "The Rainmaker"}
BOOK = {"Category": "Suspense", "Formats": {"Hardcover": "J4SUKVGU", "Paperback": "D7YF4FCX"}}
AUDIOBOOK = {"set": {"Formats.Audiobook": "8WE3KPTP"}, "return_values": "ALL_NEW"}
POISON = ["not JSON", json.dumps({"op": "update", "collection": "nowhere", "key": KEY, "add": {"Views": 1}})]


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture(scope="module")
def running(bookstore: Path) -> Iterator[Serving]:
    with serving(command=["make", "serve", "PORT=0"], template=bookstore) as running:
        yield running


@pytest.fixture(scope="module")
def resources(running: Serving) -> Resources:
    return Resources.from_json(ask(running, "GET", "/_local/resources").json)


@pytest.fixture(scope="module")
def sqs(resources: Resources) -> "SQSClient":
    return aws.sqs_client(resources.sqs)


def ask(running: Serving, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    connection = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=30)
    sent = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def send(sqs: "SQSClient", url: str, bodies: list[str]) -> None:
    for start in range(0, len(bodies), 10):
        entries: Any = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[start : start + 10])]
        assert not sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")


def waiting(sqs: "SQSClient", url: str) -> int:
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(map(int, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))


eventually = partial(serve.eventually, seconds=60)


def test_a_repeated_request_is_answered_and_not_repeated(running: Serving) -> None:
    created = ask(running, "PUT", RAINMAKER, BOOK)
    assert created.status == 201, created.body

    first = ask(running, "PATCH", RAINMAKER, AUDIOBOOK, Idempotency_Key="rainmaker-1")
    assert first.status == 200, first.body
    assert first.json["Formats"] == {**BOOK["Formats"], "Audiobook": "8WE3KPTP"}  # type: ignore[dict-item]
    assert "Idempotency-Replayed" not in first.headers

    again = ask(running, "PATCH", RAINMAKER, AUDIOBOOK, Idempotency_Key="rainmaker-1")
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"

    other = ask(running, "PATCH", RAINMAKER, {"set": {"Category": "Law"}}, Idempotency_Key="rainmaker-1")
    assert other.status == 422
    assert other.headers.get_content_type() == "application/problem+json"
    assert ask(running, "GET", RAINMAKER).json["Category"] == "Suspense"


def test_what_no_route_takes_is_a_problem(running: Serving) -> None:
    lost = ask(running, "GET", "/")
    assert lost.status == 404
    assert lost.headers.get_content_type() == "application/problem+json"


def test_duplicated_messages_count_once(running: Serving, resources: Resources, sqs: "SQSClient") -> None:
    path = "/books/Anna%20Counts/Once%20and%20Again"
    key = {"Author": "Anna Counts", "Title": "Once and Again"}
    assert ask(running, "PUT", path, {}).status == 201
    messages = [
        json.dumps(
            {"op": "update", "collection": "books", "key": key, "add": {"Views": 1}, "idempotency_key": f"m-{n}"}
        )
        for n in range(200)
    ]
    everything = [*messages, *messages[:100], *POISON]
    random.Random(1).shuffle(everything)  # noqa: S311

    send(sqs, resources.queues["WritesQueue"], everything)

    assert eventually(lambda: waiting(sqs, resources.queues["WritesQueue"]) == 0), running.output
    assert ask(running, "GET", path).json["Views"] == 200
    assert sorted(rejected(sqs, resources)) == sorted(POISON)


def rejected(sqs: "SQSClient", resources: Resources) -> Iterator[str]:
    url = resources.queues["RejectedQueue"]
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages"):
        yield from (message["Body"] for message in messages)


def test_a_group_keeps_its_order(running: Serving, resources: Resources, sqs: "SQSClient") -> None:
    path = "/books/Otto%20Order/In%20a%20Row"
    key = {"Author": "Otto Order", "Title": "In a Row"}
    url = resources.queues["OrderedWritesQueue"]
    assert ask(running, "PUT", path, {}).status == 201
    for n in range(15):
        body = {"op": "update", "collection": "books", "key": key, "set": {"Category": f"{n}"}}
        sqs.send_message(
            QueueUrl=url, MessageBody=json.dumps(body), MessageGroupId="otto", MessageDeduplicationId=f"otto-{n}"
        )
    assert eventually(lambda: waiting(sqs, url) == 0), running.output
    assert ask(running, "GET", path).json["Category"] == "14"


def test_asynchronous_writes_become_operations(running: Serving, resources: Resources, sqs: "SQSClient") -> None:
    """Accepted over HTTP, committed by the worker, and one effect for a key whichever way it is sent again."""
    path, minimal = "/books/Clara%20Clicks/Behind%20HTTP", "respond-async, return=minimal"
    assert ask(running, "PUT", path, {}).status == 201

    def click(number: int) -> Answer:
        return ask(running, "POST", f"{path}/counters/Views", Idempotency_Key=f"click {number}", Prefer=minimal)

    answers = [click(number) for number in range(60)] + [click(number) for number in range(20)]
    assert {answer.status for answer in answers} <= {202, 204}
    assert {answer.headers["Preference-Applied"] for answer in answers if answer.status == 202} == {"respond-async"}
    locations = [answer.headers["Location"] for answer in answers[:60]]
    assert locations[7] == "/operations/click%207"
    assert eventually(lambda: all(operation(running, one) == {"status": "applied"} for one in locations)), (
        running.output
    )
    assert ask(running, "GET", path).json["Views"] == 60
    assert click(0).headers["Idempotency-Replayed"] == "true"

    sold_out = ask(running, "PATCH", path, {"add": {"Stock": -1}}, Idempotency_Key="sale", Prefer="respond-async")
    assert (sold_out.status, sold_out.headers["Location"]) == (202, "/operations/sale")
    reason = "InvalidItem: Stock: Input should be greater than or equal to 0"
    assert eventually(lambda: operation(running, "/operations/sale") == {"status": "rejected", "reason": reason})
    url = resources.queues["RejectedOperationsQueue"]
    (copy,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MessageAttributeNames=["All"])["Messages"]
    assert copy["MessageAttributes"]["Reason"]["StringValue"] == reason

    # an operator moves it back, once there is one in stock
    assert ask(running, "PATCH", path, {"set": {"Stock": 1}}).status == 200
    sqs.send_message(QueueUrl=resources.queues["OperationsQueue"], MessageBody=copy["Body"])
    assert eventually(lambda: operation(running, "/operations/sale")["status"] == "applied")
    assert operation(running, "/operations/sale")["attributes"]["Stock"] == 0
    assert ask(running, "GET", "/operations/nothing").status == 404


def operation(running: Serving, location: str) -> Any:
    return ask(running, "GET", location).json


def test_a_large_request_fits_into_a_message(running: Serving) -> None:
    path = "/books/Lara%20Large/All%20of%20It"
    text = "\u0001" * 150_000  # 900,000 bytes in the message
    large = ask(
        running, "PUT", path, {"Category": text}, Idempotency_Key="large", Prefer="respond-async, return=minimal"
    )
    assert large.status == 202, large.body
    assert eventually(lambda: operation(running, "/operations/large")["status"] == "applied"), running.output
    assert ask(running, "GET", path).json["Category"] == text
    larger = ask(
        running, "PUT", path, {"Category": "\u0001" * 200_000}, Idempotency_Key="larger", Prefer="respond-async"
    )
    assert (larger.status, larger.json["title"]) == (413, "Content Too Large")


def test_ctrl_c_leaves_nothing_behind() -> None:
    with serving(command=["make", "serve", "PORT=0"]) as running:
        resources = Resources.from_json(ask(running, "GET", "/_local/resources").json)
        running.interrupt()
        assert "stopped" in running.output
        assert "Traceback" not in running.output
        assert not any(map(listening, (running.url, resources.dynamodb, resources.sqs)))
