"""What a function writes to stdout: structured logs without a payload, and metrics in the embedded format."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surewrite.testing import sqs_record
from tests.acceptance.harness import RAINMAKER, ROOT, Api, Event, Store, add

# Stands wherever a client can put a value or a name.
SENTINEL = "s3ntinel"

PATCHES: list[Any] = [
    {"set": {"Category": SENTINEL, f"Formats.{SENTINEL}": SENTINEL}, "add": {"Tags": [SENTINEL]}},
    {"set": {SENTINEL: 1}},
    {"set": {"Views": SENTINEL}},
    {"add": {"Stock": -1}},
    {"add": {"Views": 1}, "when": {"Category": {"eq": f"no {SENTINEL}"}}},
    {SENTINEL: SENTINEL},
    SENTINEL,
]


def run(store: Store, function: str, events: list[Event], **variables: str) -> tuple[list[Any], list[Any]]:
    """The log lines and the answers."""
    path = os.pathsep.join(map(str, [ROOT, *store.definition.functions[function].layers]))
    process = subprocess.run(
        [sys.executable, "-m", "tests.acceptance.invoke", function],
        cwd=ROOT,
        input=json.dumps(events),
        env={**os.environ, **store.environment(function), "PYTHONPATH": path, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode == 0, process.stderr
    assert SENTINEL not in process.stdout
    lines = [json.loads(line) for line in process.stdout.splitlines()]
    return lines, [json.loads(line) for line in process.stderr.splitlines()]


def metrics(lines: list[Any]) -> dict[str, float]:
    """The sums of the embedded metrics."""
    sums: dict[str, float] = {}
    for line in lines:
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            assert directive["Namespace"] == "surewrite/local"
            for metric in directive["Metrics"]:
                assert metric["Unit"] == "Count"
                sums[metric["Name"]] = sums.get(metric["Name"], 0) + sum(line[metric["Name"]])
    return sums


def logs(lines: list[Any]) -> list[Any]:
    return [line for line in lines if "message" in line]


def requests(api: Api) -> list[Event]:
    path = f"/books/{SENTINEL}/{SENTINEL}"
    events = [
        api.event("PATCH", path, body, idempotency_key=f"{SENTINEL}-{number}", x_note=SENTINEL)
        for number, body in enumerate(PATCHES)
    ]
    return [
        api.event("PUT", path, {"Category": SENTINEL, "Formats": {}}),
        *events,
        events[0],
        api.event("GET", f"{path}?fields={SENTINEL}"),
        api.event("GET", f"/{SENTINEL}/{SENTINEL}"),
        api.event("PATCH", path, SENTINEL, content_type=f"text/{SENTINEL}"),
    ]


def test_the_api_logs_no_payload(store: Store, api: Api) -> None:
    events = requests(api)
    lines, answers = run(store, "ApiFunction", events)
    statuses = [answer["statusCode"] for answer in answers]
    assert statuses == [201, 200, 422, 422, 422, 412, 400, 400, 200, 400, 404, 415]
    assert metrics(lines) == {"Applied": 2, "Rejected": 2, "Replayed": 1}
    done = logs(lines)
    assert [line["status"] for line in done] == statuses
    assert [line["correlation_id"] for line in done] == [event["requestContext"]["requestId"] for event in events]
    assert {line["service"] for line in lines} == {"surewrite-api"}


def test_an_unforeseen_failure_is_logged_without_its_message(store: Store, api: Api) -> None:
    lines, answers = run(store, "ApiFunction", requests(api)[:2], BOOKS_TABLE=f"no-{SENTINEL}")
    assert [answer["statusCode"] for answer in answers] == [500, 500]
    assert metrics(lines) == {"Failed": 2}
    failures = [line for line in logs(lines) if line["level"] == "ERROR"]
    assert [line["error"] for line in failures] == ["CallFailed"] * 2
    assert [(line["code"], line["operation"]) for line in failures] == [
        ("ResourceNotFoundException", "PutItem"),
        ("ResourceNotFoundException", "BatchGetItem"),
    ]
    assert all(line["places"] for line in failures)


def test_a_denied_call_is_named(rainmaker: Api, caplog: pytest.LogCaptureFixture) -> None:
    """A role without the permission: the operator reads which one."""

    def denied(operation: str, request: Any, /) -> dict[str, Any]:
        response: Any = {"Error": {"Code": "AccessDeniedException", "Message": f"not authorized: {SENTINEL}"}}
        raise ClientError(response, operation)

    rainmaker.module.db.session.transport = denied
    caplog.clear()
    assert rainmaker("DELETE", RAINMAKER).status == 500
    failed = next(record.__dict__ for record in caplog.records if record.levelname == "ERROR")
    assert (failed["error"], failed["code"], failed["operation"]) == (
        "CallFailed",
        "AccessDeniedException",
        "DeleteItem",
    )
    assert SENTINEL not in caplog.text


@pytest.mark.parametrize("name", ["Id", "ID"])
@pytest.mark.parametrize("key", [{}, {"idempotency_key": "k"}], ids=["plain", "keyed"])
def test_a_table_with_another_key_is_our_own_fault(
    store: Store, caplog: pytest.LogCaptureFixture, name: str, key: dict[str, str]
) -> None:
    """The client's request is as the model wants it."""
    table = store.names["ProductCatalog"]
    store.client.delete_table(TableName=table)
    store.client.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": name, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    api = Api(store)
    minimal = {**key, "prefer": "return=minimal"}
    answers = [
        api("GET", "/products/601"),
        *(api("PUT", "/products/601", {}, **headers) for headers in (key, minimal)),
        *(api("PATCH", "/products/601", {"set": {"Price": 1}}, **headers) for headers in (key, minimal)),
        *(api("DELETE", "/products/601", **headers) for headers in (key, minimal)),
    ]
    assert [answer.status for answer in answers] == [500] * 7
    failed = [record.__dict__["code"] for record in caplog.records if record.levelname == "ERROR"]
    assert failed == ["the table's key is not its model's"] * 7


