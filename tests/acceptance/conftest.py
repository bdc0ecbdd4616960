"""What the acceptance tests work with; `harness` says what each of them is."""

from typing import TYPE_CHECKING, Any

import boto3
import pytest

from surewrite.testing import RecordingSQS
from tests.acceptance.harness import BOOK, RAINMAKER, Api, Store, Worker
from tests.acceptance.operations import Line

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def store(dynamodb_client: "DynamoDBClient", table_names: dict[str, str], dynamodb_endpoint: str) -> Store:
    return Store(dynamodb_client, table_names, dynamodb_endpoint)


@pytest.fixture
def api(store: Store) -> Api:
    return Api(store)


@pytest.fixture
def rainmaker(api: Api) -> Api:
    """The API, with The Rainmaker on the shelf."""
    assert api("PUT", RAINMAKER, BOOK).status == 201
    return api


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> RecordingSQS:
    """In place of SQS, whose client the handlers make when they send their first message."""
    stand_in, real = RecordingSQS(), boto3.client

    def client(service: str, *args: Any, **kwargs: Any) -> Any:
        return stand_in if service == "sqs" else real(service, *args, **kwargs)

    monkeypatch.setattr(boto3, "client", client)
    return stand_in


@pytest.fixture
def rejected(sqs: RecordingSQS) -> RecordingSQS:
    """The same, where nothing but the worker sends."""
    return sqs


@pytest.fixture(params=["on", "off"], ids=lambda packing: f"packing {packing}")
def worker(store: Store, rejected: RecordingSQS, request: pytest.FixtureRequest) -> Worker:
    """The worker, on a packed ledger and on one whose keys have records of their own."""
    store.variables["LEDGER_PACKING"] = request.param
    return Worker(store, rejected)


@pytest.fixture
def line(store: Store, sqs: RecordingSQS) -> Line:
    """The queue of operations between the two handlers."""
    return Line(store, sqs)
