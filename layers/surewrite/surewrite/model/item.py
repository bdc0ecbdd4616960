"""`Item`: a pydantic model with a table, a primary key and an image in DynamoDB."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from .. import hints
from ..errors import ConfigurationError, InvalidItem, InvalidKey, ItemTooLarge, Problem
from ..paths import Path
from .annotations import alias_of, plain, types_of_field
from .coerce import check_whole, native, prune
from .indexes import Declared, GlobalIndex, Index, IndexKey, LocalIndex
from .keys import MAX_KEY_BYTES, KeyAttribute, KeyImage, KeyRole, key_attribute
from .partial import lenient_instance, partial_instance
from .wire import MAX_ITEM_BYTES, Image, Wire, item_size, to_wire

VERSION = "_v"
"""The attribute that holds an item's version: a fresh random token at each write. It never reaches a model."""


_ROLES = (KeyRole.PARTITION, KeyRole.SORT)


@dataclass(frozen=True)
class Schema:
    """What a model says about its table. `attributes` maps the names in DynamoDB to the fields, `indexes` the names of
    its secondary indexes to them, `ttl` names the attribute whose time an item does not outlive."""

    table: str
    collection: str
    partition: KeyAttribute
    sort: KeyAttribute | None
    attributes: dict[str, FieldInfo]
    fields: dict[str, str]
    indexes: dict[str, Index]
    ttl: str | None = None

    @cached_property
    def key_attributes(self) -> tuple[KeyAttribute, ...]:
        return (self.partition,) if self.sort is None else (self.partition, self.sort)

    @cached_property
    def key_names(self) -> frozenset[str]:
        return frozenset(attribute.name for attribute in self.key_attributes)

    @cached_property
    def required(self) -> frozenset[str]:
        """Names of the attributes that every item has, besides its key."""
        return frozenset(name for name, field in self.attributes.items() if field.is_required()) - self.key_names

    def unknown(self, name: str) -> str:
        """The reason to give for an attribute that the model does not have."""
        import difflib  # only a mistake needs it

        if hint := hints.in_json(name):
            return f"unknown attribute, {hint}"
        close = difflib.get_close_matches(name, self.attributes, n=1, cutoff=0.6)
        near = [self.fields[name]] if name in self.fields else close
        return "unknown attribute" + (f", did you mean {near[0]}?" if near else "")

    def key(self, key: Any) -> Image:
        """The primary key's image from an item, a mapping of attribute (or field) names, a tuple or a single value.

        InvalidKey if it is incomplete, has other attributes, or a value is of the wrong type, empty or too long.
        """
        if isinstance(key, KeyImage) and key.collection == self.collection:
            return key
        if isinstance(key, Item):
            key = [getattr(key, attribute.field) for attribute in self.key_attributes]
        if isinstance(key, Mapping):
            key = self._in_order(key)
        elif not isinstance(key, tuple | list):
            key = (key,)
        self._check_count(len(key))
        named = zip(self.key_attributes, key, strict=True)
        return KeyImage({attribute.name: attribute.validate(value) for attribute, value in named}, self.collection)

    def parse_key(self, parts: Iterable[str]) -> Image:
        """The primary key's image from text, as it stands in a URL."""
        texts = tuple(parts)
        self._check_count(len(texts))
        named = zip(self.key_attributes, texts, strict=True)
        return KeyImage({attribute.name: attribute.parse(text) for attribute, text in named}, self.collection)

    def check_indexed(self, image: Mapping[str, Any]) -> None:
        """InvalidItem for what DynamoDB does not take as the key of an index ("Managing global secondary indexes" and
        its quotas): another type, NULL included, nothing between the quotes, too many bytes."""
        problems = [
            Problem((key.name,), reason)
            for index in self.indexes.values()
            for number, key in enumerate(index.keys)
            if key.name in image and (reason := key.refuses(image[key.name], MAX_KEY_BYTES[_ROLES[number]]))
        ]
        if problems:
            raise InvalidItem(*dict.fromkeys(problems))

    def key_of(self, image: Mapping[str, Any]) -> Image:
        return {attribute.name: image[attribute.name] for attribute in self.key_attributes}

    def visible(self, image: Image | None) -> Image | None:
        """The image without its version, in the model's order; names in nested maps by the alphabet, for DynamoDB has
        no order at all."""
        if image is None:
            return None
        names = [name for name in self.attributes if name in image]
        names += sorted(image.keys() - self.attributes.keys() - {VERSION})
        return {name: _sorted_names(image[name]) for name in names}

    def _in_order(self, key: Mapping[str, Any]) -> list[Any]:
        known = {attribute.name: attribute.name for attribute in self.key_attributes}
        known |= {attribute.field: attribute.name for attribute in self.key_attributes}
        named = {}
        for name, value in key.items():
            if name not in known:
                raise InvalidKey(Problem((str(name),), "not part of the primary key"))
            named[known[name]] = value
        for attribute in self.key_attributes:
            if attribute.name not in named:
                raise InvalidKey(Problem((attribute.name,), f"the {attribute.role.value} is missing"))
        return [named[attribute.name] for attribute in self.key_attributes]

    def _check_count(self, count: int) -> None:
        if count != len(self.key_attributes):
            names = " and ".join(attribute.name for attribute in self.key_attributes)
            raise InvalidKey(Problem((), f"the primary key is {names}: {len(self.key_attributes)} value(s) needed"))