def test_the_worker_logs_no_payload(store: Store) -> None:
    key = {"Author": SENTINEL, "Title": SENTINEL}
    bodies = [{"op": "update", "collection": "books", "key": key, **body} for body in PATCHES if isinstance(body, dict)]
    batch = [sqs_record(body, attributes={"IdempotencyKey": f"{SENTINEL}-{n}"}) for n, body in enumerate(bodies)]
    batch += [sqs_record(SENTINEL), sqs_record(add("Views", 1, SENTINEL)), sqs_record(add("Views", 1, SENTINEL))]
    put = sqs_record({"op": "put", "collection": "books", "item": {**key, "Formats": {}}})
    lines, answers = run(store, "WorkerFunction", [{"Records": [put, *batch]}, {"Records": batch[:1]}])
    assert answers == [{"batchItemFailures": []}] * 2
    assert metrics(lines) == {"Applied": 3, "Replayed": 2, "Rejected": 6, "Retried": 0}
    rejected = [line for line in logs(lines) if line["message"] == "message rejected"]
    assert {line["message_id"] for line in rejected} == {record["messageId"] for record in batch[1:7]}
    errors = {"InvalidUpdate", "InvalidItem", "ConditionFailed", "InvalidRequest", "InvalidJSON"}
    assert {line["error"] for line in rejected} == errors
    assert all(line["correlation_id"] for line in logs(lines))


def test_what_is_to_be_retried_is_counted(store: Store) -> None:
    batch = [sqs_record(add("Views", 1)), sqs_record(add("Views", 1))]
    lines, answers = run(store, "WorkerFunction", [{"Records": batch}], LEDGER_TABLE=f"no-{SENTINEL}")
    assert len(answers[0]["batchItemFailures"]) == 2
    assert metrics(lines) == {"Applied": 0, "Replayed": 0, "Rejected": 0, "Retried": 2}
    retried = [line for line in logs(lines) if line["message"] == "message will be retried"]
    assert [line["message_id"] for line in retried] == [record["messageId"] for record in batch]
