import datetime
import uuid
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

import pytest
from boto3.dynamodb.types import Binary
from pydantic import AliasGenerator, BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_pascal

from surewrite import Item, PartitionKey, SortKey, Update, Write, attr
from surewrite.errors import ConfigurationError, InvalidItem, InvalidUpdate, ItemTooLarge, Problem
from surewrite.model.coerce import native
from surewrite.model.item import VERSION, checked_size
from surewrite.model.wire import image_to_wire
from surewrite.paths import path
from surewrite.writes import Put
from tests.models import Address, Book, Part, Product, Thing, User
from tests.unit.samples import Place, Sample

KEY = {"id": "a", "at": Decimal(1), "name": "n"}


def sample(**fields: Any) -> Sample:
    return Sample(id="a", at=1, name="n", **fields)


def test_an_item_and_its_image() -> None:
    item = sample(
        count=3, price=Decimal("1.10"), raw=b"\xff", flag=True, words={"a"}, numbers={1}, blobs={b"b"}, items=[1],
        places=[Place(city="Oslo", labels={"x"})], work=Place(city="Bonn"), prices={"a": Decimal(2)},
        extras={"any": [None, {"deep": {1, 2}}]},
    )  # fmt: skip
    image = item.to_image()
    assert image == {
        **KEY,
        "Count": Decimal(3),
        "price": Decimal("1.1"),
        "raw": b"\xff",
        "flag": True,
        "words": {"a"},
        "numbers": {Decimal(1)},
        "blobs": {b"b"},
        "items": [Decimal(1)],
        "places": [{"city": "Oslo", "floor": Decimal(0), "labels": {"x"}}],
        "home": {"city": "Rome", "floor": Decimal(0)},
        "work": {"city": "Bonn", "floor": Decimal(0)},
        "prices": {"a": Decimal(2)},
        "extras": {"any": [None, {"deep": {Decimal(1), Decimal(2)}}]},
    }
    assert {type(image["Count"]), type(image["items"][0]), type(next(iter(image["numbers"])))} == {Decimal}
    assert Sample.from_image(image) == item


def test_none_is_not_stored_where_it_was_left_and_null_where_it_was_set() -> None:
    assert "price" not in sample().to_image()
    image = sample(price=None).to_image()
    assert image["price"] is None
    assert Sample.from_image(image).to_image() == image


def test_empty_sets_are_not_stored() -> None:
    image = sample(words=set(), places=[Place(city="Oslo", labels=set())]).to_image()
    assert "words" not in image
    assert image["places"] == [{"city": "Oslo", "floor": Decimal(0)}]
    assert Sample.from_image(image).words == set()


def test_an_empty_set_that_is_required_cannot_be_stored() -> None:
    class Tagged(Item, table="Tagged"):
        id: PartitionKey[str]
        tags: set[str]

    with pytest.raises(InvalidItem, match="tags: a set cannot be empty"):
        checked_size(Tagged(id="a", tags=set()).to_image())


def test_given_only_leaves_defaults_out() -> None:
    assert sample(count=2).to_image(given_only=True) == {**KEY, "Count": Decimal(2)}


def test_fields_have_python_names_and_attributes_their_aliases() -> None:
    assert Book(author="a", title="t").to_image().keys() == {"Author", "Title", "Formats", "Stock", "Views"}
    assert Book.from_image({"Author": "a", "Title": "t", "Views": Decimal(2)}).views == 2
    with pytest.raises(InvalidItem, match="Author: Field required; Title: Field required"):
        Book.from_image({"author": "a", "title": "t"})


def test_what_the_model_does_not_know_is_refused_in_python_and_ignored_in_an_image() -> None:
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        sample(other=1)
    assert Sample.from_image({**KEY, "other": 1, VERSION: "v"}) == sample()


def test_an_open_model_keeps_what_it_does_not_know() -> None:
    class Open(Item, table="Open"):
        model_config = ConfigDict(extra="allow")
        id: PartitionKey[str]

    item = Open.from_image({"id": "a", "other": {"x": Decimal(1)}, VERSION: "v"})
    assert item.to_image() == {"id": "a", "other": {"x": Decimal(1)}}


def test_an_invalid_image_names_every_place() -> None:
    with pytest.raises(InvalidItem) as caught:
        Sample.from_image({**KEY, "Count": Decimal(-1), "places": [{"city": "Oslo"}, {}], "items": ["x"]})
    assert {problem.location for problem in caught.value.problems} == {("Count",), ("places", 1, "city"), ("items", 0)}
    assert "greater than or equal to 0" in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"price": Decimal("1" * 39)}, Problem(("price",), "more than 38 significant digits")),
        ({"extras": {"x": float("inf")}}, Problem(("extras",), "not a finite number")),
    ],
)
def test_numbers_that_dynamodb_would_refuse(fields: dict[str, Any], problem: Problem) -> None:
    with pytest.raises(InvalidItem) as caught:
        sample(**fields).to_image()
    assert caught.value.problems == (problem,)


