"""JSON Merge Patch as an update, against the algorithm of RFC 7396."""

import time
from decimal import Decimal
from typing import Any

import pytest

from surewrite import Update, Write, apply
from surewrite.errors import InvalidItem, InvalidRequest, InvalidUpdate, Problem
from surewrite.expressions.merge_patch import merge_actions
from surewrite.expressions.resolve import resolve
from tests.unit.samples import Sample

IMAGE: dict[str, Any] = {
    "id": "a",
    "at": Decimal(1),
    "name": "n",
    "Count": Decimal(5),
    "home": {"city": "Rome", "floor": Decimal(1)},
    "extras": {"a": {"b": "c", "d": [Decimal(1)]}, "text": "t"},
}


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


@pytest.mark.parametrize(
    "patch",
    [
        {"name": "x"},
        {"Count": None},
        {"price": None},
        {"home": {"floor": Decimal(2)}},
        {"home": {"floor": None, "city": "Oslo"}},
        {"extras": {"a": {"b": None, "e": {"f": Decimal(1)}}}},
        {"extras": {"a": {"d": [Decimal(2), None]}}},
        {"extras": {"text": {"now": "a map", "not": None}}},
        {"extras": {"text": None, "new": {"deep": {"x": None, "y": "z"}}}},
        {"prices": {"x": Decimal("1.5"), "y": None}},
        {"name": "x", "Count": Decimal(1), "home": {"city": "Bern"}, "extras": {"text": "u"}},
    ],
    ids=str,
)
def test_a_merge_is_what_the_rfc_says(patch: dict[str, Any]) -> None:
    update = Update.build(Sample, merge_actions(Sample, patch))
    resolved = resolve(update, IMAGE)
    assert apply(resolved, IMAGE) == merged(IMAGE, patch)
    assert resolved.expression.text


@pytest.mark.parametrize(
    ("patch", "problems"),
    [
        ({"zzz": 1}, [Problem(("zzz",), "unknown attribute")]),
        (
            {"Count": "1", "flag": 1},
            [Problem(("Count",), "a number is needed"), Problem(("flag",), "a boolean is needed")],
        ),
        ({"Count": -1}, [Problem(("Count",), "Input should be greater than or equal to 0")]),
        ({"name": None}, [Problem(("name",), "the model requires it, it cannot be removed")]),
        ({"id": "b"}, [Problem(("id",), "part of the primary key, which never changes")]),
        ({"home": {"town": "x"}}, [Problem(("home", "town"), "the model has nothing at this path")]),
        ({"home": {"floor": "x"}}, [Problem(("home", "floor"), "a number is needed")]),
        ({"home": {"city": None}}, [Problem(("home", "city"), "the model requires it, it cannot be removed")]),
        ({"places": [{"city": 1}]}, [Problem(("places", 0, "city"), "a string is needed")]),
        ({"words": []}, [Problem(("words",), "a set cannot be empty")]),
        ({"name": {"a": 1}}, [Problem(("name",), "a string is needed")]),
    ],
    ids=str,
)
def test_problems_lead_to_their_place_in_the_patch(patch: dict[str, Any], problems: list[Problem]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Update.build(Sample, merge_actions(Sample, patch))
    assert list(caught.value.problems) == problems


def test_a_patch_of_nothing_is_no_update() -> None:
    with pytest.raises(InvalidRequest, match="an update needs at least one action"):
        Update.build(Sample, merge_actions(Sample, {}))


def test_every_unknown_attribute_is_named() -> None:
    with pytest.raises(InvalidItem) as caught:
        merge_actions(Sample, {"zzz": 1, "count": 1})
    assert [problem.pointer for problem in caught.value.problems] == ["/zzz", "/count"]


@pytest.mark.parametrize(
    ("patch", "location"),
    [
        ({f"k{n}": n for n in range(200_000)}, ()),
        ({"extras": {f"k{n}": n for n in range(200_000)}}, ("extras",)),
        ({"extras": {f"k{n}": {"x": n} for n in range(300)}}, ("extras",)),
        ({"extras": {f"k{n}": n for n in range(200)}, "prices": {f"k{n}": n for n in range(100)}}, ()),
    ],
)
def test_more_members_than_an_expression_can_hold_are_refused_at_once(patch: Any, location: tuple[str, ...]) -> None:
    begun = time.perf_counter()
    with pytest.raises(InvalidUpdate) as caught:
        merge_actions(Sample, patch)
    assert time.perf_counter() - begun < 0.5
    reason = "more than 299 members to merge; set the whole map, or put the item"
    assert caught.value.problems == (Problem(location, reason),)


def test_what_is_too_long_where_there_is_a_map_is_refused_in_our_words() -> None:
    patch = {"extras": {f"k{n}": n for n in range(290)}}
    write = Write.update(Sample, ("a", 1), merge_actions(Sample, patch))
    write.resolved({"id": "a", "at": Decimal(1)})  # set as a whole
    with pytest.raises(InvalidUpdate) as caught:
        write.resolved({"id": "a", "at": Decimal(1), "extras": {}})
    (problem,) = caught.value.problems
    assert problem.pointer == "/extras"
    assert problem.reason.startswith("merged into the item it is longer than DynamoDB's 4096 bytes")


@pytest.mark.parametrize("levels", [30, 31, 32, 40])
def test_what_is_nested_too_deeply_is_refused_with_its_place(levels: int) -> None:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    actions = merge_actions(Sample, {"extras": {"a": value}})
    if levels < 32:
        Update.build(Sample, actions)
        return
    with pytest.raises(InvalidUpdate, match="nested deeper than 32 levels") as caught:
        Update.build(Sample, actions)
    assert caught.value.problems[0].location[0] == "extras"
