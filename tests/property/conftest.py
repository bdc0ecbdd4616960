from typing import TYPE_CHECKING

import pytest

from surewrite.testing import create_ledger
from tests.engines import RUN
from tests.property.engine import Engine

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture(scope="session")
def engine(dynamodb_client: "DynamoDBClient") -> Engine:
    create_ledger(dynamodb_client, f"{RUN}property")
    return Engine(dynamodb_client, f"{RUN}property")
