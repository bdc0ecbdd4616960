from typing import TYPE_CHECKING

import pytest

from tests.engine.desk import Desk
from tests.engine.house import OWN, PACKED, House, Keys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def house(dynamodb_client: "DynamoDBClient", table_names: dict[str, str]) -> House:
    return House(dynamodb_client, table_names)


@pytest.fixture(params=[OWN, PACKED], ids=lambda keys: keys.kind)
def key(request: pytest.FixtureRequest) -> Keys:
    """Makes the keys of a test, which runs with each kind of them."""
    keys: Keys = request.param
    return keys


@pytest.fixture
def desk(house: House) -> Desk:
    return Desk(house)
