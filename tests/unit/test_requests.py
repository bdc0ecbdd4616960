"""Requests of the queue and the API: from parsed JSON to a write, or to a problem for each field that is wrong."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from surewrite import Item, PartitionKey, Write
from surewrite.errors import ConfigurationError, InvalidRequest, UnknownCollection
from surewrite.expressions.updates import Update
from surewrite.messages import parse_message
from surewrite.model.json import loads
from surewrite.requests import Catalogue, UpdateBody
from surewrite.writes import BulkWrite, Delete, Put
from tests.conditions import condition_to_json
from tests.models import MODELS, Book
from tests.unit.samples import Sample

SAMPLE_KEY = {"id": "a", "at": 1}
ANY: Any = defaultdict(lambda: Sample)
"""Every collection has the same model."""


def write(text: str) -> Write:
    """The write of a message on a sample."""
    command = parse_message(loads(text))
    result = command.to_write(ANY)
    assert isinstance(result, Write)
    return result


def test_a_put() -> None:
    made = write(
        '{"op": "put", "collection": "sample", "item": {"id": "a", "at": 1, "name": "n", "raw": "AP8=", "words": ["b"],'
        ' "blobs": ["/w=="], "price": 0.12345678901234567890123456789012345678, "work": {"city": "x", "labels": ["l"]},'
        ' "extras": {"n": 1e2}}, "when": {"Count": {"lt": 5}}, "return_values": "ALL_OLD"}'
    )
    assert isinstance(made.action, Put)
    assert made.key == {"id": "a", "at": Decimal(1)}
    assert made.action.given == {
        "id": "a",
        "at": Decimal(1),
        "name": "n",
        "raw": b"\x00\xff",
        "words": {"b"},
        "blobs": {b"\xff"},
        "price": Decimal("0.12345678901234567890123456789012345678"),
        "work": {"city": "x", "labels": {"l"}},
        "extras": {"n": Decimal(100)},
    }
    assert made.when is not None
    assert condition_to_json(made.when) == {"Count": {"lt": 5}}
    assert made.return_values == "ALL_OLD"


def test_an_update_with_every_section() -> None:
    made = write(
        '{"op": "update", "collection": "sample", "key": {"id": "a", "at": 1},'
        ' "set": {"raw": "/w==", "home.labels": ["x"]}, "copy": {"price": "prices.a"}, "increment": {"home.floor": 2},'
        ' "default": {"flag": true}, "append": {"items": 1},'
        ' "prepend": {"places": [{"city": "Oslo"}]}, "remove": ["extras.x"], "add": {"Count": 1, "blobs": ["/w=="]},'
        ' "delete": {"words": ["a"]}}'
    )
    assert isinstance(made.action, Update)
    parameters = made.action.expression.parameters()
    names, values = parameters["ExpressionAttributeNames"], parameters["ExpressionAttributeValues"]
    text = parameters["UpdateExpression"]
    for placeholder in sorted({**names, **values}, key=len, reverse=True):
        shown = names.get(placeholder) or str(next(iter(values[placeholder].values())))
        text = text.replace(placeholder, shown)
    assert text == (
        "SET flag = if_not_exists(flag, True), home.floor = home.floor + 2, home.labels = ['x'], "
        "items = list_append(if_not_exists(items, []), [{'N': '1'}]), "
        "places = list_append([{'M': {'city': {'S': 'Oslo'}, 'floor': {'N': '0'}}}], if_not_exists(places, [])), "
        "price = prices.a, raw = b'\\xff' REMOVE extras.x ADD Count 1, blobs [b'\\xff'] DELETE words ['a']"
    )
    assert made.return_values == "NONE"


def test_a_delete() -> None:
    made = write('{"op": "delete", "collection": "sample", "key": {"id": "a", "at": 1}, "idempotency_key": "k"}')
    assert isinstance(made.action, Delete)
    assert made.key == {"id": "a", "at": Decimal(1)}


def test_a_condition_makes_way_for_a_path_that_may_be_missing() -> None:
    text = '{"op": "update", "collection": "sample", "key": {"id": "a", "at": 1}, "set": {"work.city": "x"}%s}'
    write(text % ', "when": {"work": {"exists": true}}')
    with pytest.raises(InvalidRequest, match=r"set work\.city: work may be missing"):
        write(text % "")


def update(**fields: Any) -> dict[str, Any]:
    return {"op": "update", "collection": "sample", "key": SAMPLE_KEY, **fields}


ITEM = {"id": "a", "at": 1, "name": "n"}


@pytest.mark.parametrize(
    ("request_", "location", "reason"),
    [
        # the request's shape
        (None, (), "Input should be a valid dictionary or object to extract fields from"),
        ([], (), "Input should be a valid dictionary or object to extract fields from"),
        ({}, ("op",), "one of put, update, merge, delete, batch, transaction is needed"),
        ({"op": "drop"}, ("op",), "one of put, update, merge, delete, batch, transaction is needed"),
        ({"op": "put", "item": ITEM}, ("collection",), "Field required"),
        ({"op": "put", "collection": "sample"}, ("item",), "Field required"),
        ({"op": "put", "collection": "sample", "item": []}, ("item",), "Input should be a valid dictionary"),
        ({"op": "put", "collection": 1, "item": ITEM}, ("collection",), "Input should be a valid string"),
        ({"op": "delete", "collection": "sample", "key": "a"}, ("key",), "Input should be a valid dictionary"),
        (
            {"op": "delete", "collection": "sample", "key": SAMPLE_KEY, "x": 1},
            ("x",),
            "unknown",
        ),
        (update(add={"Count": 1}, idempotency_key=""), ("idempotency_key",), "String should have at least 1 character"),
        (
            update(add={"Count": 1}, idempotency_key="x" * 256),
            ("idempotency_key",),
            "String should have at most 255 characters",
        ),
        (
            update(add={"Count": 1}, return_values="ALL"),
            ("return_values",),
            "Input should be 'NONE', 'ALL_OLD', 'UPDATED_OLD', 'ALL_NEW' or 'UPDATED_NEW'",
        ),
        (
            update(),
            (),
            "an update needs at least one of set, copy, compute, increment, default, append, prepend, add, delete",
        ),
        (update(set=[]), ("set",), "Input should be a valid dictionary"),
        (update(remove="price"), ("remove",), "Input should be a valid list"),
        (update(remove=[1]), ("remove", 0), "Input should be a valid string"),
        (update(copy={"price": 1}), ("copy", "price"), "Input should be a valid string"),
        (update(add={"Count": 1}, when=[]), ("when",), "Input should be a valid dictionary"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_requests_of_the_wrong_shape(request_: Any, location: tuple[str | int, ...], reason: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_message(request_)
    (problem,) = caught.value.problems
    assert problem.location == location
    assert problem.reason.startswith(reason)


@pytest.mark.parametrize(
    ("request_", "location", "reason"),
    [
        # keys
        (update(add={"Count": 1}) | {"key": {"id": "a"}}, ("key", "at"), "the sort key is missing"),
        (update(add={"Count": 1}) | {"key": {"id": 1, "at": 1}}, ("key", "id"), "a string is needed"),
        (update(add={"Count": 1}) | {"key": {**SAMPLE_KEY, "x": 1}}, ("key", "x"), "not part of the primary key"),
        # items
        ({"item": {**ITEM, "count": 1}}, ("item", "count"), "unknown attribute, did you mean Count?"),
        ({"item": {"id": "a", "at": 1}}, ("item", "name"), "Field required"),
        ({"item": {**ITEM, "Count": -1}}, ("item", "Count"), "Input should be greater than or equal to 0"),
        ({"item": {**ITEM, "Count": "1"}}, ("item", "Count"), "a number is needed"),
        ({"item": {**ITEM, "Count": True}}, ("item", "Count"), "a number is needed"),
        ({"item": {**ITEM, "flag": 1}}, ("item", "flag"), "a boolean is needed"),
        ({"item": {**ITEM, "raw": "?"}}, ("item", "raw"), "base64 is needed"),
        ({"item": {**ITEM, "words": "ab"}}, ("item", "words"), "an array is needed"),
        ({"item": {**ITEM, "work": []}}, ("item", "work"), "an object is needed"),
        (
            {"item": {**ITEM, "places": [{"city": "x"}, {"city": 5}]}},
            ("item", "places", 1, "city"),
            "a string is needed",
        ),
        ({"item": {**ITEM, "prices": {"x": "1"}}}, ("item", "prices", "x"), "a number is needed"),
        ({"item": {**ITEM, "id": ""}}, ("item", "id"), "a key cannot be empty"),
        ({"item": {**ITEM, "extras": {"x": "y" * 409_600}}}, ("item",), "the item has"),
        # updates
        (update(set={"zzz": 1}), ("set", "zzz"), "unknown attribute"),
        (update(set={"a[": 1}), ("set", "a["), "not a document path; write it like Formats.Audiobook or items[1].qty"),
        (update(set={"id": "b"}), ("set", "id"), "part of the primary key, which never changes"),
        (update(set={"_v": "b"}), ("set", "_v"), "reserved for the item's version"),
        (update(set={"Count": "1"}), ("set", "Count"), "a number is needed"),
        (update(set={"Count": None}), ("set", "Count"), "a number is needed"),
        (update(set={"words": []}), ("set", "words"), "a set cannot be empty"),
        (update(set={"raw": "?"}), ("set", "raw"), "base64 is needed"),
        (update(set={"home": {"city": 1}}), ("set", "home", "city"), "a string is needed"),
        (
            update(set={"home": {"city": "x", "floor": Decimal("1.5")}}),
            ("set", "home", "floor"),
            "Input should be a valid integer",
        ),
        (update(copy={"price": "zzz"}), ("copy", "price"), "unknown attribute"),
        (update(copy={"price": "a["}), ("copy", "price"), "not a document path"),
        (update(copy={"price": "name"}), ("copy", "price"), "name holds a string, a number is needed"),
        (update(increment={"Count": "1"}), ("increment", "Count"), "arithmetic needs a number"),
        (update(append={"items": ["x"]}), ("append", "items", 0), "a number is needed"),
        (update(append={"name": "x"}), ("append", "name"), "appending needs a list, this is a string"),
        (update(remove=["name"]), ("remove", "name"), "the model requires it, it cannot be removed"),
        (update(remove=["zzz"]), ("remove", "zzz"), "unknown attribute"),
        (update(remove=["["]), ("remove", "["), "not a document path; write it like Formats.Audiobook or items[1].qty"),
        (update(add={"Count": "1"}), ("add", "Count"), "a number or a set is needed"),
        (update(add={"Count": [1]}), ("add", "Count"), "Count holds a number, a set of strings or"),
        (update(add={"words": []}), ("add", "words"), "a set cannot be empty"),
        (update(add={"words": [1]}), ("add", "words", 0), "a string is needed"),
        (update(add={"extras.x": [[1]]}), ("add", "extras.x"), "a set has strings, numbers or binary values only"),
        (
            update(add={"extras.x": [1, "a"]}),
            ("add", "extras.x"),
            "the members of a set must all be strings, all numbers or all bytes",
        ),
        (
            update(add={"extras.x": [None]}),
            ("add", "extras.x"),
            "the members of a set must all be strings, all numbers or all bytes",
        ),
        (update(delete={"words": "a"}), ("delete", "words"), "a set is needed"),
        (update(set={"home": {"city": "x"}}, remove=["home.floor"]), ("set", "home"), "overlaps with home.floor"),
        (update(add={"Count": 1}, when={"zzz": {"eq": 1}}), ("when", "zzz"), "unknown attribute"),
        (update(add={"Count": 1}, when={}), ("when",), "an object with at least one condition is needed"),
        (
            {"item": ITEM, "return_values": "UPDATED_NEW"},
            ("return_values",),
            "must be one of NONE, ALL_OLD, ALL_NEW (put)",
        ),
        (
            {"op": "delete", "key": SAMPLE_KEY, "return_values": "ALL_NEW"},
            ("return_values",),
            "must be one of NONE, ALL_OLD (delete)",
        ),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_requests_that_the_model_refuses(request_: Any, location: tuple[str | int, ...], reason: str) -> None:
    command = parse_message({"op": "put", "collection": "sample", **request_})
    with pytest.raises(InvalidRequest) as caught:
        command.to_write(ANY)
    (problem,) = caught.value.problems
    assert problem.location == location
    assert problem.reason.startswith(reason)


def test_every_wrong_action_is_named_at_once() -> None:
    body = UpdateBody.model_validate({"set": {"zzz": 1, "Count": "x"}, "remove": ["id", "name"], "add": {"words": [1]}})
    with pytest.raises(InvalidRequest) as caught:
        body.bind(Sample, ("a", 1))
    assert [problem.pointer for problem in caught.value.problems] == [
        "/set/Count",
        "/set/zzz",
        "/remove/id",
        "/remove/name",
        "/add/words/0",
    ]


@pytest.mark.parametrize(
    ("sections", "pointer"),
    [
        ({"set": {"[": 1}}, "/set/["),
        ({"copy": {"price": ""}}, "/copy/price"),
        ({"copy": {"`": "price"}}, "/copy/`"),
        ({"compute": {"price": {"plus": [1]}}}, "/compute/price/plus"),
        ({"remove": ["a..b"]}, "/remove/a..b"),
        ({"prepend": {"": [1]}}, "/prepend/"),
        ({"delete": {"items[x]": ["a"]}}, "/delete/items[x]"),
    ],
)
def test_one_malformed_action_among_good_ones_is_not_left_out(sections: dict[str, Any], pointer: str) -> None:
    body = UpdateBody.model_validate({"add": {"Count": 1}, **sections})
    with pytest.raises(InvalidRequest) as caught:
        body.bind(Sample, ("a", 1))
    assert [problem.pointer for problem in caught.value.problems] == [pointer]


def test_no_message_quotes_a_value() -> None:
    secret = "s3cret"
    for request_ in (update(set={"Count": secret}), update(add={"words": [{"x": secret}]}), {"op": "put", "x": secret}):
        with pytest.raises(InvalidRequest) as caught:
            parse_message({"collection": "sample", **request_}).to_write(ANY)
        assert secret not in str(caught.value)


def test_the_catalogue_knows_its_collections() -> None:
    catalogue = Catalogue(*MODELS)
    assert catalogue["books"] is Book
    assert set(catalogue) == {"books", "products", "threads", "users", "offers", "things"}
    assert "books" in catalogue
    assert "nope" not in catalogue
    assert len(catalogue) == 6
    with pytest.raises(UnknownCollection) as caught:
        catalogue["nope"]
    assert str(caught.value) == "unknown collection; there are: books, offers, products, things, threads, users"
    assert caught.value.collection == "nope"


def test_a_collection_is_served_by_one_model() -> None:
    with pytest.raises(ConfigurationError, match="two models have the same collection"):
        Catalogue(Book, Book)


def test_no_collection_is_called_as_a_path_of_the_api() -> None:
    class Job(Item, table="Jobs", collection="operations"):
        id: PartitionKey[str]

    with pytest.raises(ConfigurationError, match="no collection may be called operations"):
        Catalogue(Book, Job)


def batch(**members: Any) -> Any:
    bulk = parse_message({"op": "batch", "collection": "samples", **members}).to_write(ANY)
    assert isinstance(bulk, BulkWrite)
    return [(write.kind, write.key["id"]) for write in bulk.writes]


def sample_item(name: str) -> dict[str, Any]:
    return {"id": name, "at": 1, "name": "n"}


def sample_key(name: str) -> dict[str, Any]:
    return {"id": name, "at": 1}


def test_a_batch_puts_deletes_and_writes_in_turn() -> None:
    ordered = [{"delete": sample_key("c")}, {"put": sample_item("d")}, {"delete": sample_key("e")}]
    made = batch(delete=[sample_key("b")], put=[sample_item("a")], writes=ordered)
    assert made == [("put", "a"), ("delete", "b"), ("delete", "c"), ("put", "d"), ("delete", "e")]


def test_duplicates_of_a_batch() -> None:
    both = {"put": [sample_item("a")], "delete": [sample_key("a")]}
    assert batch(**both, duplicates="first") == [("put", "a")]
    assert batch(**both, duplicates="last") == [("delete", "a")]


SECOND = "a second write of the same item"


@pytest.mark.parametrize(
    ("members", "location"),
    [
        ({"put": [sample_item("a"), sample_item("b"), sample_item("a")]}, ("put", 2)),
        ({"put": [sample_item("a")], "delete": [sample_key("b"), sample_key("a")]}, ("delete", 1)),
        ({"put": [sample_item("a")], "writes": [{"delete": sample_key("a")}]}, ("writes", 0, "delete")),
        ({"put": [sample_item("a"), {**sample_item("b"), "Count": "x"}]}, ("put", 1, "Count")),
        ({"writes": [{"put": {"id": "a"}}]}, ("writes", 0, "put", "at")),
        ({"writes": [{}]}, ("writes", 0)),
        ({"writes": [{"put": sample_item("a"), "delete": sample_key("a")}]}, ("writes", 0)),
        ({"put": [sample_item("a")], "duplicates": "frist"}, ("duplicates",)),
        ({}, ()),
    ],
)
def test_errors_of_a_batch_have_their_place(members: Any, location: tuple[str | int, ...]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        batch(**members)
    assert caught.value.problems[0].location == location
    if location in (("put", 2), ("delete", 1), ("writes", 0, "delete")):
        assert caught.value.problems[0].reason == SECOND


def test_every_unknown_attribute_of_an_item_is_named() -> None:
    with pytest.raises(InvalidRequest) as caught:
        batch(put=[{**sample_item("a"), "zzz": 1, "count": 2}])
    assert [problem.pointer for problem in caught.value.problems] == ["/put/0/zzz", "/put/0/count"]
