import json
from decimal import Decimal
from typing import Any

import pytest

from surewrite import IdempotencyKey, Ledger, Outcome
from surewrite.commit.outcome import MAX_OUTCOME_BYTES
from surewrite.commit.placement import Placement, Standing
from surewrite.commit.records import Claim, Record
from surewrite.errors import Conflict, InvalidKey, Problem
from surewrite.model.wire import image_to_wire

NOW = 1_700_000_000.9
KEY = IdempotencyKey("alice", "order-17")
ID = "alice#OKUQ5I62RNO5AG66F4TTCTQC4IL7SNIY"


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("Ledger", retention=60, clock=lambda: NOW)


def test_a_records_id() -> None:
    assert KEY.record_id == ID
    assert len(KEY.record_id) == len("alice#") + 32


def test_ids_differ_by_scope_and_by_key() -> None:
    keys = [
        KEY,
        IdempotencyKey("bob", "order-17"),
        IdempotencyKey("alice", "order-18"),
        IdempotencyKey("alice", "Order-17"),
    ]
    assert len({key.record_id for key in keys}) == 4


@pytest.mark.parametrize("key", ["x", "x" * 255, "é 😀 ~!"])
def test_keys(key: str) -> None:
    assert IdempotencyKey("s", key).key == key


@pytest.mark.parametrize("key", ["", "x" * 256, "a\n", "a\x00", "\x7f", "\ud800"], ids=repr)
def test_keys_that_are_no_keys(key: str) -> None:
    with pytest.raises(InvalidKey) as caught:
        IdempotencyKey("s", key)
    assert caught.value.problems == (Problem(("idempotency_key",), "1 to 255 printable characters are needed"),)


