"""Secondary indexes: what a model declares of them, and the attributes that they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from pydantic.fields import FieldInfo

from ..errors import ConfigurationError
from .annotations import types_of_field
from .wire import type_of

Projection: TypeAlias = Literal["ALL", "KEYS_ONLY"] | Sequence[str]
"""Which attributes an index holds: all of them, its keys and the table's only, or those and some others."""


@dataclass(frozen=True)
class GlobalIndex:
    """A global secondary index: another partition key, and maybe a sort key. Its reads are never strong.

    Attributes have their names in DynamoDB, here and in a projection.
    """

    name: str
    partition: str
    sort: str | None = None
    projection: Projection = "ALL"


@dataclass(frozen=True)
class LocalIndex:
    """A local secondary index: the table's partition key with another sort key."""

    name: str
    sort: str
    projection: Projection = "ALL"


class IndexKey(NamedTuple):
    """A key attribute of an index: its name in DynamoDB, its type there ("S", "N" or "B")."""

    name: str
    type: str

    def refuses(self, value: Any, max_bytes: int) -> str | None:
        """Why the value of an image cannot be the key of an index, None if it can."""
        if type_of(value) != self.type:
            return f"is the key of an index and so a {_TYPES[self.type]}; leave the attribute out where there is none"
        if self.type == "N":
            return None
        length = len(value.encode() if isinstance(value, str) else value)
        if length == 0:
            return "is the key of an index and so cannot be empty; leave the attribute out where there is none"
        return (
            f"longer than {max_bytes} bytes, DynamoDB's limit for this key of an index" if length > max_bytes else None
        )


_TYPES = {"S": "string", "N": "number", "B": "binary value"}


@dataclass(frozen=True)
class Index:
    """An index of a model. `keys` are its partition key and, if it has one, its sort key; `attributes` are those that
    it holds, None for all of them."""

    name: str
    local: bool
    keys: tuple[IndexKey, ...]
    attributes: frozenset[str] | None = None

    def definition(self, table_keys: Iterable[str]) -> dict[str, Any]:
        """The index as CreateTable takes it."""
        roles = zip(self.keys, ("HASH", "RANGE"), strict=False)
        projection: dict[str, Any] = {"ProjectionType": "ALL"}
        if self.attributes is not None:
            extra = sorted(self.attributes.difference(table_keys, (key.name for key in self.keys)))
            projection = (
                {"ProjectionType": "INCLUDE", "NonKeyAttributes": extra} if extra else {"ProjectionType": "KEYS_ONLY"}
            )
        return {
            "IndexName": self.name,
            "KeySchema": [{"AttributeName": key.name, "KeyType": role} for key, role in roles],
            "Projection": projection,
        }


class Declared:
    """The indexes of one model, as its class statement names them; `keys` are those of its table."""

    def __init__(self, model: str, attributes: Mapping[str, FieldInfo], keys: Sequence[IndexKey]) -> None:
        self._model, self._attributes, self._keys = model, attributes, keys

    def resolve(self, indexes: Iterable[GlobalIndex | LocalIndex]) -> dict[str, Index]:
        """By name. ConfigurationError says what is wrong with one."""
        resolved: dict[str, Index] = {}
        for one in indexes:
            if one.name in resolved:
                raise self._wrong(one.name, "there are two of that name")
            resolved[one.name] = self._index(one)
        return resolved

    def _index(self, one: GlobalIndex | LocalIndex) -> Index:
        partition = self._keys[0].name if isinstance(one, LocalIndex) else one.partition
        names = [partition] if one.sort is None else [partition, one.sort]
        keys = tuple(IndexKey(name, self._type(one.name, name)) for name in names)
        held = None
        if one.projection != "ALL":
            others = () if one.projection == "KEYS_ONLY" else one.projection
            if isinstance(others, str):
                raise self._wrong(one.name, "a projection is ALL, KEYS_ONLY or a list of attributes")
            for other in others:
                self._field(one.name, other)
            held = frozenset([*others, *(key.name for key in (*self._keys, *keys))])
        return Index(one.name, isinstance(one, LocalIndex), keys, held)

    def _field(self, index: str, name: str) -> FieldInfo:
        if name not in self._attributes:
            raise self._wrong(index, f"the model has no attribute {name}")
        return self._attributes[name]

    def _type(self, index: str, name: str) -> str:
        types = types_of_field(self._field(index, name))
        if len(types) != 1 or not types <= {"S", "N", "B"}:
            raise self._wrong(index, f"{name} is not always a string, always a number or always binary")
        return next(iter(types))

    def _wrong(self, index: str, reason: str) -> ConfigurationError:
        return ConfigurationError(f"{self._model}, index {index}: {reason}")
