"""What writes say of the capacity that they consumed, over all calls of the request."""

import json

import pytest

from surewrite.commit.capacity import by_table
from tests.acceptance.harness import BOOK, RAINMAKER, Api

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
