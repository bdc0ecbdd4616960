"""`make scaffold`: another domain takes the bookstore's place, and everything that depends on the models is written."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local import models, template
from local.scaffold.command import run, scaffold
from local.template import TemplateError
from surewrite import Item, PartitionKey
from surewrite.testing import RecordingSQS, create_tables
from tests import theatre
from tests.acceptance.harness import ROOT, Api, Store, Worker

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TEMPLATE = (ROOT / "template.yaml").read_text()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A copy of template.yaml whose functions are those of the repository."""
    path = tmp_path / "template.yaml"
    path.write_text(re.sub(r"(CodeUri|ContentUri): ", rf"\1: {ROOT}/", TEMPLATE))
    return path


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "examples.json"
    path.write_text((ROOT / "functions/api/examples.json").read_text())
    return path


@pytest.fixture
def theatre_stack(path: Path, kept: Path) -> Path:
    scaffold(path, theatre.MODELS, kept).write()
    return path


def test_it_says_what_it_writes_and_the_second_time_there_is_nothing(path: Path, kept: Path) -> None:
    made = scaffold(path, theatre.MODELS, kept)
    assert made.stale == [
        "template.yaml: variables, tables, tables and indexes, table resources, table names, dashboard, outputs",
        "events/seats",
        "events/bookings",
        "examples.json",
    ]
    made.write()
    again = scaffold(path, theatre.MODELS, kept)
    assert (again.stale, again.files) == ([], {})


def test_the_tables_are_those_of_the_models(theatre_stack: Path) -> None:
    definition = template.read(theatre_stack)
    models.check(theatre.MODELS, definition.tables)
    assert definition.tables.keys() == {"Seats", "Bookings", "Ledger"}
    assert definition.tables["Seats"].key == {"performance": "S", "number": "N"}
    assert definition.tables["Seats"].index_keys("ByState", local=False) == ["state", "row"]
    assert definition.tables["Bookings"].ttl == "expires_at"
    linted = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), theatre_stack], capture_output=True, text=True, check=False
    )
    assert (linted.returncode, linted.stdout) == (0, "")


def test_what_stands_outside_of_the_marks_stays(theatre_stack: Path) -> None:
    def outside(text: str) -> str:
        return re.sub(r"(# models: (.+)\n)(?:.*\n)*?( *# end of models: \2\n)", r"\1\3", text)

    assert outside(theatre_stack.read_text()).replace(f"{ROOT}/", "") == outside(TEMPLATE)


def test_a_table_keeps_what_its_model_does_not_decide(path: Path, kept: Path) -> None:
    stream = "      StreamSpecification: {StreamViewType: NEW_IMAGE}\n"
    own = path.read_text()
    path.write_text(
        own.replace("      BillingMode: PAY_PER_REQUEST\n", f"      BillingMode: PAY_PER_REQUEST\n{stream}", 1)
    )

    class Book(Item, table="Books"):
        isbn: PartitionKey[int]

    scaffold(path, [Book], kept).write()
    assert stream in path.read_text()
    assert template.read(path).tables["Books"].key == {"isbn": "N"}


@pytest.mark.parametrize("collection", ["seats", "bookings"])
def test_the_events_are_requests_to_the_models(
    theatre_stack: Path,
    dynamodb_client: "DynamoDBClient",
    dynamodb_endpoint: str,
    collection: str,
    rejected: RecordingSQS,
) -> None:
    names = create_tables(dynamodb_client, theatre.MODELS, prefix=f"theatre-{collection}-{theatre_stack.parent.name}-")
    store = Store(dynamodb_client, names, dynamodb_endpoint, theatre_stack, theatre)
    events = {one.stem: json.loads(one.read_text()) for one in (theatre_stack.parent / "events" / collection).iterdir()}
    expected = {"put": 201, "get": 200, "update": 200, "counter": 200}
    assert events.keys() == expected.keys() | {"message"}
    api = Api(store)
    assert {name: api.invoke(events[name]).status for name in expected} == expected
    assert Worker(store, rejected)(*events["message"]["Records"]) == []
    assert rejected.messages == []


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("# models: outputs", "# models: output", "template.yaml:.*: the mark `# models: output` is not one of"),
        ("# end of models: outputs", "", "the mark `# models: outputs` has no `# end of models: outputs`"),
        ("  # models: outputs\n", "", "the mark `# end of models: outputs` has no beginning"),
        ("  Ledger:\n", "  Keys:\n", "the template has no table Ledger"),
    ],
)
def test_marks_that_are_broken_are_one_clear_line(path: Path, kept: Path, old: str, new: str, reason: str) -> None:
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(TemplateError, match=reason):
        scaffold(path, theatre.MODELS, kept)


def test_tables_that_cannot_be_resources_are_refused(path: Path, kept: Path) -> None:
    class Dotted(Item, table="my.seats"):
        id: PartitionKey[str]

    class Twin(Item, table="seats"):
        id: PartitionKey[str]

    cases: list[tuple[Sequence[type[Item]], str]] = [
        ([Dotted], "letters and digits"),
        ([*theatre.MODELS, Twin], "differs only in case"),
        ([], "empty"),
    ]
    for wrong, reason in cases:
        with pytest.raises(TemplateError, match=reason):
            scaffold(path, wrong, kept)


def test_events_of_no_collection_are_named(theatre_stack: Path, kept: Path) -> None:
    assert scaffold(theatre_stack, theatre.MODELS[:1], kept).notes == ["events/bookings is of no collection: delete it"]


def test_check_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the repository's own template, which is as its models have it."""
    assert run(ROOT / "template.yaml", check=True) == 0
    assert capsys.readouterr().out == "Everything is as the models have it.\n"
