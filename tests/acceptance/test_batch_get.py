"""POST /batch-get: many items of several collections by their keys."""

import json
from typing import Any

import pytest

from tests.acceptance.harness import RAINMAKER_KEY, Api

PATH = "/batch-get"
FIRM = {"Author": "John Grisham", "Title": "The Firm"}


def test_items_and_missing_keys_of_several_collections(rainmaker: Api) -> None:
    assert rainmaker("PUT", "/products/601", {"Price": 100}).status == 201
    body = {"keys": {"books": [FIRM, RAINMAKER_KEY, RAINMAKER_KEY], "products": [{"Id": 601}, {"Id": 602}]}}
    answer = rainmaker("POST", PATH, body)
    assert answer.status == 200
    book = rainmaker("GET", "/books/John%20Grisham/The%20Rainmaker").json
    product = rainmaker("GET", "/products/601").json
    assert answer.json == {
        "items": {"books": [book], "products": [product]},
        "missing": {"books": [FIRM], "products": [{"Id": 602}]},
    }


def test_a_part_of_each_item_strongly_consistent(rainmaker: Api) -> None:
    body = {"keys": {"books": [RAINMAKER_KEY]}, "fields": {"books": ["Category"]}, "consistent": True}
    answer = rainmaker("POST", f"{PATH}?return_consumed_capacity=TOTAL", body)
    (book,) = answer.json["items"]["books"]
    assert book.keys() == {"Author", "Title", "Category"}
    assert answer.json["missing"] == {}
    consumed = json.loads(answer.headers["consumed-capacity"])
    assert consumed[rainmaker.store.names["Books"]]["CapacityUnits"] > 0


def test_any_number_of_keys(api: Api) -> None:
    keys = [{"Id": number} for number in range(250)]
    writes = [{"put": {"collection": "products", "item": key}} for key in keys[:200]]
    assert api("POST", "/batch-write", {"writes": writes}).status == 200
    answer = api("POST", PATH, {"keys": {"products": keys}})
    assert [item["Id"] for item in answer.json["items"]["products"]] == list(range(200))
    assert answer.json["missing"]["products"] == keys[200:]


def test_what_does_not_fit_into_a_response_is_refused(api: Api) -> None:
    keys = [{"Id": number} for number in range(17)]
    for key in keys:
        assert api("PUT", f"/products/{key['Id']}", {"Description": "x" * 380_000}).status == 201
    refused = api("POST", PATH, {"keys": {"products": keys}})
    assert (refused.status, refused.pointers) == (400, ["/keys"])
    assert api("POST", PATH, {"keys": {"products": keys[:10]}}).status == 200


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 400, "/keys"),
        ({"keys": {}}, 400, "/keys"),
        ({"keys": {"products": [{"Id": 1}, {"Id": "x"}]}}, 400, "/keys/products/1/Id"),
        ({"keys": {"products": [{"Id": 1}]}, "fields": {"products": ["Nope"]}}, 400, "/fields/Nope"),
        ({"keys": {"products": [{"Id": 1}]}, "fields": {"books": ["Views"]}}, 400, "/fields/books"),
        ({"keys": {"products": [{"Id": 1}]}, "consistant": True}, 400, "/consistant"),
        ({"keys": {"products": [1]}}, 400, "/keys/products/0"),
    ],
)
def test_what_is_wrong_is_pointed_to(api: Api, body: Any, status: int, pointer: str) -> None:
    refused = api("POST", PATH, body)
    assert (refused.status, refused.pointers) == (status, [pointer])


def test_no_such_collection(api: Api) -> None:
    assert api("POST", PATH, {"keys": {"nope": [{"Id": 1}]}}).status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_no_other_method(api: Api, method: str) -> None:
    refused = api(method, PATH)
    assert (refused.status, refused.headers["allow"]) == (405, "POST, OPTIONS")
