"""Conditions from JSON and back; what they are worth on an item is compared with the engine elsewhere."""

from decimal import Decimal
from typing import Any

import boto3.dynamodb.conditions as boto3
import pytest

from surewrite import attr
from surewrite.errors import InvalidCondition, Problem
from surewrite.expressions.accepted import as_condition
from surewrite.expressions.condition_json import condition_from_json
from surewrite.expressions.conditions import Condition, all_of, render_condition
from surewrite.expressions.evaluate import evaluate
from surewrite.expressions.placeholders import Placeholders
from tests.conditions import condition_to_json
from tests.unit.samples import Sample

A: Any = attr


@pytest.mark.parametrize(
    ("json", "condition"),
    [
        ({"Count": {"eq": 1}}, A("Count").eq(1)),
        ({"Count": {"ne": 1}}, A("Count").ne(1)),
        ({"Count": {"lt": 1}}, A("Count").lt(1)),
        ({"Count": {"le": 1}}, A("Count").lte(1)),
        ({"Count": {"gt": 1}}, A("Count").gt(1)),
        ({"Count": {"ge": 1}}, A("Count").gte(1)),
        ({"Count": {"between": [1, 2]}}, A("Count").between(1, 2)),
        ({"Count": {"in": [1, 2]}}, A("Count").is_in([1, 2])),
        ({"name": {"begins_with": "a"}}, A("name").begins_with("a")),
        ({"name": {"contains": "a"}}, A("name").contains("a")),
        ({"words": {"contains": "a"}}, A("words").contains("a")),
        ({"numbers": {"contains": 1}}, A("numbers").contains(1)),
        ({"blobs": {"contains": "/w=="}}, A("blobs").contains(b"\xff")),
        ({"raw": {"begins_with": "/w=="}}, A("raw").begins_with(b"\xff")),
        ({"home.city": {"exists": True}}, A("home.city").exists()),
        ({"home.city": {"exists": False}}, A("home.city").not_exists()),
        ({"home.city": {"not_exists": True}}, A("home.city").not_exists()),
        ({"home.city": {"not_exists": False}}, A("home.city").exists()),
        ({"places[0]": {"type": "M"}}, A("places[0]").attribute_type("M")),
        ({"words": {"size": {"lt": 3}}}, A("words").size().lt(3)),
        ({"words": {"size": {"between": [1, 3]}}}, A("words").size().between(1, 3)),
        ({"words": {"size": {"ge": 1, "le": 3}}}, A("words").size().gte(1) & A("words").size().lte(3)),
        ({"extras.`a.b`.`c[0]`": {"eq": 1}}, A(["extras", "a.b", "c[0]"]).eq(1)),
        ({"extras.x": {"contains": "abcd"}}, A("extras.x").contains("abcd")),
        ({"words": {"eq": ["a", "b"]}}, A("words").eq({"a", "b"})),
        ({"flag": {"eq": True}}, A("flag").eq(True)),
        ({"price": {"eq": None}}, A("price").eq(None)),
        ({"work": {"eq": {"city": "x"}}}, A("work").eq({"city": "x", "floor": 0})),
        ({"Count": {"ge": 1, "lt": 5}}, A("Count").gte(1) & A("Count").lt(5)),
        ({"Count": {"eq": 1}, "name": {"eq": "a"}}, A("Count").eq(1) & A("name").eq("a")),
        ({"or": [{"Count": {"eq": 1}}, {"flag": {"eq": True}}]}, A("Count").eq(1) | A("flag").eq(True)),
        ({"and": [{"Count": {"eq": 1}}, {"flag": {"eq": True}}]}, A("Count").eq(1) & A("flag").eq(True)),
        ({"and": [{"Count": {"eq": 1}}]}, A("Count").eq(1)),
        ({"not": {"Count": {"eq": 1}}}, ~A("Count").eq(1)),
        ({"Count": {"lt": -1}}, A("Count").lt(-1)),
        ({"id": {"exists": True}}, A("id").exists()),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else None,
)
def test_every_operator_from_json(json: Any, condition: Condition) -> None:
    read = condition_from_json(Sample, json)
    assert expression(read) == expression(condition)
    # written back it may have another form, but it is read as the same condition
    assert expression(condition_from_json(Sample, _sendable(condition_to_json(read)))) == expression(condition)


def expression(condition: Condition) -> Any:
    place = Placeholders()
    return render_condition(condition, place), place


def _sendable(value: Any) -> Any:
    """As it would be sent: sets as arrays, binary values as base64."""
    if isinstance(value, dict):
        return {name: _sendable(member) for name, member in value.items()}
    if isinstance(value, list | set):
        return [_sendable(member) for member in value]
    return "/w==" if value == b"\xff" else value


@pytest.mark.parametrize(
    ("condition", "json"),
    [
        (A("a").eq(1), {"a": {"eq": Decimal(1)}}),
        (A("a").exists(), {"a": {"exists": True}}),
        (A("a").not_exists(), {"a": {"exists": False}}),
        (A("a").between(1, 2), {"a": {"between": [Decimal(1), Decimal(2)]}}),
        (A("a").is_in(["x"]), {"a": {"in": ["x"]}}),
        (A("a.b[0]").size().lt(2), {"a.b[0]": {"size": {"lt": Decimal(2)}}}),
        (A("a").lt(A("b")), {"a": {"lt": {"attribute": "b"}}}),
        (~(A("a").eq(1) | A("b").eq(2)), {"not": {"or": [{"a": {"eq": Decimal(1)}}, {"b": {"eq": Decimal(2)}}]}}),
    ],
)
def test_conditions_to_json(condition: Condition, json: Any) -> None:
    assert condition_to_json(condition) == json


OPERATORS = (
    "unknown operator; there are eq, ne, lt, le, gt, ge, between, in, begins_with, contains, exists, not_exists, "
    "type, size"
)
EMPTY = "an object with at least one condition is needed"
LIST = "a list of conditions is needed"


@pytest.mark.parametrize(
    ("json", "location", "reason"),
    [
        (None, (), EMPTY),
        ([], (), EMPTY),
        ({}, (), EMPTY),
        ({"and": []}, ("and",), LIST),
        ({"or": {"Count": {"eq": 1}}}, ("or",), LIST),
        ({"or": [{"Count": {"eq": 1}}, {}]}, ("or", 1), EMPTY),
        ({"not": []}, ("not",), EMPTY),
        ({"zzz": {"eq": 1}}, ("zzz",), "unknown attribute"),
        ({"count": {"eq": 1}}, ("count",), "unknown attribute, did you mean Count?"),
        ({"home.town": {"eq": 1}}, ("home.town",), "the model has nothing at this path"),
        ({"a..b": {"eq": 1}}, ("a..b",), "not a document path; write it like Formats.Audiobook or items[1].qty"),
        ({"": {"eq": 1}}, ("",), "not a document path; write it like Formats.Audiobook or items[1].qty"),
        ({"Count": 1}, ("Count",), 'operators are needed, as in {"eq": 10}'),
        ({"Count": {}}, ("Count",), 'operators are needed, as in {"eq": 10}'),
        ({"Count": {"=": 1}}, ("Count", "="), OPERATORS),
        ({"Count": {"eq": "1"}}, ("Count", "eq"), "a number is needed"),
        ({"Count": {"eq": True}}, ("Count", "eq"), "a number is needed"),
        ({"name": {"eq": 1}}, ("name", "eq"), "a string is needed"),
        ({"raw": {"eq": "?"}}, ("raw", "eq"), "base64 is needed"),
        ({"words": {"eq": "a"}}, ("words", "eq"), "an array is needed"),
        ({"words": {"eq": []}}, ("words", "eq"), "a set cannot be empty"),
        (
            {"extras.x": {"eq": Decimal("1E200")}},
            ("extras.x", "eq"),
            "outside the range of a DynamoDB number (1E-130 to 9.9E+125)",
        ),
        ({"Count": {"between": [1]}}, ("Count", "between"), "[lowest, highest] is needed"),
        ({"Count": {"between": 1}}, ("Count", "between"), "[lowest, highest] is needed"),
        ({"Count": {"between": [1, "2"]}}, ("Count", "between"), "a number is needed"),
        ({"Count": {"between": [2, 1]}}, ("Count", "between"), "the lowest value is above the highest"),
        ({"Count": {"in": []}}, ("Count", "in"), "a list of 1 to 100 values is needed"),
        ({"Count": {"in": [1] * 101}}, ("Count", "in"), "a list of 1 to 100 values is needed"),
        ({"Count": {"in": [1, "x"]}}, ("Count", "in"), "a number is needed"),
        ({"Count": {"begins_with": 1}}, ("Count", "begins_with"), "a string or a binary value is needed"),
        ({"flag": {"lt": True}}, ("flag", "lt"), "a string, a number or a binary value is needed"),
        ({"words": {"ge": ["a"]}}, ("words", "ge"), "a string, a number or a binary value is needed"),
        ({"price": {"gt": None}}, ("price", "gt"), "a string, a number or a binary value is needed"),
        ({"extras.x": {"between": [1, "a"]}}, ("extras.x", "between"), "two values of one type are needed"),
        (
            {"extras.x": {"between": [True, True]}},
            ("extras.x", "between"),
            "a string, a number or a binary value is needed",
        ),
        ({"words": {"contains": None}}, ("words", "contains"), "a string, a number or a boolean is needed"),
        ({"words": {"contains": ["a"]}}, ("words", "contains"), "a string, a number or a boolean is needed"),
        ({"name": {"exists": 1}}, ("name", "exists"), "true or false is needed"),
        ({"name": {"not_exists": None}}, ("name", "not_exists"), "true or false is needed"),
        ({"name": {"type": "STRING"}}, ("name", "type"), "one of B, BOOL, BS, L, M, N, NS, NULL, S, SS is needed"),
        ({"name": {"type": []}}, ("name", "type"), "one of B, BOOL, BS, L, M, N, NS, NULL, S, SS is needed"),
        ({"words": {"size": 3}}, ("words", "size"), 'comparisons of a number are needed, as in {"lt": 10}'),
        (
            {"words": {"size": {"contains": 3}}},
            ("words", "size"),
            'comparisons of a number are needed, as in {"lt": 10}',
        ),
        ({"words": {"size": {"lt": "3"}}}, ("words", "size", "lt"), "a number is needed"),
        (
            {"or": [{"and": [{"not": {"Count": {"eq": "1"}}}]}]},
            ("or", 0, "and", 0, "not", "Count", "eq"),
            "a number is needed",
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_errors_with_their_pointer(json: Any, location: tuple[str | int, ...], reason: str) -> None:
    with pytest.raises(InvalidCondition) as caught:
        condition_from_json(Sample, json)
    assert caught.value.problems == (Problem(location, reason),)


def test_nesting_is_limited() -> None:
    json: Any = {"Count": {"eq": 1}}
    for _ in range(20):
        json = {"not": json}
    condition_from_json(Sample, json)
    with pytest.raises(InvalidCondition) as caught:
        condition_from_json(Sample, {"not": json})
    assert caught.value.problems == (Problem(("not",) * 21, "nested too deeply"),)


def test_a_condition_from_python_is_checked_against_the_model() -> None:
    condition = A("home.city").exists() & A("_v").eq("x") & A("words").size().lt(A("Count"))
    assert condition_to_json(condition.bound(Sample)) == condition_to_json(condition)
    for condition in (A("zzz").eq(1), ~A("Count").eq(A("zzz")), A("zzz").size().lt(1) | A("Count").eq(1)):
        with pytest.raises(InvalidCondition) as caught:
            condition.bound(Sample)
        assert caught.value.problems == (Problem(("zzz",), "unknown attribute"),)


@pytest.mark.parametrize(
    ("condition", "paths"),
    [
        (A("work").exists(), ["work"]),
        (A("work.city").eq("x") & A("Count").gt(1), ["work.city", "Count"]),
        (A("work").not_exists(), []),
        (A("work").ne("x"), []),
        (A("work").exists() | A("Count").eq(1), []),
        (~A("work").exists(), []),
    ],
)
def test_the_paths_that_a_condition_proves(condition: Condition, paths: list[str]) -> None:
    assert [str(path) for path in condition.present()] == paths


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (A("list").eq([1]), True),
        (A("list").eq([True]), False),
        (A("map").eq({"a": True}), False),
        (A("map").eq({"a": 1}), True),
        (A("list").contains(True), False),
        (A("list").contains(1), True),
        (A("n").eq("1"), False),
        (A("n").is_in([True, "1"]), False),
        (A("text").gt("z"), True),
        (A("text").size().eq(1), True),
        (A("none").lt(1), False),
        (A("none").ne(1), True),
    ],
)
def test_evaluate_tells_types_apart(condition: Condition, holds: bool) -> None:
    image = {"list": [Decimal(1)], "map": {"a": Decimal(1)}, "n": Decimal(1), "text": "é"}
    assert evaluate(condition, image) is holds


def test_a_condition_has_at_most_4096_bytes() -> None:
    long = A("x").is_in(range(100))
    for name in "abcdefg":
        long &= A(name).is_in(range(100))
    with pytest.raises(InvalidCondition, match="longer than DynamoDB's 4096 bytes when written out"):
        render_condition(long, Placeholders())


def test_a_condition_has_at_most_300_operators() -> None:
    condition = all_of([A("a").eq(1)] * 300)
    assert condition is not None
    render_condition(condition, Placeholders())
    with pytest.raises(InvalidCondition, match="more than DynamoDB's 300 operators"):
        render_condition(condition & A("b").exists(), Placeholders())


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: A("Price").begins_with(5), "a string or a binary value is needed"),
        (lambda: A("Price").between(1, "2"), "two values of one type are needed"),
        (lambda: A("Price").between(2, 1), "the lowest value is above the highest"),
        (lambda: A("Price").between("é", "z"), "the lowest value is above the highest"),
        (lambda: A("Price").is_in([]), "a list of 1 to 100 values is needed"),
        (lambda: A("Price").is_in(range(101)), "a list of 1 to 100 values is needed"),
        (lambda: A("Price").attribute_type("ZZ"), "one of B, BOOL, BS, L, M, N, NS, NULL, S, SS is needed"),
        (lambda: A("Price").lt([1, 2]), "a string, a number or a binary value is needed"),
        (lambda: A("Price").gte(True), "a string, a number or a binary value is needed"),
        (lambda: A("words").eq(set()), "a set cannot be empty"),
        (lambda: A("Price").eq(float("nan")), "not a finite number"),
        (lambda: A("Price").eq("\ud800"), "not valid Unicode: half a surrogate pair"),
        (lambda: A("Price").lt(A("Price")), "an attribute cannot be tested against itself"),
        (lambda: A("Price").eq(A("Price") + 1), "a value or an attribute is needed"),
        (lambda: A("tags").size().lt("3"), "a number is needed"),
        (lambda: as_condition(boto3.Attr("Price").begins_with(5)), "a string or a binary value is needed"),
        (lambda: as_condition(boto3.Attr("Price").is_in([])), "a list of 1 to 100 values is needed"),
        (lambda: as_condition("Price = 5"), "a condition is needed, as in attr(name).eq(value)"),
        (lambda: as_condition(None), "a condition is needed, as in attr(name).eq(value)"),
    ],
)
def test_a_malformed_condition_is_refused_when_it_is_made(make: Any, reason: str) -> None:
    with pytest.raises(InvalidCondition) as caught:
        make()
    assert caught.value.problems == (Problem((), reason),)