def _sorted_names(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted_names(value[name]) for name in sorted(value)}
    return [_sorted_names(member) for member in value] if isinstance(value, list) else value


class Item(BaseModel):
    """Base of all models: one class for each kind of item.

        class Book(Item, table="Books", collection="books"):
            model_config = ConfigDict(alias_generator=to_pascal)
            author: PartitionKey[str]
            title: SortKey[str]
            stock: int = Field(default=0, ge=0)

    `table` is the table's logical name, `collection` the name in URLs and messages (by default the class name in lower
    case), `indexes` are its secondary indexes: `[GlobalIndex("ByAccountType", "account_type", "age")]`, `ttl` is the
    attribute whose time, in seconds since 1970, an item does not outlive (DynamoDB's Time to Live).
    Aliases are the names of attributes in DynamoDB; both names are accepted in Python, only aliases in requests.
    Unknown attributes are refused on the way in and ignored on the way out, unless the model says `extra="allow"`.
    A field left at None is not stored, one that was set to None is stored as NULL; an empty set is not stored,
    because DynamoDB has none.
    """

    model_config = ConfigDict(
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        validate_assignment=True,
        val_json_bytes="base64",
        ser_json_bytes="base64",
    )

    schema_: ClassVar[Schema]

    def __init_subclass__(
        cls,
        *,
        table: str | None = None,
        collection: str | None = None,
        indexes: Iterable[GlobalIndex | LocalIndex] = (),
        ttl: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        table: str | None = None,
        collection: str | None = None,
        indexes: Iterable[GlobalIndex | LocalIndex] = (),
        ttl: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if table is not None:
            cls.schema_ = _schema(cls, table, collection or cls.__name__.lower(), indexes, ttl)

    @classmethod
    def from_image(cls, image: Mapping[str, Any]) -> Self:
        """A validated instance; InvalidItem names each attribute that violates the model."""
        extra: Literal["ignore"] | None = None if cls.model_config.get("extra") == "allow" else "ignore"
        given = {name: value for name, value in image.items() if name != VERSION}
        try:
            return cls.model_validate(given, extra=extra, by_alias=True, by_name=False)
        except ValidationError as error:
            raise InvalidItem.from_pydantic(error.errors(include_url=False, include_input=False)) from None

    @classmethod
    def from_partial(cls, image: Mapping[str, Any], paths: Iterable[Path] | None = None) -> Self:
        """An instance of what was read of an item, by `UPDATED_OLD` or a projection on `paths`.

        Each attribute is validated by itself, where it is whole. The others are not there: reading one raises
        AttributeError, and the instance cannot be stored. Without `paths` no nested model is taken for whole.
        """
        return partial_instance(cls, {name: value for name, value in image.items() if name != VERSION}, paths)

    @classmethod
    def from_stored(cls, image: Mapping[str, Any]) -> Self:
        """The item as it is stored: a validated instance, or, where it violates the model (an older release wrote it),
        one whose invalid attributes stand in it as they are stored. That one cannot be stored again."""
        try:
            return cls.from_image(image)
        except InvalidItem:
            return lenient_instance(cls, {name: value for name, value in image.items() if name != VERSION})

    @property
    def version_(self) -> str | None:
        """The version that the item had when it was read or written, for optimistic locking: `update(…,
        version=book.version_)`. None for an instance that was made here, and for an item without one."""
        version: str | None = self.__dict__.get(VERSION)
        return version

    def with_version(self, version: str | None) -> Self:
        """Keeps the version in the instance; it is no field, and takes no part in comparisons or dumps."""
        self.__dict__[VERSION] = version
        return self

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in type(self).model_fields:
                raise AttributeError(f"{type(self).__name__}.{name} was not read")
            return super().__getattr__(name)

    def to_image(self, *, given_only: bool = False) -> Image:
        """The item as DynamoDB stores it, without its version; `given_only` leaves the defaults out.

        InvalidItem names the attribute that DynamoDB would refuse, or says that only a part of the item was read.
        """
        try:
            check_whole(self)
            dumped = self.model_dump(mode="python", by_alias=True, round_trip=True, exclude_unset=given_only)
            prune(self, dumped)
        except TypeError as error:
            raise InvalidItem(Problem((), str(error))) from None
        image: Image = {}
        for name, value in dumped.items():
            try:
                image[name] = native(value)
            except (ValueError, TypeError) as error:
                raise InvalidItem(Problem((name,), str(error))) from None
        return image


def checked_wire(image: Mapping[str, Any]) -> Wire:
    """The image on the wire; InvalidItem names the attribute that DynamoDB would refuse."""
    wire = {}
    for name, value in image.items():
        try:
            wire[name] = to_wire(value)
        except (ValueError, TypeError) as error:
            raise InvalidItem(Problem((name,), str(error))) from None
    return wire


def check_size(size: int) -> None:
    """ItemTooLarge if DynamoDB would refuse an item of so many bytes."""
    if size > MAX_ITEM_BYTES:
        raise ItemTooLarge(Problem((), f"the item has {size:,} bytes, DynamoDB's limit is {MAX_ITEM_BYTES:,}"))


def checked_size(image: Mapping[str, Any]) -> Wire:
    """The image on the wire; InvalidItem or ItemTooLarge if DynamoDB would refuse it."""
    wire = checked_wire(image)
    check_size(item_size(wire))
    return wire


def wholly_given(item: Item) -> bool:
    """Whether no default has filled in anything, in the item or in a model within it; False where that is not plain."""
    model = type(item)
    return _flat(model) and item.model_fields_set >= model.model_fields.keys()


@lru_cache(maxsize=256)
def _flat(model: type[Item]) -> bool:
    """Whether no field may hold another model."""
    return all(map(plain, (field.annotation for field in model.model_fields.values())))


def _schema(
    model: type[Item], table: str, collection: str, indexes: Iterable[GlobalIndex | LocalIndex], ttl: str | None
) -> Schema:
    if model.__pydantic_decorators__.model_serializers:
        reason = "a serializer of the whole model would hide what is stored; give its fields serializers"
        raise ConfigurationError(f"{model.__name__}: {reason}")
    keys: dict[KeyRole, KeyAttribute] = {}
    attributes, fields = {}, {}
    for name, field in model.model_fields.items():
        alias = alias_of(name, field)
        if alias == VERSION or alias in attributes:
            raise ConfigurationError(f"{model.__name__}.{name}: the attribute name {alias!r} is taken")
        attributes[alias], fields[name] = field, alias
        for role in (mark for mark in field.metadata if isinstance(mark, KeyRole)):
            if role in keys:
                raise ConfigurationError(f"{model.__name__}: two fields are marked as the {role.value}")
            keys[role] = key_attribute(model, name, alias, field, role)
    if KeyRole.PARTITION not in keys:
        raise ConfigurationError(f"{model.__name__}: no field is marked as the partition key")
    partition, sort = keys[KeyRole.PARTITION], keys.get(KeyRole.SORT)
    table_keys = [IndexKey(key.name, key.type) for key in (partition, sort) if key is not None]
    declared = Declared(model.__name__, attributes, table_keys).resolve(indexes)
    if ttl is not None and (ttl not in attributes or types_of_field(attributes[ttl]) != {"N"}):
        raise ConfigurationError(f"{model.__name__}, ttl: the model has no attribute {ttl} that is always a number")
    return Schema(table, collection, partition, sort, attributes, fields, declared, ttl)
