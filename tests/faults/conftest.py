from typing import TYPE_CHECKING

import pytest

from local import resources, template
from tests.engine.house import House, build

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture(scope="session")
def house(dynamodb_client: "DynamoDBClient", definition: template.Template) -> House:
    """One for all: every test takes items and keys of its own."""
    return build(dynamodb_client, resources.create_tables(dynamodb_client, definition, prefix="faults-"))


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Of an item that no other test uses."""
    return str(request.node.nodeid)