B: Any = boto3.Attr


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (B("a").eq(1), A("a").eq(1)),
        (boto3.Key("a").begins_with("x"), A("a").begins_with("x")),
        (B("a.b[0]").ne(B("c")), A("a.b[0]").ne(A("c"))),
        (B("a").between(1, 2), A("a").between(1, 2)),
        (B("a").is_in([1, 2]), A("a").is_in([1, 2])),
        (B("a").contains("x"), A("a").contains("x")),
        (B("a").attribute_type("S"), A("a").attribute_type("S")),
        (B("a").exists() | B("a").not_exists(), A("a").exists() | A("a").not_exists()),
        (B("a").size().gte(1), A("a").size().gte(1)),
        (~(B("a").lt(1) & B("b").lte(2) & B("c").gt(3)), ~(A("a").lt(1) & A("b").lte(2) & A("c").gt(3))),
        ((B("a").eq(1) | B("b").eq(2)) & B("c").eq(3), (A("a").eq(1) | A("b").eq(2)) & A("c").eq(3)),
        (B("a").eq(1) & (B("b").eq(2) & B("c").eq(3)), A("a").eq(1) & (A("b").eq(2) & A("c").eq(3))),
    ],
)
def test_conditions_of_boto3_are_accepted(theirs: Any, ours: Condition) -> None:
    assert expression(as_condition(theirs)) == expression(ours)


def test_a_long_chain_of_boto3_is_no_deep_tree() -> None:
    chain: Any = B("a").eq(1)
    for _ in range(5000):
        chain = chain & B("a").eq(1)
    assert len(list(as_condition(chain).tests())) == 5001


def test_names_and_values_of_one_request_share_their_placeholders() -> None:
    place = Placeholders()
    key = render_condition(A("id").eq("x"), place)
    where = render_condition(A("id").ne("y") & A("`a.b`[0].c").exists(), place)
    assert (key, where) == ("#0 = :0", "#0 <> :1 AND attribute_exists(#1[0].#2)")
    assert place.parameters() == {
        "ExpressionAttributeNames": {"#0": "id", "#1": "a.b", "#2": "c"},
        "ExpressionAttributeValues": {":0": {"S": "x"}, ":1": {"S": "y"}},
    }


@pytest.mark.parametrize(("text", "size"), [("José", 4), ("😀", 2), ("", 0)])
def test_the_size_of_a_string_is_in_utf16_code_units(text: str, size: int) -> None:
    assert evaluate(A("name").size().eq(size), {"name": text})
