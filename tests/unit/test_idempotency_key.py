"""Which keys carry a time, and which one."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surewrite import IdempotencyKey, Ledger

TIME = 1_767_225_600_123
YEAR_2010, YEAR_2100 = 1_262_304_000_000, 4_102_444_800_000
MESSAGE_ID = "2e1424d4-f796-459a-8184-9c92662be6da"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def uuid7(time: int, version: int = 7, variant: str = "9") -> str:
    digits = f"{time:012x}"
    return f"{digits[:8]}-{digits[8:]}-{version:x}abc-{variant}123-0123456789ab"


def ulid(time: int, randomness: str = "0123456789ABCDEF") -> str:
    return "".join(CROCKFORD[time >> shift & 31] for shift in range(45, -1, -5)) + randomness


def timestamp(key: str) -> int | None:
    return IdempotencyKey("queue:q", key).timestamp


TIMED = {
    "UUIDv7": uuid7(TIME),
    "UUIDv7 in capitals": uuid7(TIME).upper(),
    "ULID": ulid(TIME),
    "ULID in small letters": ulid(TIME).lower(),
    "ULID with every letter": ulid(TIME, CROCKFORD[16:]),
    "a message's own": f"{TIME}-{MESSAGE_ID}",
    "digits and any text": f"{TIME}-é",
    "of 255 characters": f"{TIME}-{'x' * 241}",
}


@pytest.mark.parametrize("prefix", ["", "group ", " ", "gröup/1 ", "x" * 200 + " "], ids=repr)
@pytest.mark.parametrize("kind", TIMED)
def test_keys_that_carry_their_time(kind: str, prefix: str) -> None:
    key = TIMED[kind]
    if len(prefix + key) <= 255:
        assert timestamp(prefix + key) == TIME


@pytest.mark.parametrize("variant", "89abAB")
def test_the_variants_of_a_uuid(variant: str) -> None:
    assert timestamp(uuid7(TIME, variant=variant)) == TIME


def test_published_examples() -> None:
    """RFC 9562, appendix A.6, and the ULID specification's README."""
    assert timestamp("017F22E2-79B0-7CC3-98C4-DC0C0C07398F") == 1_645_557_742_000
    assert timestamp("01ARZ3NDEKTSV4RRFFQ69G5FAV") == 1_469_922_850_259


