"""What is spelled as in another library gets an error that shows our spelling."""

from typing import Any

import pytest

from surewrite import Client, InvalidRequest, Table, attr
from surewrite.expressions.condition_json import condition_from_json
from surewrite.hints import spelling
from surewrite.messages import parse_message
from surewrite.model.json import loads
from surewrite.queries import QueryBody
from surewrite.requests import UpdateBody, parse_item
from tests.models import Book, Product

RAINMAKER = ("John Grisham", "The Rainmaker")

BOTO3 = [
    "UpdateExpression", "ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues", "Expected",
    "ConditionalOperator", "AttributeUpdates", "Key", "Item", "TableName", "KeyConditionExpression", "KeyConditions",
    "FilterExpression", "ProjectionExpression", "AttributesToGet", "ReturnValues", "ReturnConsumedCapacity",
    "ScanFilter", "QueryFilter", "ExclusiveStartKey", "IndexName", "RequestItems", "TransactItems",
    "ClientRequestToken", "hash_key", "range_key", "overwrite_by_pkeys",
]  # fmt: skip


@pytest.mark.parametrize("name", BOTO3)
def test_every_name_has_our_spelling(name: str) -> None:
    found = spelling(name)
    assert found is not None
    assert name not in found.json + found.python


@pytest.mark.parametrize("name", ["Price", "views", "idempotency_key", "fields", "when"])
def test_our_own_names_and_those_of_attributes_are_left_alone(name: str) -> None:
    assert spelling(name) is None


def reasons(message: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        parse_message(message)
    return {problem.pointer: problem.reason for problem in caught.value.problems}


def test_a_message_in_boto3s_words() -> None:
    found = reasons({"TableName": "Books", "Key": {"Author": "a"}, "UpdateExpression": "SET a = :a"})
    assert list(found) == ["/op", "/Key", "/TableName", "/UpdateExpression"]
    assert '"collection": "books"' in found["/TableName"]
    assert '"add": {"Views": 1}' in found["/UpdateExpression"]


def test_an_update_with_a_condition_expression() -> None:
    update = {"op": "update", "collection": "books", "key": {}, "add": {"Views": 1}}
    found = reasons({**update, "ConditionExpression": "Price = :p", "ExpressionAttributeValues": {":p": 5}})
    assert '"when": {"Price": {"eq": 10}}' in found["/ConditionExpression"]
    assert '"set": {"Price": 10}' in found["/ExpressionAttributeValues"]


def test_an_item_with_the_types_of_its_values() -> None:
    with pytest.raises(InvalidRequest, match=r'a number is needed; here it is the plain value: "Price": 10') as caught:
        parse_item(Product, {"Id": 1, "Price": {"N": "123.45"}})
    assert "123.45" not in str(caught.value)


def test_an_item_within_an_item() -> None:
    with pytest.raises(InvalidRequest, match="unknown attribute, another library's spelling; here it is the body"):
        parse_item(Book, {"Item": {"Author": {"S": "a"}}})


def test_a_condition_of_before_expressions() -> None:
    old = {"Price": {"ComparisonOperator": "EQ", "AttributeValueList": [5]}}
    with pytest.raises(InvalidRequest, match="here it is"):
        condition_from_json(Book, old)


def test_keywords_of_the_library(books: Table[Book]) -> None:
    with pytest.raises(TypeError, match=r'update\(\) has no argument ConditionExpression: .*when=attr\("Price"\)'):
        books.update(("a", "t"), {attr("Views").add(1)}, ConditionExpression="x")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r'query\(attr\("Author"\)'):
        books.query(KeyConditionExpression="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        books.get(("a", "t"), nonsense=1)  # type: ignore[call-arg]


def test_methods_of_boto3(books: Table[Book]) -> None:
    with pytest.raises(AttributeError, match=r"Table has no put_item: another library's spelling; here it is put"):
        books.put_item(Item={})  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"Table has no nonsense$"):
        books.nonsense  # type: ignore[attr-defined]  # noqa: B018


@pytest.fixture
def books() -> Table[Book]:
    return Table(Book, None)  # type: ignore[arg-type]  # nothing is called


READS = [
    "KeyConditionExpression", "FilterExpression", "ProjectionExpression", "ConsistentRead", "Select", "TotalSegments",
]  # fmt: skip


@pytest.mark.parametrize("name", READS)
def test_what_is_shown_for_a_read_is_read(name: str) -> None:
    found = spelling(name)
    assert found is not None
    assert QueryBody.model_validate_json(f"{{{found.json}}}").reading(Book).request()


@pytest.mark.parametrize(
    "name",
    ["UpdateExpression", "ExpressionAttributeNames", "ExpressionAttributeValues", "ConditionExpression", "Expected"],
)
def test_what_is_shown_for_an_update_is_one(name: str) -> None:
    found = spelling(name)
    assert found is not None
    members = found.json[found.json.index('"') :]
    body = UpdateBody.model_validate({"add": {"Stock": 1}, **loads(f"{{{members}}}")})
    assert body.bind(Book, RAINMAKER).size


@pytest.mark.parametrize(
    "call", ["put_item", "get_item", "batch_get_item", "batch_write_item", "transact_write_items", "update_item"]
)
def test_a_call_of_boto3s_client(call: str) -> None:
    with pytest.raises(AttributeError, match=f"Client has no {call}: another library's spelling; here it is "):
        getattr(Client(transport=lambda operation, request: {}), call)


def test_a_keyword_of_boto3s_client() -> None:
    db = Client(transport=lambda operation, request: {})
    with pytest.raises(TypeError, match=r"transact\(\) has no argument TransactItems: .*db.transact"):
        db.transact(TransactItems=[])  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"get_many\(\) has no argument RequestItems"):
        db.get_many(RequestItems={})  # type: ignore[call-arg]
