from typing import TYPE_CHECKING

import pytest

from tests.engine.house import House

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def house(dynamodb_client: "DynamoDBClient", table_names: dict[str, str]) -> House:
    return House(dynamodb_client, table_names)
