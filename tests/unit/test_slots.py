"""Slots: the requests that claim keys in them, exactly, and how one is read."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surewrite import IdempotencyKey
from surewrite.commit import slots
from surewrite.commit.slots import MAX_CLAIMS, Slot, attribute, claim_action, move_request, short

SLOT = "queue:q#t17672256001"


def entries(count: int) -> list[tuple[str, bytes | None]]:
    return [(attribute(IdempotencyKey("queue:q", f"k{number}")), short(f"f{number}")) for number in range(count)]


def test_a_keys_attribute_is_part_of_its_hash() -> None:
    key = IdempotencyKey("queue:q", "order-17")
    assert attribute(key) == "cqkOo9qLXdAb"
    assert base64.urlsafe_b64decode(attribute(key)) == hashlib.sha256(b"order-17").digest()[:9]
    assert short("f") == hashlib.sha256(b"f").digest()[:4]


@given(
    st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40), unique=True, max_size=50)
)
def test_no_key_has_another_ones_attribute(keys: list[str]) -> None:
    """Nor can one be called as what else a slot holds."""
    names = {attribute(IdempotencyKey("queue:q", key)) for key in keys}
    assert len(names) == len(keys)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{12}", name) for name in names)


def test_a_claim_of_one_key() -> None:
    ((name, value),) = entries(1)
    assert claim_action("Ledger", SLOT, [(name, value)], 1_800_000_000, 512) == {
        "Update": {
            "TableName": "Ledger",
            "Key": {"id": {"S": SLOT}},
            "UpdateExpression": "SET #0=:0,expires_at=:e ADD n :m",
            "ConditionExpression": "attribute_not_exists(#0) AND (attribute_not_exists(n) OR n<:close)",
            "ExpressionAttributeNames": {"#0": name},
            "ExpressionAttributeValues": {
                ":0": {"B": value},
                ":e": {"N": "1800000000"},
                ":m": {"N": "1"},
                ":close": {"N": "512"},
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def test_a_claim_of_a_key_and_a_mark() -> None:
    (first, value), (second, _) = entries(2)
    update = claim_action("Ledger", SLOT, [(first, value), (second, None)], 9, 512)["Update"]
    assert update["UpdateExpression"] == "SET #0=:0,#1=:1,expires_at=:e ADD n :m"
    free = "attribute_not_exists(#0) AND attribute_not_exists(#1) AND (attribute_not_exists(n) OR n<:close)"
    assert update["ConditionExpression"] == free
    assert update["ExpressionAttributeNames"] == {"#0": first, "#1": second}
    values = update["ExpressionAttributeValues"]
    assert (values[":0"], values[":1"], values[":m"]) == ({"B": value}, {"NULL": True}, {"N": "2"})


# "Expression parameters" of "Service, account, and table quotas in Amazon DynamoDB"
_MAX_EXPRESSION, _MAX_OPERATORS = 4096, 300


def operators(expression: str) -> int:
    return len(re.findall(r"attribute_not_exists|\bAND\b|\bOR\b|[<>=]+|\bADD\b|\bSET\b|,", expression))


def test_as_many_keys_as_one_action_can_claim() -> None:
    update = claim_action("Ledger", SLOT, entries(MAX_CLAIMS), 9, 512)["Update"]
    for member in ("ConditionExpression", "UpdateExpression"):
        assert len(update[member]) <= _MAX_EXPRESSION
        assert operators(update[member]) <= _MAX_OPERATORS
    assert len(update["ExpressionAttributeNames"]) == MAX_CLAIMS
    assert len(update["ExpressionAttributeValues"]) == MAX_CLAIMS + 3


def test_a_closed_slot_is_moved_as_long_as_it_does_not_hold_the_keys() -> None:
    assert move_request("Ledger", Slot(SLOT, {}, 512, 3), ["a", "b"], 9, 512) == {
        "TableName": "Ledger",
        "Key": {"id": {"S": SLOT}},
        "UpdateExpression": "SET expires_at=:e",
        "ConditionExpression": "expires_at<:e AND n>=:close AND attribute_not_exists(#0) AND attribute_not_exists(#1)",
        "ExpressionAttributeNames": {"#0": "a", "#1": "b"},
        "ExpressionAttributeValues": {":e": {"N": "9"}, ":close": {"N": "512"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def test_a_slot_with_marks_is_moved_as_long_as_it_has_them() -> None:
    request = move_request("Ledger", Slot(SLOT, {"a": None, "b": None, "c": None}, 3, 3), ["a", "b"], 9, 512)
    assert request["ConditionExpression"] == "expires_at<:e AND #0=:mark AND #1=:mark"
    assert request["ExpressionAttributeNames"] == {"#0": "a", "#1": "b"}
    assert request["ExpressionAttributeValues"] == {":e": {"N": "9"}, ":mark": {"NULL": True}}


def test_a_closed_slot_with_marks_is_moved() -> None:
    request = move_request("Ledger", Slot(SLOT, {"b": None}, 512, 3), ["a", "b"], 9, 512)
    assert request["ConditionExpression"] == "expires_at<:e AND #1=:mark AND n>=:close AND attribute_not_exists(#0)"


def test_as_many_keys_as_one_transaction_can_claim_by_record() -> None:
    names = [name for name, _ in entries(100)]
    condition = move_request("Ledger", Slot(SLOT, {}, 512, 3), names, 9, 512)["ConditionExpression"]
    assert len(condition) <= _MAX_EXPRESSION
    assert operators(condition) <= _MAX_OPERATORS


def test_how_a_slot_is_read() -> None:
    item = {"id": {"S": SLOT}, "n": {"N": "2"}, "expires_at": {"N": "9"}, "a": {"B": b"1234"}, "b": {"NULL": True}}
    assert Slot.from_wire(SLOT, item) == Slot(SLOT, {"a": b"1234", "b": None}, 2, 9)


@pytest.mark.parametrize("item", [None, {}, {"id": {"S": SLOT}}], ids=repr)
def test_a_slot_that_is_missing_is_empty(item: Any) -> None:
    assert Slot.from_wire(SLOT, item) == Slot(SLOT, {}, 0, 0)


@pytest.mark.parametrize(
    ("size", "excluded"),
    [(4, {"held": False, "marked": True, "other": False}), (5, {"held": False, "marked": True, "other": True})],
)
def test_which_keys_a_slot_excludes(size: int, excluded: dict[str, bool]) -> None:
    slot = Slot(SLOT, {"held": b"1234", "marked": None}, size, 9)
    assert {name: slot.excludes(name, 5) for name in excluded} == excluded


def test_a_day_is_the_margin() -> None:
    assert slots.MARGIN == 24 * 60 * 60