def test_a_claim_is_a_put_where_nothing_stands(ledger: Ledger) -> None:
    (action,) = Placement(ledger).plan([Claim(KEY, "f", "o")]).actions()
    assert action == {
        "Put": {
            "TableName": "Ledger",
            "Item": {
                "id": {"S": ID},
                "fingerprint": {"S": "f"},
                "outcome": {"S": "o"},
                "expires_at": {"N": "1700000060"},
            },
            "ConditionExpression": (
                "attribute_not_exists(id) OR expires_at <= :now"
                " OR attribute_exists(rejected) OR attribute_exists(pending_since)"
            ),
            "ExpressionAttributeValues": {":now": {"N": "1700000000"}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def test_a_claim_without_an_outcome_stores_none(ledger: Ledger) -> None:
    (action,) = Placement(ledger).plan([Claim(KEY, "f")]).actions()
    assert action["Put"]["Item"].keys() == {"id", "fingerprint", "expires_at"}


def test_a_rejection_stores_the_reason(ledger: Ledger) -> None:
    (action,) = Placement(ledger).plan([Claim(KEY, "f", rejected="no stock")]).actions()
    request = action["Update"]
    assert request["Key"] == {"id": {"S": ID}}
    set_ = "SET fingerprint = :fingerprint, expires_at = :expires_at, rejected = :rejected"
    assert request["UpdateExpression"] == f"{set_} REMOVE outcome, pending_since"
    stored = {name: value for name, value in request["ExpressionAttributeValues"].items() if name != ":now"}
    assert stored == {
        ":fingerprint": {"S": "f"},
        ":rejected": {"S": "no stock"},
        ":expires_at": {"N": "1700000060"},
    }


def test_a_rejection_remembers_its_message_beside_others(ledger: Ledger) -> None:
    (action,) = Placement(ledger).plan([Claim(KEY, "f", source="m1", rejected="no stock")]).actions()
    request = action["Update"]
    assert request["UpdateExpression"].endswith(" ADD message_ids :message_ids")
    assert request["ExpressionAttributeValues"][":message_ids"] == {"SS": ["m1"]}


@pytest.mark.parametrize(("expires", "stands"), [(1_700_000_000, False), (1_700_000_001, True)])
def test_an_expired_record_counts_as_absent(ledger: Ledger, expires: int, stands: bool) -> None:
    item = image_to_wire({"id": ID, "fingerprint": "f", "expires_at": Decimal(expires)})
    assert ledger.standing(item) == (Record("f", None, None, expires) if stands else None)
    assert ledger.standing(None) is None


def test_the_verdicts_of_a_cancellation(ledger: Ledger) -> None:
    later = int(NOW) + 9
    stood = image_to_wire({"id": "x", "fingerprint": "f", "outcome": "o", "expires_at": Decimal(later)})
    reasons: list[dict[str, Any]] = [
        {"Code": "None"},
        {"Code": "ConditionalCheckFailed", "Item": stood},
        {"Code": "TransactionConflict"},
    ]
    claims = [Claim(IdempotencyKey("s", str(index)), "f") for index in range(2)]
    assert Placement(ledger).plan(claims).standings(reasons[:2]) == [
        Standing(),
        Standing(Record("f", "o", None, later)),
    ]


EVERY_TYPE: dict[str, Any] = {
    "S": "é",
    "N": Decimal("0.12345678901234567890123456789012345678"),
    "B": b"\x00\xff",
    "BOOL": True,
    "NULL": None,
    "SS": {"a", "b"},
    "NS": {Decimal(1), Decimal("1E+30")},
    "BS": {b"\x00", b"\xff"},
    "L": [Decimal(1), [b"x", {b"y"}]],
    "M": {"m": {"b": b"\x01", "empty": {}, "list": []}},
}


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(),
        Outcome(None, None, True),
        Outcome({}, "v1"),
        Outcome(EVERY_TYPE, "v1", True),
    ],
    ids=["nothing", "created", "empty", "every type"],
)
def test_an_outcome_comes_back_from_its_record(outcome: Outcome) -> None:
    text = outcome.stored()
    assert Outcome.load(text) == outcome
    assert Outcome.load(text).dump() == text
    json.loads(text)


def test_how_an_outcome_was_found_is_not_stored() -> None:
    outcome = Outcome({"a": "b"}, "v1", replayed=True, consumed=({"CapacityUnits": 1},))
    assert Outcome.load(outcome.dump()) == Outcome({"a": "b"}, "v1")
    assert Outcome().as_replay().replayed


def test_an_outcome_that_is_too_large_is_left_out() -> None:
    rest = len(Outcome({"a": ""}, "v1").dump())
    fits = Outcome({"a": "x" * (MAX_OUTCOME_BYTES - rest)}, "v1")
    assert len(fits.stored()) == MAX_OUTCOME_BYTES
    too_large = Outcome({"a": "x" * (MAX_OUTCOME_BYTES - rest - 1) + "é"}, "v1")
    assert len(too_large.dump()) == MAX_OUTCOME_BYTES
    assert Outcome.load(too_large.stored()) == Outcome(current=True)


@pytest.mark.parametrize(
    ("source", "rejected", "message_id", "barred"),
    [
        (None, None, None, True),
        ("m1", None, None, True),
        (None, "no", "m1", False),
        ("m2", "no", "m1", False),
        ("m1", "no", "m1", True),
        (None, "no", None, False),
    ],
)
def test_what_bars_a_claim(source: str | None, rejected: str | None, message_id: str | None, barred: bool) -> None:
    """A key that is used, and the rejection of that very message."""
    record = Record("f", None, rejected, 0, frozenset() if message_id is None else frozenset({message_id}))
    assert Claim(KEY, "f", source=source).barred_by(record) == barred
    assert not Claim(KEY, "f", source=source).barred_by(None)


@pytest.mark.parametrize("record", [None, {"rejected": "no", "message_ids": {"m2"}}])
def test_an_obstacle_that_is_gone_when_it_is_read_leaves_the_key_undecided(ledger: Ledger, record: Any) -> None:
    claim = Claim(KEY, "f", source="m1")
    item = None if record is None else image_to_wire({"id": ID, "expires_at": Decimal(NOW) + 9, **record})
    (standing,) = Placement(ledger).plan([claim]).standings([{"Code": "ConditionalCheckFailed", "Item": item}])
    assert isinstance(standing.undecided, Conflict)
