"""`compute` over HTTP and by message: what a path is set to where that is no plain value."""

import json
from decimal import Decimal
from typing import Any

import pytest

from surewrite.testing import RecordingSQS, sqs_record
from tests.acceptance.harness import RAINMAKER, RAINMAKER_KEY, Api, Store, Worker

PRODUCT = "/products/601"


@pytest.fixture
def product(api: Api) -> Api:
    body = {"Price": 100, "QuantityOnHand": 5, "RelatedItems": [1, 2]}
    assert api("PUT", PRODUCT, body).status == 201
    return api


CASES: dict[str, tuple[str, Any, Any]] = {
    "another attribute less a number": ("Price", {"minus": [{"path": "QuantityOnHand"}, 2]}, 3),
    "a number less an attribute": ("Price", {"minus": [1000, {"path": "Price"}]}, 900),
    "two attributes": ("Price", {"plus": [{"path": "Price"}, {"path": "QuantityOnHand"}]}, 105),
    "two literals": ("Price", {"plus": [1.5, 2]}, Decimal("3.5")),
    "an attribute or a number": ("QuantityOnHand", {"plus": [{"if_not_exists": ["QuantityOnHand", 7]}, 1]}, 6),
    "a path that is missing": ("Description", {"if_not_exists": ["Description", "none"]}, "none"),
    "a list twice": ("RelatedItems", {"list_append": [{"path": "RelatedItems"}] * 2}, [1, 2, 1, 2]),
    "elements before": ("RelatedItems", {"list_append": [[0], {"path": "RelatedItems"}]}, [0, 1, 2]),
    "two lists": ("RelatedItems", {"list_append": [[8], [9]]}, [8, 9]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("headers", [{}, {"idempotency_key": "k"}])
def test_over_http(product: Api, name: str, headers: dict[str, str]) -> None:
    path, operand, value = CASES[name]
    for _ in range(2 if headers else 1):
        answer = product("PATCH", PRODUCT, {"compute": {path: operand}}, **headers)
        assert (answer.status, answer.json[path]) == (200, value)


@pytest.mark.parametrize("name", CASES)
def test_by_message(product: Api, worker: Worker, store: Store, rejected: RecordingSQS, name: str) -> None:
    path, operand, value = CASES[name]
    body = {"op": "update", "collection": "products", "key": {"Id": 601}, "compute": {path: operand}}
    assert worker(sqs_record(json.dumps(body))) == []
    assert rejected.messages == []
    assert (store.item("ProductCatalog", {"Id": Decimal(601)}) or {})[path] == value


@pytest.mark.parametrize("headers", [{}, {"idempotency_key": "k"}])
@pytest.mark.parametrize(
    "compute",
    [
        {"RelatedItems": {"list_append": [{"path": "RelatedItems"}, [1]]}},
        {"Price": {"plus": [{"path": "Price"}, 1]}},
    ],
)
def test_what_is_read_has_to_be_there(api: Api, compute: Any, headers: dict[str, str]) -> None:
    """Unlike `append` and `add`."""
    refused = api("PATCH", PRODUCT, {"compute": compute}, **headers)
    assert refused.status == 422, refused
    assert api("GET", PRODUCT).status == 404


def test_what_is_wrong_is_pointed_to(product: Api) -> None:
    refused = product("PATCH", PRODUCT, {"compute": {"Price": {"plus": [{"path": "Price"}, "x"]}}})
    assert (refused.status, refused.pointers) == (422, ["/compute/Price/plus/1"])
    refused = product("PATCH", PRODUCT, {"compute": {"Description": {"plus": [1, 2]}}})
    assert (refused.status, refused.pointers) == (422, ["/compute/Description"])


DOTTED = "Formats.`e.pub`"


def test_names_with_dots(rainmaker: Api) -> None:
    assert rainmaker("PATCH", RAINMAKER, {"set": {DOTTED: "E5"}}).status == 200
    assert rainmaker("GET", f"{RAINMAKER}?fields={DOTTED}").json["Formats"] == {"e.pub": "E5"}
    met = {"when": {DOTTED: {"eq": "E5"}}, "remove": [DOTTED]}
    assert rainmaker("PATCH", RAINMAKER, met).status == 200
    assert rainmaker("PATCH", RAINMAKER, met).status == 412
    found = {"where": {DOTTED: {"not_exists": True}}, "key": {"Author": {"eq": RAINMAKER_KEY["Author"]}}}
    assert rainmaker("POST", "/books/query", found).json["count"] == 1


@pytest.mark.parametrize(
    ("method", "body", "pointer"),
    [
        ("PUT", {"parts": [{"name": "a", "sizes": []}]}, "/parts/0/sizes"),
        ("PUT", {"named": {"x": {"name": "a", "sizes": []}}}, "/named/x/sizes"),
        ("PATCH", {"set": {"parts": [{"name": "a", "sizes": []}]}}, "/set/parts/0/sizes"),
        ("PATCH", {"set": {"named.x": {"name": "a", "sizes": []}}}, "/set/named.x/sizes"),
        ("PATCH", {"append": {"parts": [{"name": "a", "sizes": []}]}}, "/append/parts/0/sizes"),
        ("PATCH", {"default": {"words": []}}, "/default/words"),
    ],
)
def test_an_empty_set_within_is_refused_by_its_place(api: Api, method: str, body: Any, pointer: str) -> None:
    refused = api(method, "/things/AP8/1", body)
    assert (refused.status, refused.pointers) == (422, [pointer])
    assert refused.json["errors"][0]["detail"].startswith("a set cannot be empty")
    assert api("GET", "/things/AP8/1").status == 404
