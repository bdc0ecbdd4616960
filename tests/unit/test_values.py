from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from surewrite.errors import InvalidJSON
from surewrite.model.json import dumps, loads
from surewrite.model.wire import from_wire, item_size, number, number_text, to_wire
from surewrite.paths import MAX_DEPTH

DIGITS = "0.12345678901234567890123456789012345678"


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ("", {"S": ""}),
        ("é", {"S": "é"}),
        (b"\x00\xff", {"B": b"\x00\xff"}),
        (Decimal("-1.5"), {"N": "-1.5"}),
        (True, {"BOOL": True}),
        (False, {"BOOL": False}),
        (None, {"NULL": True}),
        ({"b", "a"}, {"SS": ["a", "b"]}),
        ({Decimal(10), Decimal("2.5")}, {"NS": ["2.5", "10"]}),
        ({b"b", b"a"}, {"BS": [b"a", b"b"]}),
        ([], {"L": []}),
        ([None, [Decimal(1)]], {"L": [{"NULL": True}, {"L": [{"N": "1"}]}]}),
        ({}, {"M": {}}),
        ({"a": {"b": "c"}}, {"M": {"a": {"M": {"b": {"S": "c"}}}}}),
    ],
)
def test_every_type_goes_both_ways(value: Any, wire: dict[str, Any]) -> None:
    assert to_wire(value) == wire
    back = from_wire(wire)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (7, {"N": "7"}),
        (0.1, {"N": "0.1"}),
        (bytearray(b"a"), {"B": b"a"}),
        (memoryview(b"a"), {"B": b"a"}),
        (frozenset({1, Decimal("0.5")}), {"NS": ["0.5", "1"]}),
        ((1, "a"), {"L": [{"N": "1"}, {"S": "a"}]}),
    ],
)
def test_pythons_other_types_are_taken_too(value: Any, wire: dict[str, Any]) -> None:
    assert to_wire(value) == wire


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (set(), "a set cannot be empty"),
        ({"a", 1}, "the members of a set must all be strings, all numbers or all bytes"),
        ({True}, "the members of a set must all be strings, all numbers or all bytes"),
        (object(), "object is not a DynamoDB type"),
        (1j, "complex is not a DynamoDB type"),
        (float("nan"), "not a finite number"),
        (Decimal("Infinity"), "not a finite number"),
        (10**38 + 1, "more than 38 significant digits"),
        (Decimal("1E126"), "outside the range of a DynamoDB number (1E-130 to 9.9E+125)"),
        (Decimal("-9E-131"), "outside the range of a DynamoDB number (1E-130 to 9.9E+125)"),
    ],
)
def test_what_dynamodb_would_refuse(value: Any, reason: str) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        to_wire(value)
    assert str(caught.value) == reason


@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: {"a": value}])
def test_nesting_ends_at_32_levels(wrap: Callable[[Any], Any]) -> None:
    value: Any = "leaf"
    for _ in range(MAX_DEPTH):
        value = wrap(value)
    assert from_wire(to_wire(value)) == value
    with pytest.raises(ValueError, match="nested deeper than 32 levels"):
        to_wire(wrap(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.50"), "1.5"),
        (Decimal("-0.0"), "0"),
        (Decimal("100"), "100"),
        (Decimal("1E+20"), "1" + "0" * 20),
        (Decimal("1E+21"), "1E+21"),
        (Decimal("1E-6"), "0.000001"),
        (Decimal("9" * 38), "9" * 38),
        (Decimal("9" * 38 + "E+88"), "9." + "9" * 37 + "E+125"),
        (Decimal("1E-130"), "1E-130"),
        (Decimal(DIGITS), DIGITS),
    ],
)
def test_a_numbers_shortest_text(value: Decimal, text: str) -> None:
    assert number_text(value) == text
    assert Decimal(text) == value


def test_trailing_zeros_are_no_digits() -> None:
    assert number(Decimal("1" + "0" * 60)) == Decimal("1E+60")
    assert number(10**50).as_tuple().digits == (1,)


@pytest.mark.parametrize(
    "text", ["0", "-7", DIGITS, "-" + DIGITS, "9" * 38, "12345678901234567890.123456789012345678", "1E-130", "1.5E+125"]
)
def test_38_digits_from_json_text_to_the_wire_and_back(text: str) -> None:
    wire = to_wire(loads(text))
    assert wire == {"N": text}
    assert dumps(from_wire(wire)) == text


_RANGE = "outside the range of a DynamoDB number (1E-130 to 9.9E+125)"
_DIGITS = "more than 38 significant digits"
_UNICODE = "not valid UTF-8, or half a surrogate pair"


@pytest.mark.parametrize(
    ("text", "pointer", "reason"),
    [
        ("", "", "empty, JSON is needed"),
        (b" \n", "", "empty, JSON is needed"),
        ('{"a": }', "", "not JSON: Expecting value at line 1, column 7"),
        ("NaN", "", "NaN is not JSON"),
        ('{"set": {"Price": [1, -Infinity]}}', "/set/Price/1", "-Infinity is not JSON"),
        ('{"a": 1e126}', "/a", _RANGE),
        ("[0, 1e99999999999999999999]", "/1", _RANGE),
        ('{"a": {"b": ' + "1" * 39 + "}}", "/a/b", _DIGITS),
        ("1" * 5000, "", _DIGITS),
        ("0." + "1" * 39, "", _DIGITS),
        ('{"add": {"Views": 1, "Views": 5}}', "/add/Views", "the name stands there twice"),
        ('"\\ud800"', "", _UNICODE),
        ('{"\\uDC00": 1}', "", _UNICODE),
        ('"\ud800"', "", _UNICODE),
        (b'"\xff"', "", _UNICODE),
        ("[" * 100_000, "", "nested too deeply"),
        ("[" * 101 + "]" * 101, "", "nested too deeply"),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_text_that_is_not_json_or_cannot_be_kept(text: str | bytes, pointer: str, reason: str) -> None:
    with pytest.raises(InvalidJSON) as caught:
        loads(text)
    assert [(problem.pointer, problem.reason) for problem in caught.value.problems] == [(pointer, reason)]


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert loads('"\\ud83d\\ude00"') == "😀"


def test_json_of_an_image_is_compact_and_deterministic() -> None:
    image = {"n": Decimal("1.10"), "s": {"b", "a"}, "B": b"\x00\xff", "l": [None, True, False, {}], "t": '"\\\n\u2028é'}
    text = '{"n":1.1,"s":["a","b"],"B":"AP8=","l":[null,true,false,{}],"t":"\\"\\\\\\n\u2028é"}'
    assert dumps(image) == text
    assert dumps([]) == "[]"


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("é", 2),
        (b"abc", 3),
        (True, 1),
        (None, 1),
        ({"a", "bcd"}, 4),
        ({b"a", b"bcd"}, 4),
        ([], 3),
        ({}, 3),
        (["ab"], 3 + 1 + 2),
        ({"né": "ab"}, 3 + 3 + 1 + 2),
    ],
)
def test_sizes_are_those_of_the_guide(value: Any, size: int) -> None:
    assert item_size({"name": to_wire(value)}) == 4 + size


def test_a_number_counts_at_least_a_byte_for_two_digits() -> None:
    assert item_size({"n": to_wire(Decimal("1" * 38))}) == 1 + 21
    assert item_size({"n": to_wire({1, 22})}) == 1 + 2 + 3
