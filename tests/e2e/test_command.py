"""`surewrite`, the command, beside `make serve`."""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from local import aws
from local.resources import Resources
from surewrite.cli import main
from tests.e2e.test_serve import ask
from tests.serving import Serving, eventually, serving

THOROUGH = bool(os.environ.get("THOROUGH"))
KEY = {"Author": "John Grisham", "Title": "The Rainmaker"}
PATH = "/books/John%20Grisham/The%20Rainmaker"


@pytest.fixture(scope="module")
def running(bookstore: Path) -> Iterator[Serving]:
    with serving(template=bookstore) as running:
        yield running


@pytest.fixture(scope="module")
def resources(running: Serving) -> Resources:
    return Resources.from_json(ask(running, "GET", "/_local/resources").json)


@pytest.fixture(autouse=True)
def nothing_waits(resources: Resources) -> Iterator[None]:
    yield
    for url in resources.queues.values():
        aws.sqs_client(resources.sqs).purge_queue(QueueUrl=url)


def variables(running: Serving) -> dict[str, str]:
    return {"SUREWRITE_STACK": running.url, "SUREWRITE_MODELS": "tests.models:BOOKSTORE", "COLUMNS": "120"}


def started(running: Serving, *arguments: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, **variables(running), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-m", "surewrite.cli", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def surewrite(running: Serving, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What it prints on stdout and on stderr."""
    printed, said = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed), redirect_stderr(said):
        patch.setattr(sys, "argv", ["surewrite", *arguments])
        patch.setattr("surewrite.sqs.waiting.WAIT_SECONDS", 0)  # there is but one server
        for name, value in variables(running).items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
    assert (ended.value.code or 0) == code, (printed.getvalue(), said.getvalue())
    return printed.getvalue(), said.getvalue()


def rows(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines()]


def count(resources: Resources, queue: str, kind: str = "") -> int:
    name = f"ApproximateNumberOfMessages{kind}"
    found = aws.sqs_client(resources.sqs).get_queue_attributes(
        QueueUrl=resources.queues[queue],
        AttributeNames=[name],  # type: ignore[list-item]
    )
    return int(found["Attributes"][name])  # type: ignore[index]


def reject(running: Serving, resources: Resources, many: int) -> None:
    """So many additions wait that are to be made as soon as the book is a thriller."""
    ask(running, "PUT", PATH, {"Category": "Suspense"})
    sqs = aws.sqs_client(resources.sqs)
    for start in range(0, many, 10):
        bodies = [
            json.dumps(
                {
                    "op": "update",
                    "collection": "books",
                    "key": KEY,
                    "add": {"Views": 1},
                    "when": {"Category": {"eq": "Thriller"}},
                }
            )
        ] * min(10, many - start)
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
        sqs.send_message_batch(QueueUrl=resources.queues["WritesQueue"], Entries=entries)  # type: ignore[arg-type]
    assert eventually(lambda: count(resources, "RejectedQueue") == many)


def views(running: Serving) -> int:
    found: int = ask(running, "GET", f"{PATH}?consistent").json["Views"]
    return found


def test_a_message_is_sent_once_under_its_key(running: Serving) -> None:
    ask(running, "PUT", PATH, {"Category": "Suspense"})
    message = json.dumps({"op": "update", "collection": "books", "key": KEY, "add": {"Views": 1}})
    (sent,) = rows(surewrite(running, "send", message, "--json")[0])
    surewrite(running, "send", message, "--key", sent["key"])
    assert eventually(lambda: views(running) == 1)
    (known,) = rows(surewrite(running, "key", "show", sent["key"], "--json")[0])
    assert (known["status"], known["scope"], known["shares_record"]) == ("applied", "queue:WritesQueue", True)
    assert views(running) == 1


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("{", "not JSON"),
        ("[]", "an object is needed"),
        ('{"op":"delete","collection":"books","key":{"Author":"John Grisham"}}', "key Title: the sort key is missing"),
        ('{"op":"put","collection":"nowhere","item":{}}', "unknown collection"),
    ],
)
def test_what_the_worker_would_reject_is_not_sent(running: Serving, message: str, line: str) -> None:
    printed, said = surewrite(running, "send", message, code=1)
    assert printed == ""
    assert said.startswith("surewrite: ")
    assert line in said
    assert len(said.splitlines()) == 1


def test_a_key_of_which_nothing_is_known(running: Serving) -> None:
    printed, said = surewrite(running, "key", "show", "nobody's", code=1)
    assert printed == ""
    assert said.startswith("nothing")


