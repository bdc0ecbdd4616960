from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from surewrite.testing import create_tables
from tests.engine.house import OWN, PACKED, House, Keys
from tests.engines import RUN
from tests.models import MODELS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture(scope="session")
def house(dynamodb_client: "DynamoDBClient") -> House:
    """One for all: every test takes items and keys of its own."""
    return House(dynamodb_client, create_tables(dynamodb_client, MODELS, prefix=f"{RUN}faults-"))


@pytest.fixture(params=[OWN, PACKED], ids=lambda keys: keys.kind)
def keys(request: pytest.FixtureRequest, name: str) -> Keys:
    """Makes the keys of a test, which runs with both kinds of them. Nothing of another test lies in their slots."""
    kind: Keys = request.param
    return replace(kind, scope=name)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Of an item that no other test uses."""
    return str(request.node.nodeid)
