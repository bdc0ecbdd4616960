"""`TableResource`: a table from its model."""

from datetime import datetime

import pytest

from surewrite import Boto3Transport, Client, Item, PartitionKey
from surewrite.errors import CallFailed
from tests.engine.house import House
from tests.models import Book, Product


@pytest.fixture
def fresh(house: House) -> Client:
    """A client whose tables are not there yet."""
    names = {"ProductCatalog": f"{house.names['Ledger']}-new-products", "Books": f"{house.names['Ledger']}-new-books"}
    return Client("Ledger", transport=Boto3Transport(house.client), tables=names)


def test_a_table_from_its_model(fresh: Client) -> None:
    resource = fresh.resource(Product)
    assert not resource.exists()
    assert resource.create().item_count == 0
    assert resource.exists()
    assert [(key["AttributeName"], key["KeyType"]) for key in resource.key_schema] == [("Id", "HASH")]
    assert isinstance(resource.creation_date_time, datetime)
    assert resource.status == "ACTIVE"
    fresh.table(Product).put(Product(id=1))
    assert fresh.table(Product).get(1)
    with pytest.raises(CallFailed, match="CreateTable failed: ResourceInUseException"):
        resource.create()
    resource.delete()
    resource.wait_until_not_exists()
    assert not resource.exists()


def test_the_time_to_live_of_the_model(house: House) -> None:
    class Hold(Item, table="Holds", ttl="until"):
        id: PartitionKey[str]
        until: int | None = None
        later: int | None = None

    for number, (given, expected) in enumerate([(None, "until"), ("later", "later")]):
        names = {"Holds": f"{house.names['Ledger']}-holds-{number}"}
        resource = Client("Ledger", transport=Boto3Transport(house.client), tables=names).resource(Hold)
        resource.create(ttl=given)
        found = house.client.describe_time_to_live(TableName=resource.name)["TimeToLiveDescription"]
        assert found.get("AttributeName") == expected


def test_indexes_and_provisioned_units(fresh: Client) -> None:
    index = {
        "IndexName": "by-price",
        "KeySchema": [{"AttributeName": "Author", "KeyType": "HASH"}, {"AttributeName": "Price", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    resource = fresh.resource(Book).create(
        attributes={"Price": "N"}, read_units=5, write_units=5, LocalSecondaryIndexes=[index]
    )
    assert [key["KeyType"] for key in resource.key_schema] == ["HASH", "RANGE"]
    assert [one["IndexName"] for one in resource.description["LocalSecondaryIndexes"]] == ["by-price"]
    assert resource.description["ProvisionedThroughput"]["ReadCapacityUnits"] == 5


def test_what_is_not_there_has_no_attributes(fresh: Client) -> None:
    with pytest.raises(CallFailed, match="DescribeTable failed: ResourceNotFoundException"):
        fresh.resource(Product).item_count  # noqa: B018