def test_what_waits_is_listed_shown_and_discarded(running: Serving, resources: Resources) -> None:
    reject(running, resources, 3)
    surewrite(running, "send", '{"op":"delete","collection":"books","key":{"Author":"A","Title":"T"},"if_match":"x"}')
    assert eventually(lambda: count(resources, "RejectedQueue") == 4)
    listed = rows(surewrite(running, "rejected", "list", "--json")[0])  # of all queues
    assert {row["queue"] for row in listed} == {"RejectedQueue"}
    assert {row["from"] for row in listed} == {"WritesQueue"}
    unmet = [row for row in listed if row["reason"].startswith("ConditionFailed")]
    assert len(listed) == 4
    assert unmet
    table, _ = surewrite(running, "rejected", "list", "--queue", "RejectedQueue")
    assert "ConditionFailed" in table
    (shown,) = rows(surewrite(running, "rejected", "show", unmet[0]["message_id"], "--json")[0])
    assert shown["attributes"]["IdempotencyKey"] == unmet[0]["key"]
    assert json.loads(shown["body"])["collection"] == "books"

    for arguments, remain in (
        (["--reason", "InvalidItem", "--yes"], 4),
        (["--older-than", "1h", "--yes"], 4),
        ([], 4),
        (["--id", unmet[0]["message_id"], "--yes"], 3),
        (["--newer-than", "1h", "--yes"], 0),
    ):
        surewrite(running, "rejected", "discard", "--queue", "RejectedQueue", *arguments)
        assert count(resources, "RejectedQueue") + count(resources, "RejectedQueue", "NotVisible") == remain, arguments
    assert surewrite(running, "rejected", "list", "--queue", "RejectedQueue") == ("", "nothing waits\n")


def test_a_redrive_that_is_killed_applies_each_message_once(running: Serving, resources: Resources) -> None:
    many = 1000 if THOROUGH else 200
    reject(running, resources, many)
    ask(running, "PATCH", PATH, {"set": {"Category": "Thriller"}})
    redrive = ("rejected", "redrive", "--queue", "RejectedQueue", "--yes", "--hold", "2")
    for part in (0.8, 0.4):
        process = started(running, *redrive, "--rate", str(many / 2))
        assert eventually(lambda left=many * part: count(resources, "RejectedQueue") < left)  # type: ignore[misc]
        process.kill()
        process.communicate()
    time.sleep(2.1)  # what the killed ones held is shown again
    (result,) = rows(surewrite(running, *redrive, "--json")[0])
    assert result["failed"] == 0
    assert count(resources, "RejectedQueue") + count(resources, "RejectedQueue", "NotVisible") == 0
    assert eventually(lambda: views(running) == many)
    assert count(resources, "WritesQueue") == 0


def test_what_is_rejected_again_is_not_redriven_for_ever(running: Serving, resources: Resources) -> None:
    reject(running, resources, 20)
    (result,) = rows(surewrite(running, "rejected", "redrive", "--queue", "RejectedQueue", "--yes", "--json")[0])
    assert result == {"queue": "RejectedQueue", "redriven": 20, "kept": 0, "failed": 0}
    assert eventually(lambda: count(resources, "RejectedQueue") == 20)


def test_a_load_that_is_killed_writes_each_item_once(running: Serving, resources: Resources, tmp_path: Path) -> None:
    """Each item that is there when it is killed is changed; were it written again, that would be lost."""
    many = 100_000 if THOROUGH else 12_000
    file = tmp_path / "products.jsonl"
    file.write_text("".join(json.dumps({"Id": 10_000 + number}) + "\n" for number in range(many)) + "oops\n")
    dynamodb, table = aws.dynamodb_client(resources.dynamodb), resources.tables["ProductCatalog"]

    def there() -> list[dict[str, Any]]:
        pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    for part in (0.2, 0.6):
        process = started(running, "load", str(file), "--collection", "products")
        assert eventually(lambda least=many * part: len(there()) > least)  # type: ignore[misc]
        process.kill()
        process.communicate()
        for item in there()[:100]:
            increment = {":one": {"N": "1"}}
            dynamodb.update_item(
                TableName=table,
                Key={"Id": item["Id"]},
                UpdateExpression="ADD Seen :one",
                ExpressionAttributeValues=increment,
            )
    (loaded,) = rows(surewrite(running, "load", str(file), "-c", "products", "--json", code=1)[0])
    assert (loaded["written"] + loaded["known"], loaded["bad"]) == (many, 1)
    assert rows(Path(loaded["bad_lines"]).read_text()) == [
        {"line": many + 1, "reason": "not JSON: Expecting value at line 1, column 1", "text": "oops"}
    ]
    items = there()
    assert len(items) == many
    assert sum(int(item.get("Seen", {"N": "0"})["N"]) for item in items) == 200

    dumped, said = surewrite(running, "dump", "-c", "products")
    assert sorted(row["Id"] for row in rows(dumped)) == list(range(10_000, 10_000 + many))
    assert said.endswith(f"{many:,} items\n")


def test_nothing_is_wrong_with_what_make_serve_runs(running: Serving) -> None:
    printed, said = surewrite(running, "doctor")
    assert printed == ""
    assert said.startswith("nothing is wrong")


def test_errors_are_one_line(running: Serving) -> None:
    for arguments, line in (
        (["rejected", "list", "--older-than", "soon"], "soon is no age"),
        (["rejected", "list", "--queue", "WritesQueue"], "--queue WritesQueue"),
        (["doctor", "--models", "nowhere:MODELS"], "--models nowhere:MODELS"),
        (["doctor", "--stack", "http://127.0.0.1:9"], "there is no stack"),
        (["rejected", "show", "x", "--queue", "RejectedQueue"], "no message x"),
        (["rejected", "redrive", "--to", "WritesQueue"], "--to is for the messages of one --queue"),
        (["load", "nowhere.jsonl", "-c", "products"], "nowhere.jsonl: No such file or directory"),
        (["load", "README.md", "-c", "magazines"], "unknown collection"),
    ):
        _, said = surewrite(running, *arguments, code=1)
        assert line in said
        assert len(said.splitlines()) == 1