def test_a_partial_image_is_validated_where_it_is_whole() -> None:
    part = Sample.from_partial({"Count": Decimal(2), "work": {"floor": Decimal(1)}, "unknown": 1})
    assert part.count == 2
    assert type(part.count) is int
    assert part.model_fields_set == {"count", "work"}
    assert isinstance(part.work, Place)
    assert part.work.floor == 1
    for place, name in ((part, "name"), (part, "price"), (part, "words"), (part.work, "city")):
        with pytest.raises(AttributeError):
            getattr(place, name)


def test_what_was_read_whole_has_its_defaults() -> None:
    image = {"work": {"city": "Rome"}, "places": [{"city": "Oslo"}], "home": {"city": "Bonn"}}
    part = Sample.from_partial(image, [path("work"), path("places[1].city"), path("home.city")])
    assert part.work == Place(city="Rome", floor=0)
    assert type(part.places[0]) is Place
    for nested in (part.places[0], part.home):
        with pytest.raises(AttributeError):
            _ = nested.floor


@pytest.mark.parametrize("image", [{}, {"Count": Decimal(2)}, {"id": "a", "at": Decimal(1), "name": "x"}])
def test_a_partial_instance_cannot_be_stored(image: Any) -> None:
    part = Sample.from_partial(image)
    for store in (part.to_image, lambda: Write.put(part), part.model_copy().to_image):
        with pytest.raises(InvalidItem, match="only a part of it was read, so it cannot be stored"):
            store()


def test_a_nested_part_cannot_be_stored_in_a_whole() -> None:
    part = Sample.from_partial({"work": {"city": "Rome"}})
    with pytest.raises(InvalidItem, match="only a part of it was read"):
        Sample(id="a", at=1, name="x", work=part.work).to_image()
    with pytest.raises(InvalidUpdate, match="set work: only a part of it was read"):
        Update.build(Sample, {attr("work").set(part.work)})


def test_what_a_model_does_not_name_is_read_with_extra_allow() -> None:
    part = Open.from_partial({"colour": "red"})
    assert part.model_extra == {"colour": "red"}


def test_a_stored_item_that_violates_its_model_can_be_read() -> None:
    image = {"id": "a", "at": Decimal(1), "Count": Decimal(-2), "work": {"floor": "x"}, "_v": "v1"}
    stored = Sample.from_stored(image)
    assert (stored.id, stored.at, stored.count, stored.flag, stored.words) == ("a", 1, -2, False, set())
    assert isinstance(stored.work, Place)
    assert stored.work.floor == "x"  # type: ignore[comparison-overlap]
    with pytest.raises(AttributeError, match=r"Sample\.name was not read"):
        _ = stored.name
    with pytest.raises(InvalidItem, match="it violates its model, so it cannot be stored"):
        stored.to_image()
    valid = {"id": "a", "at": Decimal(1), "name": "x"}
    assert Sample.from_stored(valid) == Sample.from_image(valid)


class Open(Item, table="Open"):
    model_config = ConfigDict(extra="allow")

    id: PartitionKey[str]


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "image"),
    [
        (Colour.RED, "red"),
        (datetime.date(2024, 1, 2), "2024-01-02"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Binary(b"a"), b"a"),
        (bytearray(b"a"), b"a"),
        ((1, 2), [Decimal(1), Decimal(2)]),
        (frozenset({1}), {Decimal(1)}),
        ({Colour.RED: 0.1}, {"red": Decimal("0.1")}),
        (Place(city="Oslo"), {"city": "Oslo", "floor": Decimal(0)}),
        (True, True),
    ],
)
def test_native_values(value: Any, image: Any) -> None:
    assert native(value) == image
    assert type(native(value)) is type(image)


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        ({"a": "x" * 409_601}, ItemTooLarge, "the item has 409,602 bytes, DynamoDB's limit is 409,600"),
        ({"a": "\ud800"}, InvalidItem, "a: not valid Unicode: half a surrogate pair"),
        ({"a": [set()]}, InvalidItem, "a: a set cannot be empty"),
    ],
    ids=["size", "unicode", "set"],
)
def test_items_that_dynamodb_would_refuse(image: dict[str, Any], error: type[InvalidItem], message: str) -> None:
    with pytest.raises(error) as caught:
        checked_size(image)
    assert str(caught.value) == message


def test_the_largest_item_fits() -> None:
    assert checked_size({"a": "x" * 409_599}) == {"a": {"S": "x" * 409_599}}


def test_the_collections_name_is_the_classs_by_default() -> None:
    assert (Sample.schema_.table, Sample.schema_.collection) == ("Samples", "sample")
    assert (Book.schema_.table, Book.schema_.collection) == ("Books", "books")


