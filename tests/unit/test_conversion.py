"""One conversion of values: a put, a SET, a condition and a message store and compare the same."""

import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    PlainSerializer,
    SecretStr,
    field_serializer,
    field_validator,
    model_serializer,
)

from surewrite import Item, PartitionKey, Write, attr
from surewrite.errors import ConfigurationError, InvalidCondition, InvalidItem, InvalidRequest, InvalidUpdate
from surewrite.expressions.evaluate import apply, evaluate
from surewrite.messages import parse_message
from surewrite.model.fields import field_at
from surewrite.paths import path
from surewrite.requests import Catalogue
from surewrite.writes import Put

MOMENT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
EPOCH = Decimal(int(MOMENT.timestamp()))

Epoch = Annotated[datetime.datetime, PlainSerializer(lambda moment: int(moment.timestamp()), return_type=int)]


class Colour(Enum):
    RED = "red"


class Address(BaseModel):
    city: str
    floor: int = 0
    seen: Epoch | None = None


class Thing(Item, table="Things"):
    id: PartitionKey[str]
    expires: Epoch | None = None
    moments: list[Epoch] = []
    settings: Json[list[int]] | None = None
    colour: Colour | None = None
    address: Address | None = None
    email: str | None = None
    since: datetime.datetime | None = None
    commas: Annotated[list[str], BeforeValidator(lambda text: text.split(",") if isinstance(text, str) else text)] = []
    positive: Annotated[int, AfterValidator(abs)] = 0

    @field_validator("email")
    @classmethod
    def _lower(cls, value: str | None) -> str | None:
        return value and value.lower()

    @field_serializer("since")
    def _to_epoch(self, value: datetime.datetime | None) -> int | None:
        return None if value is None else int(value.timestamp())


VALUES: dict[str, tuple[Any, Any]] = {
    "expires": (MOMENT, EPOCH),
    "moments": ([MOMENT], [EPOCH]),
    "settings": ("[1, 2]", "[1,2]"),
    "colour": (Colour.RED, "red"),
    "address": (Address(city="Rome", seen=MOMENT), {"city": "Rome", "floor": Decimal(0), "seen": EPOCH}),
    "email": ("Me@Example.com", "me@example.com"),
    "since": (MOMENT, EPOCH),
    "commas": ("a,b", ["a", "b"]),
    "positive": (-3, Decimal(3)),
}


@pytest.mark.parametrize("name", list(VALUES))
def test_every_way_in_stores_the_same(name: str) -> None:
    value, stored = VALUES[name]
    item = Thing.model_validate({"id": "a", name: value})
    assert item.to_image()[name] == stored
    write = Write.update(Thing, "a", {attr(name).set(value)}, attr(name).eq(value))
    assert not isinstance(write.action, Put)
    assert apply(write.action, {"id": "a"})[name] == stored  # type: ignore[arg-type]
    assert Thing.from_image({"id": "a", name: stored}).to_image()[name] == stored


@pytest.mark.parametrize("name", [name for name in VALUES if name != "positive"])
def test_a_condition_finds_what_was_stored(name: str) -> None:
    value, stored = VALUES[name]
    condition = Write.delete(Thing, "a", when=attr(name).eq(value)).when
    assert condition is not None
    assert evaluate(condition, {"id": "a", name: stored})


def test_a_message_stores_what_a_put_stores() -> None:
    given = {"expires": "2026-01-01T00:00:00Z", "settings": "[1, 2]", "commas": "a,b", "email": "Me@Example.com"}
    catalogue = Catalogue(Thing)
    put = parse_message({"op": "put", "collection": "thing", "item": {"id": "a", **given}})
    update = parse_message({"op": "update", "collection": "thing", "key": {"id": "a"}, "set": given})
    stored, changed = (message.to_write(catalogue) for message in (put, update))
    assert isinstance(stored, Write)
    assert isinstance(changed, Write)
    assert isinstance(stored.action, Put)
    new = apply(changed.action, {"id": "a"})  # type: ignore[arg-type]
    assert {name: new[name] for name in given} == {name: stored.action.image[name] for name in given}
    assert new["expires"] == EPOCH


def test_a_nested_member_has_its_serializer() -> None:
    write = Write.update(Thing, "a", {attr("moments[0]").set(MOMENT)})
    assert apply(write.action, {"id": "a", "moments": [EPOCH]})["moments"] == [EPOCH]  # type: ignore[arg-type]
    member = Write.delete(Thing, "a", when=attr("moments").contains(MOMENT)).when
    assert member is not None
    assert evaluate(member, {"id": "a", "moments": [EPOCH]})


