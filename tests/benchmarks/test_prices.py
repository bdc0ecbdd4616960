"""What a write costs: the engine bills a slot as DynamoDB's Developer Guide says, and so does the model."""

from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import model, observe
from benchmarks.prices import item_size, write_units
from surewrite.commit import slots

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

SLOT = "queue:WritesQueue#t17672256000"


def test_the_engine_bills_the_larger_of_old_and_new_item_twice(
    dynamodb_client: "DynamoDBClient", table_names: dict[str, str]
) -> None:
    ledger, keys = table_names["Ledger"], 0
    # around each border of a KB, and then up to 500 keys
    for more in [60, 1, 1, 1, 1, 60, 1, 1, 1, 100, 100, 100, 73]:
        units = claim(dynamodb_client, ledger, keys, more)
        keys += more
        item = dynamodb_client.get_item(TableName=ledger, Key={"id": {"S": SLOT}})["Item"]
        assert item_size(item) == model.slot_size(keys)
        assert units == 2 * -(-item_size(item) // 1024)
    assert keys == 500
    small = dynamodb_client.put_item(TableName=ledger, Item={"id": {"S": SLOT}}, ReturnConsumedCapacity="TOTAL")
    assert small["ConsumedCapacity"]["CapacityUnits"] == write_units(model.slot_size(500)) == 8


def claim(client: "DynamoDBClient", ledger: str, first: int, keys: int) -> float:
    """Claims keys in the slot; the write units."""
    entries = [(f"key-{number:08}", b"1234") for number in range(first, first + keys)]
    action: Any = slots.claim_action(ledger, SLOT, entries, 1_769_904_001, 512)
    transaction: list[TransactWriteItemTypeDef] = [action]
    response = client.transact_write_items(TransactItems=transaction, ReturnConsumedCapacity="TOTAL")
    return response["ConsumedCapacity"][0]["CapacityUnits"]


def test_a_refused_transaction_is_billed_by_what_is_there(
    dynamodb_client: "DynamoDBClient", table_names: dict[str, str]
) -> None:
    ledger = table_names["Ledger"]
    claim(dynamodb_client, ledger, 0, 100)
    update = f'{{"Update": {{"TableName": "{ledger}", "Key": {{"id": {{"S": "{SLOT}"}}}}}}}}'
    put = f'{{"Put": {{"TableName": "{ledger}", "Item": {{"id": {{"S": "1"}}}}}}}}'
    transaction = observe.Refusal("TransactWriteItems", f'{{"TransactItems": [{update}, {put}]}}'.encode())
    single = observe.Refusal("PutItem", f'{{"TableName": "{ledger}", "Item": {{}}}}'.encode())
    assert observe.refused_units([transaction, single], dynamodb_client) == 2 * 2 + 2 + 1


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"id": {"S": "é"}}, 4),
        ({"n": {"N": "1"}}, 3),
        ({"n": {"N": "100"}}, 3),
        ({"n": {"N": "512"}}, 4),
        ({"k": {"NULL": True}}, 2),
        ({"k": {"B": b"1234"}, "l": {"B": "MTIzNA=="}}, 10),
        ({"k": {"SS": ["ab", "c"]}}, 4),
    ],
)
def test_the_size_of_an_item(item: dict[str, dict[str, Any]], size: int) -> None:
    assert item_size(item) == size
