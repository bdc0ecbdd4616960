"""What writes say of the capacity that they consumed, over all calls of the request."""

import json
from typing import Any

import pytest

from surewrite.commit.capacity import by_table
from tests.acceptance.harness import BOOK, RAINMAKER, RAINMAKER_KEY, Api

ASKED = "return_consumed_capacity=TOTAL"


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("PUT", RAINMAKER, BOOK),
        ("PATCH", RAINMAKER, {"add": {"Views": 1}}),
        ("POST", f"{RAINMAKER}/counters/Views", None),
        ("DELETE", RAINMAKER, None),
    ],
)
def test_a_write_tells_what_it_consumed(rainmaker: Api, method: str, target: str, body: object) -> None:
    plain = rainmaker(method, f"{target}?{ASKED}", body)
    assert plain.status < 300
    books = rainmaker.store.names["Books"]
    assert json.loads(plain.headers["consumed-capacity"])[books]["CapacityUnits"] > 0
    assert rainmaker("PUT", RAINMAKER, BOOK).headers.get("consumed-capacity") is None


def test_a_read_tells_what_it_consumed(rainmaker: Api) -> None:
    found = rainmaker("GET", f"{RAINMAKER}?{ASKED}")
    same = rainmaker("GET", f"{RAINMAKER}?{ASKED}", if_none_match=found.etag)
    none = rainmaker("GET", f"/products/1?{ASKED}")
    assert (found.status, same.status, none.status) == (200, 304, 404)
    assert all("CapacityUnits" in answer.headers["consumed-capacity"] for answer in (found, same, none))
    assert "consumed-capacity" not in rainmaker("GET", RAINMAKER).headers


def test_a_key_consumes_in_the_ledger(rainmaker: Api) -> None:
    keyed = rainmaker("PATCH", f"{RAINMAKER}?{ASKED}", {"add": {"Views": 1}}, idempotency_key="k")
    names = rainmaker.store.names
    assert json.loads(keyed.headers["consumed-capacity"]).keys() == {names["Books"], names["Ledger"]}


def test_item_collections_of_a_table_with_a_local_index(api: Api) -> None:
    target, asked = "/threads/f/s", "return_item_collection_metrics=SIZE"
    put = api("PUT", f"{target}?{asked}", {})
    (metrics,) = json.loads(put.headers["item-collection-metrics"])[api.store.names["Thread"]]
    assert metrics["ItemCollectionKey"] == {"ForumName": {"S": "f"}}
    assert "consumed-capacity" not in put.headers
    assert "item-collection-metrics" not in api("PUT", target, {}).headers
    assert "item-collection-metrics" not in api("PUT", f"{RAINMAKER}?{asked}", BOOK).headers
    assert api("GET", f"{target}?{asked}").pointers == ["/return_item_collection_metrics"]


@pytest.mark.parametrize("query", ["return_consumed_capacity=ALL", "return_item_collection_metrics=TOTAL"])
def test_another_level_is_refused(api: Api, query: str) -> None:
    name = query.partition("=")[0]
    for method, target in (("PUT", RAINMAKER), ("POST", "/transactions"), ("POST", "/batch-write")):
        refused = api(method, f"{target}?{query}", {})
        assert (refused.status, refused.pointers) == (400, [f"/{name}"])


def test_several_writes_tell_what_they_consumed(api: Api) -> None:
    writes = [{"put": {"collection": "products", "item": {"Id": 1}}}]
    for target in ("/transactions", "/batch-write"):
        answer = api("POST", f"{target}?{ASKED}", {"writes": writes})
        assert json.loads(answer.headers["consumed-capacity"])[api.store.names["ProductCatalog"]]["CapacityUnits"] > 0


def test_return_values_may_stand_in_the_query(rainmaker: Api) -> None:
    assert rainmaker("PATCH", f"{RAINMAKER}?return_values=UPDATED_NEW", {"add": {"Views": 1}}).json == {"Views": 1}
    assert rainmaker("POST", f"{RAINMAKER}/counters/Views?return_values=NONE").status == 204
    merge = {"content_type": "application/merge-patch+json"}
    answer = rainmaker("PATCH", f"{RAINMAKER}?return_values=UPDATED_NEW", {"Category": "Law"}, **merge)
    assert answer.json == {"Category": "Law"}


def test_units_are_summed_by_table_and_within_indexes() -> None:
    index = {"by-price": {"CapacityUnits": 0.5}}
    calls = [
        {"TableName": "Books", "CapacityUnits": 1.0, "Table": {"CapacityUnits": 0.5}, "LocalSecondaryIndexes": index},
        {"TableName": "Ledger", "CapacityUnits": 2.0},
        {"TableName": "Books", "CapacityUnits": 1.5, "LocalSecondaryIndexes": index},
    ]
    assert by_table(calls) == {
        "Books": {
            "CapacityUnits": 2.5,
            "Table": {"CapacityUnits": 0.5},
            "LocalSecondaryIndexes": {"by-price": {"CapacityUnits": 1.0}},
        },
        "Ledger": {"CapacityUnits": 2.0},
    }


def test_a_refusal_without_the_item(rainmaker: Api) -> None:
    none = "return_values_on_condition_check_failure=NONE"
    unmet = {"when": {"Views": {"gt": 5}}}
    update = {"collection": "books", "key": RAINMAKER_KEY, "add": {"Views": 1}, **unmet}
    requests: list[tuple[Any, ...]] = [
        ("PATCH", RAINMAKER, {"add": {"Views": 1}, **unmet}),
        ("POST", f"{RAINMAKER}/counters/Views", unmet),
        ("DELETE", RAINMAKER, unmet),
        ("POST", "/transactions", {"writes": [{"update": update}]}),
    ]
    for method, target, body in requests:
        shown, hidden = rainmaker(method, target, body), rainmaker(method, f"{target}?{none}", body)
        assert (shown.status, hidden.status) == (412, 412)
        assert {**hidden.json, "item": shown.json["item"]} == shown.json
        assert "item" not in hidden.json
    created = rainmaker("PUT", f"{RAINMAKER}?{none}", BOOK, if_none_match="*")
    assert (created.status, "item" in created.json) == (409, False)
    assert rainmaker("POST", f"/batch-write?{none}", {}).pointers == ["/return_values_on_condition_check_failure"]