def test_visible_is_in_the_models_order_without_the_version() -> None:
    image = {"home": {"z": 1, "a": 2}, VERSION: "v", "other": 1, "name": "n", "id": "a", "at": Decimal(1)}
    visible = Sample.schema_.visible(image)
    assert visible is not None
    assert list(visible) == ["id", "at", "name", "home", "other"]
    assert list(visible["home"]) == ["a", "z"]
    assert Sample.schema_.visible(None) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("count", "unknown attribute, did you mean Count?"),
        ("nam", "unknown attribute, did you mean name?"),
        ("xyz", "unknown attribute"),
    ],
)
def test_an_unknown_attribute_gets_a_hint(name: str, reason: str) -> None:
    assert Sample.schema_.unknown(name) == reason


def _no_partition_key() -> None:
    class Model(Item, table="T"):
        id: str


def _two_partition_keys() -> None:
    class Model(Item, table="T"):
        a: PartitionKey[str]
        b: PartitionKey[str]


def _two_sort_keys() -> None:
    class Model(Item, table="T"):
        id: PartitionKey[str]
        a: SortKey[str]
        b: SortKey[int]


def _a_list_as_key() -> None:
    class Model(Item, table="T"):
        id: PartitionKey[list[str]]


def _an_optional_key() -> None:
    class Model(Item, table="T"):
        id: PartitionKey[str]
        at: SortKey[int | None]


def _the_versions_name() -> None:
    class Model(Item, table="T"):
        id: PartitionKey[str]
        version: Annotated[str, Field(alias=VERSION)]


def _one_name_twice() -> None:
    class Model(Item, table="T"):
        id: PartitionKey[str]
        other: Annotated[str, Field(alias="id")]


def _a_time_to_live_of_text() -> None:
    class Model(Item, table="T", ttl="until"):
        id: PartitionKey[str]
        until: datetime.datetime | None = None


def _a_time_to_live_by_its_field() -> None:
    class Model(Item, table="T", ttl="expires_at"):
        model_config = ConfigDict(alias_generator=to_pascal)
        id: PartitionKey[str]
        expires_at: int


@pytest.mark.parametrize(
    ("define", "message"),
    [
        (_no_partition_key, "Model: no field is marked as the partition key"),
        (_two_partition_keys, "Model: two fields are marked as the partition key"),
        (_two_sort_keys, "Model: two fields are marked as the sort key"),
        (_a_list_as_key, "Model.id: a partition key must be str, int, Decimal or bytes"),
        (_an_optional_key, "Model.at: a sort key must be str, int, Decimal or bytes"),
        (_the_versions_name, "Model.version: the attribute name '_v' is taken"),
        (_one_name_twice, "Model.other: the attribute name 'id' is taken"),
        (_a_time_to_live_of_text, "Model, ttl: the model has no attribute until that is always a number"),
        (_a_time_to_live_by_its_field, "Model, ttl: the model has no attribute expires_at that is always a number"),
    ],
)
def test_a_model_that_is_set_up_wrongly(define: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        define()
    assert str(caught.value) == message


def test_a_time_to_live() -> None:
    class Hold(Item, table="Holds", ttl="Until"):
        id: PartitionKey[str]
        until: Annotated[
            datetime.datetime | None,
            Field(alias="Until"),
            PlainSerializer(lambda at: int(at.timestamp()), return_type=int),
        ] = None

    assert Hold.schema_.ttl == "Until"
    assert Sample.schema_.ttl is None


def test_models_inherit() -> None:
    class Base(Item):
        model_config = ConfigDict(alias_generator=AliasGenerator(alias=to_pascal))
        id: PartitionKey[str]

    class Derived(Base, table="Derived"):
        more: int = 0

    assert Derived.schema_.key_names == {"Id"}
    assert Derived(id="a").to_image() == {"Id": "a", "More": Decimal(0)}
    assert not hasattr(Base, "schema_")


def test_a_nested_model_in_any() -> None:
    class Note(BaseModel):
        text: str | None = None
        tags: set[str] = set()

    assert sample(extras={"note": Note()}).to_image()["extras"] == {"note": {}}


@pytest.mark.parametrize(
    "item",
    [
        Product(id=1),
        Product(id=1, description=None, price=None, quantity_on_hand=0, related_items=[]),
        Book(author="a", title="t", category=None, formats={}, price=None, stock=0, views=0, tags=set()),
        User(username="u", last_name="l", first_name="f", age=1, account_type="a", address=Address(state="CA")),
        Thing(id=b"i", number=Decimal(1), parts=[Part(name="n")]),
    ],
    ids=str,
)
def test_what_defaults_have_filled_in_is_no_part_of_a_request(item: Item) -> None:
    """However it is found out: an item whose fields are all given is not asked twice."""
    put = Write.put(item).action
    assert isinstance(put, Put)
    assert (put.image, put.given) == (item.to_image(), item.to_image(given_only=True))
    assert put.given_wire == image_to_wire(put.given)