NOT_TIMED = {
    "UUIDv1": "c232ab00-9414-11ec-b3c8-9f6bdeced846",
    "UUIDv4": str(uuid.UUID(int=7, version=4)),
    "UUIDv6": uuid7(TIME, version=6),
    "UUIDv8": uuid7(TIME, version=8),
    "another variant of a UUID": uuid7(TIME, variant="c"),
    "an old variant of a UUID": uuid7(TIME, variant="7"),
    "a UUID without hyphens": uuid7(TIME).replace("-", ""),
    "a UUID in braces": f"{{{uuid7(TIME)}}}",
    "a URN": f"urn:uuid:{uuid7(TIME)}",
    "a UUID and a digit more": uuid7(TIME) + "0",
    "a UUID with its hyphens elsewhere": uuid7(TIME).replace("-", "", 1) + "-",
    "KSUID": "0ujtsYcgvSTl8PAuAdqWYSMnLOv",
    "a ULID of 25 characters": ulid(TIME)[:-1],
    "a ULID of 27 characters": ulid(TIME) + "0",
    "a ULID that overflows": "8" + ulid(TIME)[1:],
    **{f"a ULID with {letter}": ulid(TIME)[:-1] + letter for letter in "ILOUilou"},
    "12 digits": f"{TIME // 10}-{MESSAGE_ID}",
    "14 digits": f"{TIME}0-{MESSAGE_ID}",
    "seconds": f"{TIME // 1000}-{MESSAGE_ID}",
    "digits alone": str(TIME),
    "digits and a hyphen": f"{TIME}-",
    "digits and a space": f"{TIME}-a b",
    "two groups": f"a b {TIME}-{MESSAGE_ID}",
    "two spaces": f"group  {TIME}-{MESSAGE_ID}",
    "a space behind it": f"{TIME}-{MESSAGE_ID} ",
    "a text before it": f"order-{uuid7(TIME)}",
    "Arabic digits": "".join(chr(ord(digit) + 0x630) for digit in str(TIME)) + f"-{MESSAGE_ID}",
    "Arabic digits in a UUID": uuid7(TIME).replace("0", "\u0660"),
    "a long s in a ULID": ulid(TIME)[:-1] + "\u017f",
    "a Kelvin sign in a ULID": ulid(TIME)[:-1] + "\u212a",
    "a text": "order-17",
    "a digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}


@pytest.mark.parametrize("kind", NOT_TIMED)
def test_keys_that_only_look_as_if(kind: str) -> None:
    assert timestamp(NOT_TIMED[kind]) is None


@pytest.mark.parametrize(
    ("time", "carried"), [(YEAR_2010 - 1, False), (YEAR_2010, True), (YEAR_2100 - 1, True), (YEAR_2100, False)]
)
@pytest.mark.parametrize("form", [uuid7, ulid, lambda time: f"{time}-{MESSAGE_ID}"], ids=["UUIDv7", "ULID", "digits"])
def test_a_time_that_no_key_of_today_can_have_is_chance(form: object, time: int, carried: bool) -> None:
    assert callable(form)
    assert timestamp(form(time)) == (time if carried else None)


@given(st.integers(YEAR_2010, YEAR_2100 - 1))
def test_every_form_carries_the_same_time(time: int) -> None:
    assert {timestamp(key) for key in (uuid7(time), ulid(time), f"{time}-x")} == {time}


def test_the_time_is_no_part_of_the_key() -> None:
    """One that was asked for its time equals one that was not."""
    asked, not_asked = (IdempotencyKey("queue:q", uuid7(TIME)) for _ in range(2))
    assert asked.timestamp == TIME
    assert asked == not_asked
    assert hash(asked) == hash(not_asked)
    assert "time" not in repr(asked)


# --- what is packed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "key", "slot"),
    [
        ("queue:orders", uuid7(TIME), "queue:orders#t17672256001"),
        ("queue:", uuid7(TIME), "queue:#t17672256001"),
        ("queue:orders", "order-17", None),
        ("orders", uuid7(TIME), None),
        ("work:queue:orders", uuid7(TIME), None),
        ("QUEUE:orders", uuid7(TIME), None),
    ],
)
def test_the_slot_of_a_key(scope: str, key: str, slot: str | None) -> None:
    assert Ledger("Ledger").slot(IdempotencyKey(scope, key)) == slot
    assert Ledger("Ledger", packing=False).slot(IdempotencyKey(scope, key)) is None


@pytest.mark.parametrize(("width", "number"), [(1, TIME), (100, TIME // 100), (3_600_000, TIME // 3_600_000)])
def test_a_slot_is_as_wide_as_the_ledger_says(width: int, number: int) -> None:
    assert Ledger("Ledger", slot_ms=width).slot(IdempotencyKey("queue:q", uuid7(TIME))) == f"queue:q#t{number}"


def test_slots_begin_and_end_with_their_width() -> None:
    ledger = Ledger("Ledger", slot_ms=100)
    start = TIME // 100 * 100
    ids = [ledger.slot(IdempotencyKey("queue:q", uuid7(start + offset))) for offset in (-1, 0, 99, 100)]
    assert ids[1] == ids[2]
    assert len(set(ids)) == 3


def test_a_long_scope_is_hashed_and_still_a_queues() -> None:
    """A record's id has at most 2,048 bytes."""
    scopes = ["queue:" + "é" * 2000, "queue:" + "é" * 1999 + "e"]
    ids = [Ledger("Ledger").slot(IdempotencyKey(scope, uuid7(TIME))) for scope in scopes]
    assert all(one is not None and len(one.encode()) <= 2048 for one in ids)
    assert len(set(ids)) == 2


@given(
    scopes=st.tuples(*[st.text("ab#t:12", max_size=6).map("queue:".__add__)] * 2),
    times=st.tuples(*[st.integers(0, 30)] * 2),
)
def test_no_two_scopes_share_an_id(scopes: tuple[str, str], times: tuple[int, int]) -> None:
    """Neither a slot nor a record: no queue's keys can be anything to another's."""
    ledger = Ledger("Ledger", slot_ms=10)
    keys = [IdempotencyKey(scope, uuid7(TIME + time)) for scope, time in zip(scopes, times, strict=True)]
    slots, records = [ledger.slot(key) for key in keys], [key.record_id for key in keys]
    assert (slots[0] == slots[1]) == (scopes[0] == scopes[1] and len({(TIME + time) // 10 for time in times}) == 1)
    assert not {*slots} & {*records}
