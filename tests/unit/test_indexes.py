"""The indexes that a model declares."""

import uuid
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

import pytest
from pydantic import ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_pascal

from surewrite import GlobalIndex, Item, LocalIndex, PartitionKey, SortKey, Write, attr
from surewrite.errors import ConfigurationError, InvalidItem, InvalidUpdate
from surewrite.model.definition import table_definition


class Kind(Enum):
    NEW, OLD = "new", "old"


class Entry(
    Item,
    table="Entries",
    indexes=[
        LocalIndex("ByRank", "Rank"),
        GlobalIndex("ByKind", "Kind", projection="KEYS_ONLY"),
        GlobalIndex("ByOwner", "Owner", "Raw", projection=["Price", "Rank"]),
    ],
):
    model_config = ConfigDict(alias_generator=to_pascal)

    id: PartitionKey[str]
    at: SortKey[int]
    rank: int | None = None
    kind: Kind | None = None
    owner: Annotated[uuid.UUID | None, Field(description="who")] = None
    raw: bytes | None = None
    price: Decimal = Decimal(0)


def test_keys_and_types() -> None:
    indexes = Entry.schema_.indexes
    assert [(key.name, key.type) for key in indexes["ByRank"].keys] == [("Id", "S"), ("Rank", "N")]
    assert [(key.name, key.type) for key in indexes["ByKind"].keys] == [("Kind", "S")]
    assert [(key.name, key.type) for key in indexes["ByOwner"].keys] == [("Owner", "S"), ("Raw", "B")]
    assert [indexes[name].local for name in ("ByRank", "ByKind")] == [True, False]


def test_what_an_index_holds() -> None:
    held = {name: index.attributes for name, index in Entry.schema_.indexes.items()}
    assert held == {
        "ByRank": None,
        "ByKind": frozenset(["Id", "At", "Kind"]),
        "ByOwner": frozenset(["Id", "At", "Owner", "Raw", "Price", "Rank"]),
    }


def test_create_table() -> None:
    definition = table_definition(Entry.schema_, units={"ReadCapacityUnits": 1, "WriteCapacityUnits": 2})
    types = {one["AttributeName"]: one["AttributeType"] for one in definition["AttributeDefinitions"]}
    assert types == {"Id": "S", "At": "N", "Rank": "N", "Kind": "S", "Owner": "S", "Raw": "B"}
    (by_rank,) = definition["LocalSecondaryIndexes"]
    assert by_rank["Projection"] == {"ProjectionType": "ALL"}
    by_kind, by_owner = definition["GlobalSecondaryIndexes"]
    assert by_kind["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert by_owner["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["Price", "Rank"]}
    assert by_owner["ProvisionedThroughput"] == definition["ProvisionedThroughput"]
    assert definition["BillingMode"] == "PROVISIONED"


@pytest.mark.parametrize(
    ("indexes", "reason"),
    [
        ([LocalIndex("A", "nothing")], "the model has no attribute nothing"),
        ([GlobalIndex("A", "tags")], "tags is not always a string, always a number or always binary"),
        ([GlobalIndex("A", "either")], "either is not always a string, always a number or always binary"),
        ([GlobalIndex("A", "text", projection="text")], "a projection is ALL, KEYS_ONLY or a list of attributes"),
        ([GlobalIndex("A", "text"), LocalIndex("A", "text")], "there are two of that name"),
    ],
)
def test_what_cannot_be_an_index(indexes: list[Any], reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:

        class Wrong(Item, table="Wrong", indexes=indexes):
            id: PartitionKey[str]
            text: str = ""
            tags: set[str] = set()
            either: int | str = 0

    assert str(caught.value) == f"Wrong, index A: {reason}"


def test_a_serializer_decides_the_type() -> None:
    text = PlainSerializer(str, return_type=str)

    class Serialized(Item, table="Serialized", indexes=[GlobalIndex("ByNumber", "number")]):
        id: PartitionKey[str]
        number: Annotated[int, text] = 0

    assert [key.type for key in Serialized.schema_.indexes["ByNumber"].keys] == ["S"]


_EMPTY = "is the key of an index and so cannot be empty; leave the attribute out where there is none"
_NULL = "is the key of an index and so a {}; leave the attribute out where there is none"


@pytest.mark.parametrize(
    ("fields", "name", "reason"),
    [
        ({"rank": None}, "Rank", _NULL.format("number")),
        ({"kind": None}, "Kind", _NULL.format("string")),
        ({"raw": b""}, "Raw", _EMPTY),
        ({"raw": b"a" * 1025}, "Raw", "longer than 1024 bytes, DynamoDB's limit for this key of an index"),
    ],
)
def test_what_dynamodb_would_refuse_as_the_key_of_an_index(fields: dict[str, Any], name: str, reason: str) -> None:
    with pytest.raises(InvalidItem) as put:
        Write.put(Entry(id="a", at=1, **fields))
    assert [(one.location, one.reason) for one in put.value.problems] == [((name,), reason)]
    (value,) = fields.values()
    for action in (attr(name).set(value), attr(name).default(value)):
        with pytest.raises(InvalidUpdate) as update:
            Write.update(Entry, ("a", 1), [action])
        assert [(one.location[-1], one.reason) for one in update.value.problems] == [(name, reason)]


def test_an_item_need_not_be_in_any_index() -> None:
    assert Write.put(Entry(id="a", at=1)).size
    assert Write.update(Entry, ("a", 1), [attr("Rank").remove(), attr("Kind").set(Kind.NEW)]).size
