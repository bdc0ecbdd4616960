from typing import TYPE_CHECKING

import pytest

from tests.property.engine import Engine

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture(scope="session")
def engine(dynamodb_client: "DynamoDBClient") -> Engine:
    dynamodb_client.create_table(
        TableName="property",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return Engine(dynamodb_client, "property")