def test_a_serializer_decides_the_type() -> None:
    assert field_at(Thing, path("expires")).types == {"N", "NULL"}
    assert field_at(Thing, path("settings")).types == {"S", "NULL"}
    Write.update(Thing, "a", {attr("expires").add(3600)})
    with pytest.raises(InvalidUpdate, match="settings holds a string, a number is needed"):
        Write.update(Thing, "a", {attr("settings").add(1)})
    with pytest.raises(InvalidUpdate, match="the model has nothing at this path"):
        Write.update(Thing, "a", {attr("settings[0]").set(1)})


@pytest.mark.parametrize("condition", [attr("expires").eq("soon"), attr("colour").eq(5), attr("email").lt(1)])
def test_a_value_that_the_field_cannot_hold_is_no_condition(condition: Any) -> None:
    with pytest.raises(InvalidCondition) as caught:
        Write.delete(Thing, "a", when=condition)
    assert caught.value.problems[0].location == (str(next(iter(condition.present()))),)


class Login(Item, table="Logins"):
    id: PartitionKey[str]
    password: SecretStr | None = None
    token: Annotated[SecretStr, PlainSerializer(lambda secret: secret.get_secret_value(), return_type=str)] | None = (
        None
    )


@pytest.mark.parametrize(
    "store",
    [
        lambda: Login(id="a", password=SecretStr("x")).to_image(),
        lambda: Write.update(Login, "a", {attr("password").set(SecretStr("x"))}),
        lambda: Write.update(Login, "a", {attr("password").set("x")}),
        lambda: Write.delete(Login, "a", when=attr("password").eq(SecretStr("x"))),
    ],
)
def test_a_secret_is_never_stored_as_asterisks(store: Any) -> None:
    with pytest.raises(InvalidRequest, match="a secret would be stored as asterisks; give the field a serializer"):
        store()
    assert Login(id="a", token=SecretStr("x")).to_image()["token"] == "x"


def test_a_model_serializer_is_refused_when_the_class_is_defined() -> None:
    with pytest.raises(ConfigurationError, match="Whole: a serializer of the whole model"):

        class Whole(Item, table="Whole"):
            id: PartitionKey[str]

            @model_serializer
            def _all(self) -> dict[str, Any]:
                return {"id": self.id}


class Shop(Item, table="Shops"):
    id: PartitionKey[str]
    address: Address = Address(city="Rome")
    addresses: list[Address] = []
    code: str = Field(default="x", min_length=1)


def test_a_fingerprint_holds_only_what_was_given() -> None:
    given, filled = {"city": "Rome"}, {"city": "Rome", "floor": 0}
    for action in (attr("address").set, attr("address").default):
        one, other = (Write.update(Shop, "a", {action(value)}) for value in (given, filled))
        assert one.action != other.action
        assert one.fingerprint != other.fingerprint
        assert '"floor"' not in one.action.canonical  # type: ignore[union-attr]
        assert "floor" in str(apply(one.action, {"id": "a"}))  # type: ignore[arg-type]
    listed = Write.update(Shop, "a", {attr("addresses").append([given])})
    assert '"floor"' not in listed.action.canonical  # type: ignore[union-attr]


def test_a_number_that_is_added_is_no_moment() -> None:
    write = Write.update(Thing, "a", {attr("expires").add(60)})
    assert apply(write.action, {"id": "a", "expires": EPOCH})["expires"] == EPOCH + 60  # type: ignore[arg-type]
    with pytest.raises(InvalidItem):
        Thing.from_image({"id": "a", "expires": "never"})


class Tidy(Item, table="Tidy"):
    model_config = ConfigDict(str_strip_whitespace=True, str_to_lower=True)

    id: PartitionKey[str]
    name: str = ""
    address: Address | None = None


def test_a_models_settings_convert_whatever_comes_in() -> None:
    assert Tidy(id="a", name=" Ann ").to_image()["name"] == "ann"
    write = Write.update(Tidy, "a", {attr("name").set(" Ann ")}, attr("name").ne(" Bob "))
    assert apply(write.action, {"id": "a"})["name"] == "ann"  # type: ignore[arg-type]
    assert write.when is not None
    assert not evaluate(write.when, {"name": "bob"})
    with pytest.raises(InvalidUpdate) as caught:
        Write.update(Tidy, "a", {attr("address").set({"floor": "x"})})
    assert {problem.pointer for problem in caught.value.problems} == {"/set/address/city", "/set/address/floor"}
